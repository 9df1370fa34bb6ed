"""Operators' commands on their way into an execution: what travels, who may refuse, and when they are answered.

The handler only queues (express.md, 7): a boundary comes before the first effect. The answer is given once the engine
has taken the command, so it says what became of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from orchestrator.adapters.temporal.given import from_json, to_json
from orchestrator.engine import signals
from orchestrator.engine.signals import OperatorSignal
from orchestrator.service.live import Taken

if TYPE_CHECKING:
    from orchestrator.adapters.temporal.interpreter import Interpreter
    from orchestrator.engine.execution import Entry
    from orchestrator.engine.signals import Operator

OPERATE_UPDATE = "operate"
REFUSED, CONFLICT = "RefusedCommandError", "ConflictError"
COMMANDS: dict[str, type[Operator]] = {
    "abandon": signals.AbandonRequested,
    "cancel": signals.CancelRequested,
    "compensate": signals.CompensateRequested,
    "mark_done": signals.MarkDoneRequested,
    "release": signals.ReleaseRequested,
    "resume": signals.ResumeRequested,
    "retry": signals.RetryRequested,
    "skip": signals.SkipRequested,
    "suspend": signals.SuspendRequested,
}
"""The engine's commands by the word under which they travel."""
WORDS = {kind: word for word, kind in COMMANDS.items()}
TOLD = 20
"""So many changes are named in a conflict at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A command as it travels.

    Attributes:
        word: see `COMMANDS`. `command`: the fields of that command.
        revision: the revision that its giver saw; None = whatever it is.
    """

    word: str
    command: dict[str, Any]
    revision: int | None = None

    @classmethod
    def of(cls, command: Operator, revision: int | None) -> Order:
        """The order that carries this command."""
        return cls(word=WORDS[type(command)], command=to_json(command), revision=revision)

    def read(self) -> Operator:
        """The engine's command.

        Raises:
            ApplicationError: there is no such command, or a field does not fit.
        """
        try:
            return from_json(COMMANDS[self.word], self.command)
        except (KeyError, ValueError) as error:
            raise _no(f"{self.word!r} cannot be read: {error}", REFUSED) from None


class Orders:
    """The commands that one execution is given."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self._waiting: dict[str, Operator] = {}

    def check(self, order: Order) -> None:
        """Refuse before anything is written, and say why. A command that was taken before is not refused.

        Raises:
            ApplicationError: of type `RefusedCommandError`, or `ConflictError` with the revision and what changed.
        """
        command, execution = order.read(), self._interpreter.execution
        if not (command.actor and command.reason):
            raise _no("actor and reason are needed", REFUSED)
        if self._is_known(command):
            return
        if order.revision is not None:
            self._check_revision(order.revision)
        objection = execution.objection(command) or self._interpreter.room.objection(order.command)
        if objection:
            raise _no(objection, REFUSED)

    def _check_revision(self, seen: int) -> None:
        execution = self._interpreter.execution
        changes = [told(entry) for entry in execution.journal if entry.revision > seen]
        # Two people who saw the same: the first one's command may be accepted and not yet taken.
        changes += [f"{told_command(command)}, under way" for command in self._waiting.values()]
        if execution.state.revision == seen and not changes:
            return
        revision = execution.state.revision
        text = f"the execution is at revision {revision}, not {seen}: {'; '.join(changes[-TOLD:]) or 'look again'}"
        raise ApplicationError(text, revision, changes[-TOLD:], type=CONFLICT, non_retryable=True)

    async def take(self, order: Order) -> Taken:
        """Queue a command and wait until the engine has taken it."""
        command, interpreter = order.read(), self._interpreter
        if not self._is_known(command):
            self._waiting[command.command_id] = command
            interpreter.is_boundary_due = True
            interpreter.mailbox.append(command)
        taken = interpreter.execution.state.commands
        await workflow.wait_condition(lambda: command.command_id in taken)
        self._waiting.pop(command.command_id, None)
        return self._answer(command)

    def _is_known(self, command: Operator) -> bool:
        return command.command_id in self._waiting or command.command_id in self._interpreter.execution.state.commands

    def _answer(self, command: Operator) -> Taken:
        execution = self._interpreter.execution
        for entry in execution.journal:
            signal = entry.signal
            if isinstance(signal, OperatorSignal) and signal.command_id == command.command_id:
                before, ignored = entry.revision - 1, entry.ignored
                return Taken(before=before, after=entry.revision, word=execution.word, ignored=ignored)
        # An earlier run of this execution took it, and its journal went with that run.
        revision = execution.state.revision
        return Taken(before=revision, after=revision, word=execution.word)


def told(entry: Entry) -> str:
    """One line of the journal, for people."""
    signal = entry.signal
    if isinstance(signal, OperatorSignal):
        text = told_command(signal)
    else:
        text = " ".join(filter(None, (type(signal).__name__.lower(), getattr(signal, "step", ""))))
    return f"{entry.revision} {text}" + (f" ({entry.ignored})" if entry.ignored else "")


def told_command(command: Operator) -> str:
    """A command, for people."""
    step: str = getattr(command, "step", "")
    return " ".join(filter(None, (WORDS[type(command)], step, f"by {command.actor}")))


def _no(text: str, kind: str) -> ApplicationError:
    return ApplicationError(text, type=kind, non_retryable=True)
