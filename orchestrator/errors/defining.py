"""What is wrong before anything runs: definitions, settings, wiring, rehearsals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.errors.root import OrchestratorError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class SagaDefinitionError(OrchestratorError):
    """A saga is declared wrongly. Holds every problem found, each with code, place and remedy.

    Args:
        saga: the saga's name.
        problems: one line each, as `S004 text     file.py:41`.
    """

    def __init__(self, saga: str, problems: Sequence[str]) -> None:
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"saga {saga!r}:\n{lines}")
        self.saga = saga
        self.problems = tuple(problems)


class CatalogueError(OrchestratorError):
    """Two different messages share one type, so nobody could tell which of them a body should fit."""

    def __init__(self, *, message_type: str, first: str, second: str) -> None:
        super().__init__(f"{first} and {second} are both of type {message_type!r}: give one of them another `type=`")
        self.message_type = message_type


@dataclass(frozen=True, slots=True)
class WrongSetting:
    """One setting that cannot be used.

    Attributes:
        setting: the environment variable. `value`: what was found; None if it is a secret, or not to be shown.
        allowed: what is allowed. `source`: where the value came from, empty if there is only one place.
    """

    setting: str
    value: str | None
    allowed: str
    source: str = ""

    def __str__(self) -> str:
        """One line."""
        shown = "a value that is not shown" if self.value is None else repr(self.value)
        source = f", from {self.source}" if self.source else ""
        return f"{self.setting} is {shown}{source}: {self.allowed}"


class UncarriableError(OrchestratorError):
    """A message has something that the codec it is declared with cannot carry.

    Args:
        model: the message.
        place: the field, as `lines[].price`; empty = the whole body.
        why: what is wrong there, and what to do.
    """

    def __init__(self, model: str, place: str, why: str) -> None:
        where = f"{model}.{place}" if place else model
        super().__init__(f"{where} {why}")
        self.model = model
        self.place = place


class MissingExtraError(OrchestratorError):
    """Something needs a library that is installed only if asked for.

    Args:
        extra: the extra of this package that brings it. `library`: what is missing. `what`: what needs it.
    """

    def __init__(self, extra: str, library: str, what: str) -> None:
        super().__init__(f"{what} need {library}: install saga-orchestrator[{extra}]")
        self.extra = extra


class SettingsError(OrchestratorError):
    """Settings have values that are not allowed: all of them at once."""

    def __init__(self, *wrong: WrongSetting) -> None:
        lines = "\n".join(f"  {one}" for one in wrong)
        super().__init__(str(wrong[0]) if len(wrong) == 1 else f"{len(wrong)} settings cannot be used:\n{lines}")
        self.wrong = wrong


class PortMissingError(OrchestratorError):
    """An action asks for something that its worker was not given.

    Args:
        port: the type asked for.
        registered: the types the worker was given.
    """

    def __init__(self, port: Any, registered: Mapping[type, Any]) -> None:
        name = getattr(port, "__name__", repr(port))
        known = ", ".join(sorted(one.__name__ for one in registered)) or "none"
        super().__init__(
            f"no {name} is registered (there are: {known}): where the worker is opened, add {name} to its `ports`,"
            f" as in open_worker(sagas, settings, ports={{{name}: ...}})"
        )
        self.port = port


class RehearsalError(OrchestratorError):
    """The rehearsal was told something that cannot happen now, or a function is not pure."""


class InvariantBrokenError(OrchestratorError):
    """A recorded run of the engine broke a promise.

    Args:
        number: which invariant of semantics.md. `name`: its name there.
        complaint: what happened.
        story: the whole run, up to the signal that shows it.
    """

    def __init__(self, number: int, name: str, *, complaint: str, story: str) -> None:
        super().__init__(f"invariant {number}, {name}: {complaint}\n{story}")
        self.number = number
        self.complaint = complaint
