"""Messages that cannot be taken, and messages that the broker does not take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors.root import OrchestratorError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta


class MessageError(OrchestratorError):
    """A message cannot be taken. `reason` is a stable word that parking carries as a header."""

    reason = "unacceptable"


class MessageTooLargeError(MessageError):
    """The body is larger than allowed, or than can be kept.

    Args:
        size, limit: bytes.
        what: what has that size.
    """

    reason = "too-large"

    def __init__(self, *, size: int, limit: int, what: str = "the body") -> None:
        super().__init__(f"{what} has {size} bytes, {limit} are allowed: send a reference to the content instead")
        self.size = size
        self.limit = limit


class EngineRefusedError(MessageError):
    """Temporal refuses what was made of this message, and would refuse it again."""

    reason = "engine-refused"

    def __init__(self, answer: str) -> None:
        super().__init__(f"{answer}: it would say so again, so mend the message and send it with a new id")
        self.answer = answer


class MalformedMessageError(MessageError):
    """The message is not JSON, is nested too deeply, or lacks an attribute that identifies it."""

    reason = "malformed"


class WrongContentTypeError(MessageError):
    """The body is neither JSON nor what its type is declared to travel as.

    Args:
        content_type: what it says it is. `wanted`: what is taken beside JSON; empty = nothing.
    """

    reason = "wrong-content-type"

    def __init__(self, *, message_type: str, content_type: str, wanted: str) -> None:
        taken = f"application/json or {wanted}" if wanted else "application/json"
        super().__init__(f"{message_type!r} came as {content_type[:100]!r}: send it as {taken}")
        self.message_type = message_type
        self.content_type = content_type


class SchemaMismatchError(MessageError):
    """The body is JSON but does not fit the contract of its type."""

    reason = "wrong-schema"

    def __init__(self, *, message_type: str, problems: Sequence[str]) -> None:
        super().__init__(f"{message_type!r} does not fit its contract: " + "; ".join(problems))
        self.message_type = message_type
        self.problems = tuple(problems)


DEPLOY = (
    "check ce-type, or deploy the saga first; if another application works on this broker, give each a"
    " SAGA_NAME_PREFIX and a SAGA_TASK_QUEUE of its own"
)


class UnknownMessageTypeError(MessageError):
    """No saga starts on, or waits for, messages of this type."""

    reason = "unknown-type"

    def __init__(self, message_type: str, *, remedy: str = DEPLOY) -> None:
        super().__init__(f"no saga starts on or waits for {message_type!r}: {remedy}")
        self.message_type = message_type


class UnknownVersionError(MessageError):
    """A message is of a version of its type that this program does not take.

    Args:
        version: what it says it is. `oldest`, `newest`: what is taken.
    """

    reason = "unknown-version"

    def __init__(self, *, message_type: str, version: int, oldest: int, newest: int) -> None:
        known = f"version {newest} is" if oldest == newest else f"versions {oldest} to {newest} are"
        newer = "deploy what takes it, then send it again"
        remedy = newer if version > newest else f"have its sender send version {newest}"
        super().__init__(f"{message_type!r} is of version {version}, only {known} taken here: {remedy}")
        self.message_type = message_type
        self.version = version


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
    """The field whose value names the execution is absent, empty or not usable.

    Args:
        problem: what is wrong with it and what to do; unless given, it is absent or of another type.
    """

    reason = "missing-key"

    def __init__(self, *, message_type: str, key: str, problem: str = "send it as text or number") -> None:
        super().__init__(f"{message_type!r} has no usable {key!r}, which names the execution: {problem}")
        self.message_type = message_type
        self.key = key


class StartTooOldError(MessageError):
    """An event that starts an execution is older than anybody remembers executions.

    Args:
        execution_id: what it would start.
        age: how long ago it was sent.
    """

    reason = "too-old"

    def __init__(self, execution_id: str, age: timedelta) -> None:
        super().__init__(
            f"it was sent {age.days} days ago, longer than Temporal and the ledger keep executions: nobody can tell "
            f"whether {execution_id!r} was carried out already. If it was not, send it again with a new id and ce-time"
        )
        self.execution_id = execution_id
        self.age = age


class PublishError(OrchestratorError):
    """A message was not accepted by the broker."""


class UnroutableError(PublishError):
    """The broker has no queue bound for this message."""

    def __init__(self, *, exchange: str, routing_key: str) -> None:
        super().__init__(
            f"no queue is bound to {exchange!r} for {routing_key!r}: start its consumer, or run `saga topology apply`"
            " with the --sagas that take it"
        )
        self.exchange = exchange
        self.routing_key = routing_key


class NackedError(PublishError):
    """The broker refused the message, most often because a queue is full."""


class PublishUnknownError(PublishError):
    """No confirm came in time, or the connection broke: the message may or may not be stored."""
