"""Give a participant a command as the broker would, without one: the same checks, inbox, handler and outbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic_core import from_json

from orchestrator.contracts.protocol import CommandHeaders, idempotency_key, read_reply
from orchestrator.messages import Envelope
from orchestrator.participant.handling import handle

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic import BaseModel

    from orchestrator.contracts.protocol import ReplyOutcome
    from orchestrator.messages import AnyCommand
    from orchestrator.participant import Participant
    from orchestrator.participant.ports import Store

Direction: TypeAlias = Literal["do", "undo", "probe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the saga would be told.

    Attributes:
        outcome: completed; rejected (no effect, final); failed (no verdict).
        reply: the reply message of a command or probe that was completed, else None.
        code, reason: why it was not completed.
        published: type and content of each event that is published with it; none when it is answered as before.
    """

    outcome: ReplyOutcome
    reply: BaseModel | None = None
    code: str = ""
    reason: str = ""
    published: tuple[tuple[str, Any], ...] = ()


async def rehearse_command(
    participant: Participant,
    command: AnyCommand,
    store: Store,
    *,
    key: str = "first",
    direction: Direction = "do",
    deadline: datetime | None = None,
) -> Answered:
    """Give a participant a command and see what the saga would be told.

    Args:
        participant: who handles it.
        command: what it is given.
        store: where its state lies: an SQL one (`open_store`), or a `MemoryStore`.
        key: names the forward command: the same again is the same command, an undo with it undoes that one.
        direction: how the saga calls it.
        deadline: when the saga gives up; None = never.

    Raises:
        MessageError: the participant cannot take it; it would be parked.
        Exception: whatever the handler raises beside `Rejected`; nothing was kept.
    """
    headers = _headers(participant.name, key, direction, deadline)
    envelope = Envelope(
        id=headers.command_id,
        source="rehearsal",
        type=command.message_type,
        version=command.message_versions.newest,
        body=command.model_dump_json().encode(),
        headers=headers.to_headers(),
    )
    answer = await handle(participant, store, envelope)
    told = read_reply(answer.reply)
    is_reply = told.outcome == "completed" and direction != "undo" and told.body != b"null"
    return Answered(
        outcome=told.outcome,
        reply=participant.handler_of(command.message_type).reply.model_validate_json(told.body) if is_reply else None,
        code=told.code,
        reason=told.reason,
        published=tuple((event.type, from_json(event.body)) for _, event in answer.events),
    )


def _headers(step: str, key: str, direction: Direction, deadline: datetime | None) -> CommandHeaders:
    return CommandHeaders(
        execution=f"rehearsal:{key}",
        workflow=f"rehearsal:{key}",
        step=step,
        direction=direction,
        attempt=1,
        key=idempotency_key(key, step, direction, "0"),
        undoes="" if direction == "do" else idempotency_key(key, step, "do", "0"),
        deadline=deadline,
    )
