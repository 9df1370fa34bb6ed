"""The participant protocol: which headers a command carries, and how its reply answers them.

A command travels to exchange `<prefix>.commands` with its type as routing key; its reply goes to exchange
`<prefix>.replies.sent` with the command's `reply_to` as routing key. AMQP `correlation_id` is the command's id in both
(it pairs them); the business correlation id is `ce-correlationid`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic_core import to_json

from orchestrator.errors import MalformedMessageError, Rejected
from orchestrator.messages import Envelope, short_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

EXECUTION = "saga-id"
WORKFLOW = "saga-workflow"
STEP = "saga-step"
DIRECTION = "saga-direction"
ATTEMPT = "saga-attempt"
KEY = "saga-idempotency-key"
UNDOES = "saga-undoes"
DEADLINE = "saga-deadline"
OUTCOME = "saga-outcome"
RETRYABLE = "saga-retryable"
CODE = "saga-error-code"
REASON = "saga-error-reason"

OPTIONAL = "saga-optional"
"""Header of an event, `true`: nobody need listen to it. One without it that nobody is bound for is parked."""

REPLAY_OF = "saga-replay-of"
"""Header of an event that was published again from the event store: the id that it had."""
REACHES = "saga-replay-reaches"
"""Header of such an event, `participants`: sagas take it. Without it none does: it is for other consumers alone."""
PARTICIPANTS = "participants"

STRAY_REPLY = "saga.reply"
"""Type under which a reply is parked that names a step which its execution does not have."""

UNDONE = "undone"
"""Code of the refusal of a forward command whose undo came first: the proof of a lost attempt (express.md, 14)."""
CONFLICT = "conflict"
"""Code of the refusal of a known key with another body."""
EXPIRED = "expired"
"""Code of the refusal of a forward command that came after its deadline."""

MAX_NAME_BYTES = 1_000
"""Longest id of an execution, a workflow or a step in a reply, bytes: Temporal takes no longer one."""
MAX_REASON = 500
"""Longest reason that travels in a header, characters."""

ReplyOutcome: TypeAlias = Literal["completed", "rejected", "failed"]


def is_for_others(headers: Mapping[str, str]) -> bool:
    """Whether this is a replay that no saga takes: it would have commands follow, and so reach participants."""
    return REPLAY_OF in headers and headers.get(REACHES) != PARTICIPANTS


def may_be_unheard(headers: Mapping[str, str]) -> bool:
    """Whether nobody need be bound for this event."""
    return headers.get(OPTIONAL) == "true" or REPLAY_OF in headers


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandHeaders:
    """What a command says about itself.

    Attributes:
        execution: id of the execution; in an undo of a finished one still the original's.
        workflow: id of the Temporal workflow to which a late reply is signalled.
        step, direction, attempt: which call of the saga this is. `direction` is do, undo or probe.
        key: idempotency key, the same for every attempt.
        undoes: in an undo the forward command's key, else empty.
        deadline: a forward command is refused after it; None = no deadline.
    """

    execution: str
    workflow: str
    step: str
    direction: Literal["do", "undo", "probe"]
    attempt: int
    key: str
    undoes: str = ""
    deadline: datetime | None = None

    @property
    def command_id(self) -> str:
        """Derived from key and attempt, so that a resend carries the same id and is recognised."""
        return short_hash(self.key, str(self.attempt))

    @property
    def forward_key(self) -> str:
        """The key under which the participant's inbox files this command."""
        return self.undoes or self.key

    def to_headers(self) -> dict[str, str]:
        """As text headers."""
        headers = {
            EXECUTION: self.execution,
            WORKFLOW: self.workflow,
            STEP: self.step,
            DIRECTION: self.direction,
            ATTEMPT: str(self.attempt),
            KEY: self.key,
        }
        if self.undoes:
            headers[UNDOES] = self.undoes
        if self.deadline:
            headers[DEADLINE] = self.deadline.astimezone(UTC).isoformat()
        return headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A participant's answer.

    Attributes:
        command_id: which command it answers.
        outcome: completed; rejected (no effect, final); failed (no verdict; try again if `retryable`).
        body: JSON of the reply message, or of the refusal.
        message_id: the reply's own id.
        version: of the body's type.
        correlation_id, traceparent: of the execution; W3C context of the work that answers. Empty if it was not said.
    """

    execution: str
    workflow: str
    step: str
    direction: Literal["do", "undo", "probe"]
    attempt: int
    command_id: str
    outcome: ReplyOutcome
    retryable: bool = False
    code: str = ""
    reason: str = ""
    body: bytes = b"null"
    version: int = 1
    message_id: str = ""
    correlation_id: str = ""
    traceparent: str = ""


def idempotency_key(execution: str, step: str, direction: str, round_: str) -> str:
    """`<execution>:<step>:<do|undo|probe>:<round>`: the same for every attempt, different for every call."""
    return f"{execution}:{step}:{direction}:{round_}"


def read_command(envelope: Envelope) -> CommandHeaders:
    """What a received command says about itself.

    Raises:
        MalformedMessageError: a header is missing or cannot be read; says which.
    """
    headers = envelope.headers
    deadline = headers.get(DEADLINE)
    try:
        return CommandHeaders(
            execution=headers[EXECUTION],
            workflow=headers[WORKFLOW],
            step=headers[STEP],
            direction=_direction(headers[DIRECTION]),
            attempt=_attempt(headers[ATTEMPT]),
            key=headers[KEY],
            undoes=headers.get(UNDOES, ""),
            deadline=datetime.fromisoformat(deadline) if deadline else None,
        )
    except KeyError as error:
        raise MalformedMessageError(f"the command lacks header {error.args[0]!r}") from None
    except ValueError as error:
        raise MalformedMessageError(f"a header of the command cannot be read: {error}") from None


def reply_to(command: Envelope, *, source: str, reply_type: str, body: bytes, version: int = 1) -> Envelope:
    """The reply to `command` when it was carried out; `body` is the reply message as JSON, of `version` of its type."""
    reply = _reply(command, source=source, reply_type=reply_type, body=body, verdict={OUTCOME: "completed"})
    return reply if version == 1 else replace(reply, version=version)


def refusal_of(command: Envelope, *, source: str, rejected: Rejected, body: bytes = b"null") -> Envelope:
    """The reply to `command` when it was refused, or failed for now (`rejected.retryable`)."""
    verdict = {
        OUTCOME: "failed" if rejected.retryable else "rejected",
        RETRYABLE: "true" if rejected.retryable else "false",
        CODE: rejected.code,
        REASON: rejected.reason[:MAX_REASON],
    }
    return _reply(command, source=source, reply_type=f"{command.type}.refused", body=body, verdict=verdict)


def read_reply(envelope: Envelope) -> Reply:
    """A received reply.

    Raises:
        MalformedMessageError: a header is missing or cannot be read; says which.
    """
    headers = envelope.headers
    try:
        return Reply(
            execution=_named(headers, EXECUTION),
            workflow=_named(headers, WORKFLOW),
            step=_named(headers, STEP),
            direction=_direction(headers[DIRECTION]),
            attempt=_attempt(headers[ATTEMPT]),
            command_id=envelope.causation_id,
            outcome=_outcome(headers[OUTCOME]),
            retryable=headers.get(RETRYABLE) == "true",
            code=headers.get(CODE, ""),
            reason=headers.get(REASON, ""),
            body=envelope.body or b"null",
            version=envelope.version,
            message_id=envelope.id,
            correlation_id=envelope.correlation_id,
            traceparent=envelope.traceparent,
        )
    except KeyError as error:
        raise MalformedMessageError(f"the reply lacks header {error.args[0]!r}") from None
    except ValueError as error:
        raise MalformedMessageError(f"a header of the reply cannot be read: {error}") from None


def error_body(rejected: Rejected) -> bytes:
    """A refusal as JSON for readers that look at bodies only."""
    return to_json({"code": rejected.code, "reason": rejected.reason})


def _reply(command: Envelope, *, source: str, reply_type: str, body: bytes, verdict: dict[str, str]) -> Envelope:
    echoed = {name: command.headers[name] for name in (EXECUTION, WORKFLOW, STEP, DIRECTION, ATTEMPT)}
    return Envelope(
        id=short_hash(command.id, "reply", verdict[OUTCOME], verdict.get(CODE, "")),
        source=source,
        type=reply_type,
        body=body,
        correlation_id=command.correlation_id,
        causation_id=command.id,
        traceparent=command.traceparent,
        tracestate=command.tracestate,
        headers={**echoed, **verdict},
    )


def _named(headers: Mapping[str, str], header: str) -> str:
    text = headers[header]
    if not text.strip() or len(text.encode()) > MAX_NAME_BYTES:
        raise ValueError(f"{header} is {text[:40]!r}, it must be sent back as the command has it")
    return text


def _attempt(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{ATTEMPT} is {text[:40]!r}, it must be the command's number") from None


def _direction(text: str) -> Literal["do", "undo", "probe"]:
    match text:
        case "do" | "undo" | "probe":
            return text
        case _:
            raise ValueError(f"{DIRECTION} is {text!r}, it must be do, undo or probe")


def _outcome(text: str) -> ReplyOutcome:
    match text:
        case "completed" | "rejected" | "failed":
            return text
        case _:
            raise ValueError(f"{OUTCOME} is {text!r}, it must be completed, rejected or failed")
