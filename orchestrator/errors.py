"""Every error this package raises on purpose, as one tree.

OrchestratorError
├── SagaDefinitionError          a saga is declared wrongly (all problems at once)
├── MessageError                 a message cannot be taken; it goes to parking with this text
│   ├── MessageTooLargeError
│   ├── MalformedMessageError    not JSON, nested too deep, no id
│   ├── SchemaMismatchError      JSON, but not what the type says
│   ├── UnknownMessageTypeError
│   ├── UnknownCommandError      a participant handles no such command
│   └── MissingKeyError          the field that names the execution is absent or empty
├── IllegalSignalError           the engine was told something that cannot happen in this state
├── ReplayMismatchError          a stored state does not fit its plan
├── RefusedCommandError          an operator's command is not allowed now
├── ConflictError                the execution is not at the revision that an operator saw
├── ExecutionNotFoundError
├── EngineUnavailableError       Temporal cannot be reached now
├── StoreUnavailableError        a participant's store cannot be used now
├── SettingsError                a setting has a value that is not allowed
├── HandlerMissingError          no code is registered under the name a plan asks for
├── CatalogueError               two messages share one type
├── BrokerUnavailableError       RabbitMQ cannot be reached
├── TopologyError                the broker lacks something `saga topology apply` makes
├── PortMissingError             an action asks for something that its worker was not given
├── RehearsalError               a rehearsal was told something that cannot happen now
└── PublishError                 a message was not accepted by the broker
    ├── UnroutableError          the broker has no queue for it
    ├── NackedError              the broker refused it
    └── PublishUnknownError      no confirm came: it may or may not be stored

`Rejected` is not an error of this package: authors raise it to say "no effect was made, undo the rest".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class OrchestratorError(Exception):
    """Root of all errors that this package raises on purpose."""


class Rejected(Exception):  # noqa: N818 - authors read it as a verdict: `raise Rejected("insufficient funds")`
    """Raised by an action or a participant: no effect was made, do not try again, undo the rest.

    Args:
        reason: one sentence for people.
        code: a short stable word for programs; `rejected` unless given.
        retryable: True says that trying again later may help (the step's retry policy then decides).
    """

    def __init__(self, reason: str, *, code: str = "rejected", retryable: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.retryable = retryable


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


class MessageError(OrchestratorError):
    """A message cannot be taken. `reason` is a stable word that parking carries as a header."""

    reason = "unacceptable"


class MessageTooLargeError(MessageError):
    """The body is larger than allowed; it was not parsed."""

    reason = "too-large"

    def __init__(self, *, size: int, limit: int) -> None:
        super().__init__(f"the body has {size} bytes, {limit} are allowed: send a reference to the content instead")
        self.size = size
        self.limit = limit


class MalformedMessageError(MessageError):
    """The message is not JSON, is nested too deeply, or lacks an attribute that identifies it."""

    reason = "malformed"


class SchemaMismatchError(MessageError):
    """The body is JSON but does not fit the contract of its type."""

    reason = "wrong-schema"

    def __init__(self, *, message_type: str, problems: Sequence[str]) -> None:
        super().__init__(f"{message_type!r} does not fit its contract: " + "; ".join(problems))
        self.message_type = message_type
        self.problems = tuple(problems)


class UnknownMessageTypeError(MessageError):
    """No saga starts on, or waits for, messages of this type."""

    reason = "unknown-type"

    def __init__(self, message_type: str) -> None:
        super().__init__(f"no saga starts on or waits for {message_type!r}: check ce-type, or deploy the saga first")
        self.message_type = message_type


class UnknownCommandError(MessageError):
    """A participant got a command that it does not handle."""

    reason = "unknown-type"

    def __init__(self, participant: str, command_type: str) -> None:
        super().__init__(
            f"{participant!r} handles no {command_type!r}: deploy a version that does, or mend the saga's to="
        )
        self.participant = participant
        self.command_type = command_type


class MissingKeyError(MessageError):
    """The field whose value names the execution is absent or empty."""

    reason = "missing-key"

    def __init__(self, *, message_type: str, key: str) -> None:
        super().__init__(
            f"{message_type!r} has no usable {key!r}, which names the execution: send it as text or number"
        )
        self.message_type = message_type
        self.key = key


class IllegalSignalError(OrchestratorError):
    """The engine was told something that cannot happen in this state: a fault of the caller.

    Args:
        step: the step the signal names.
        phase: where that step stands.
        signal: what was told.
    """

    def __init__(self, *, step: str, phase: str, signal: str) -> None:
        super().__init__(f"{step} is {phase}; it cannot take {signal}")
        self.step = step
        self.phase = phase
        self.signal = signal


class ReplayMismatchError(OrchestratorError):
    """A stored state names something that its plan does not have."""

    def __init__(self, *, execution: str, steps: Sequence[str], plan: str) -> None:
        super().__init__(f"the state of {execution!r} names {', '.join(steps)}, which plan {plan} does not have")
        self.execution = execution
        self.steps = tuple(steps)


class RefusedCommandError(OrchestratorError):
    """An operator's command is not allowed in this state.

    Args:
        command: the command, as `cancel`.
        reason: why not, and what can be done instead.
    """

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(f"{command} refused: {reason}")
        self.command = command
        self.reason = reason


class ConflictError(OrchestratorError):
    """An execution is not at the revision that an operator saw.

    Args:
        reason: what is different, for people.
        revision: where it is now.
        changes: what happened meanwhile, oldest first.
    """

    def __init__(self, reason: str, *, revision: int, changes: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.revision = revision
        self.changes = tuple(changes)


class ExecutionNotFoundError(OrchestratorError):
    """No execution has this id."""

    def __init__(self, execution_id: str) -> None:
        super().__init__(f"no execution {execution_id!r}: ids are written saga:key, as in fulfil-order:A17")
        self.execution_id = execution_id


class EngineUnavailableError(OrchestratorError):
    """Temporal cannot be reached now; nothing was lost, try again later."""


class StoreUnavailableError(OrchestratorError):
    """A participant's store cannot be used now; nothing is known to be lost, try again later."""


class SettingsError(OrchestratorError):
    """A setting has a value that is not allowed.

    Args:
        setting: the environment variable.
        value: what was found; left out of the text when `secret`.
        allowed: what is allowed.
    """

    def __init__(self, *, setting: str, value: str, allowed: str, secret: bool = False) -> None:
        shown = "a value that is not shown" if secret else repr(value)
        super().__init__(f"{setting} is {shown}: {allowed}")
        self.setting = setting
        self.allowed = allowed


class HandlerMissingError(OrchestratorError):
    """No code is registered under the name a plan asks for."""

    def __init__(self, handler: str) -> None:
        super().__init__(
            f"no code is registered as {handler!r}: deploy a worker that has it, then resume the parked step"
        )
        self.handler = handler


class CatalogueError(OrchestratorError):
    """Two different messages share one type, so nobody could tell which of them a body should fit."""

    def __init__(self, *, message_type: str, first: str, second: str) -> None:
        super().__init__(f"{first} and {second} are both of type {message_type!r}: give one of them another `type=`")
        self.message_type = message_type


class BrokerUnavailableError(OrchestratorError):
    """RabbitMQ cannot be reached.

    Args:
        address: where it was looked for, without user and password.
        why: what was answered.
        setting: the environment variable that has the address.
    """

    def __init__(self, address: str, why: str, *, setting: str = "SAGA_RABBITMQ_URL") -> None:
        super().__init__(f"no RabbitMQ at {address}: {why}. Check {setting}, or run `saga up`")
        self.address = address


class TopologyError(OrchestratorError):
    """The broker lacks something, or has it with other arguments."""


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


class PublishError(OrchestratorError):
    """A message was not accepted by the broker."""


class UnroutableError(PublishError):
    """The broker has no queue bound for this message."""

    def __init__(self, *, exchange: str, routing_key: str) -> None:
        super().__init__(
            f"no queue is bound to {exchange!r} for {routing_key!r}: start its consumer or run `saga topology apply`"
        )
        self.exchange = exchange
        self.routing_key = routing_key


class NackedError(PublishError):
    """The broker refused the message, most often because a queue is full."""


class PublishUnknownError(PublishError):
    """No confirm came in time, or the connection broke: the message may or may not be stored."""
