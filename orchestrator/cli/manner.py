"""The options that all operations have in common, as one value."""

from __future__ import annotations

import uuid
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from orchestrator.cli.context import JsonOption

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_TIMEOUT_S = 60.0


def fresh_key() -> str:
    """An idempotency key that nobody has."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How an operation is given.

    Attributes:
        timeout: how long `wait` waits, seconds.
        key: the same key and content again is the same operation.
        revision: what the caller saw; None = whatever it is.
    """

    reason: Annotated[str, typer.Option(help="why, in 8 characters or more; it is recorded")] = ""
    wait: Annotated[bool, typer.Option("--wait", help="wait until it is verified, and say what came of it")] = False
    timeout: Annotated[float, typer.Option(min=0.1, help="how long --wait waits, seconds")] = DEFAULT_TIMEOUT_S
    dry_run: Annotated[bool, typer.Option("--dry-run", help="check it and show what it would do, and do nothing")] = (
        False
    )
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False
    json: JsonOption = False
    key: Annotated[str, typer.Option(help="idempotency key, to repeat a call", show_default="a fresh one")] = field(
        default_factory=fresh_key
    )
    revision: Annotated[
        int | None, typer.Option(min=0, help="refuse if the execution is not at this revision, which you saw")
    ] = None

    def require_reason(self) -> None:
        """Insist on a reason, unless nothing is done.

        Raises:
            BadParameter: there is none.
        """
        if not (self.reason.strip() or self.dry_run):
            raise typer.BadParameter("say why, by --reason TEXT: the reason is recorded")


def with_manner(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of `Manner`, and of what is alike, in place of the parameters that take them."""
    declared = signature(command, eval_str=True).parameters.values()
    values = {each.name: each.annotation for each in declared if is_dataclass(each.annotation)}

    @wraps(command)
    def with_options(**given: Any) -> None:
        made = {name: _made(kind, given) for name, kind in values.items()}
        command(**given, **made)

    own = [each for each in declared if each.name not in values]
    parameters = [*own, *(option for kind in values.values() for option in _options(kind))]
    with_options.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {each.name: each.annotation for each in parameters}
    return with_options


NO_KEY = ("key", "")
"""No key was given: a fresh one is taken."""


def _made(kind: Any, given: dict[str, Any]) -> Any:
    taken = {each.name: given.pop(each.name) for each in fields(kind)}
    return kind(**{name: value for name, value in taken.items() if (name, value) != NO_KEY})


def _options(kind: Any) -> list[Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    return [
        Parameter(
            each.name,
            Parameter.KEYWORD_ONLY,
            default="" if each.default is MISSING else each.default,
            annotation=hints[each.name],
        )
        for each in fields(kind)
    ]
