"""What the event store keeps of a message that passed by. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.contracts.protocol import ATTEMPT, DIRECTION, EXECUTION, OUTCOME, STEP
from orchestrator.service.parked_arrivals import plain
from orchestrator.service.records import milliseconds
from orchestrator.stored import StoredMessage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.messages import Envelope
    from orchestrator.stored import Kind, Way

MAX_ID, MAX_STEP, MAX_WORD = 255, 200, 10
MAX_ATTEMPT = 32_767


def stored_of(
    envelope: Envelope, *, kind: Kind, place: tuple[str, str], headers: Mapping[str, str], most: int, now_ms: int
) -> StoredMessage:
    """A message as it is stored.

    Args:
        envelope: the message.
        kind: what it is.
        place: exchange and routing key.
        headers: all that it has, as text.
        most: a larger body is left out, bytes.
        now_ms: when it is recorded.
    """
    said = envelope.headers
    attempt = said.get(ATTEMPT, "")
    return StoredMessage(
        identity=envelope.identity,
        body_hash=envelope.body_hash,
        source=plain(envelope.source, MAX_ID),
        message_id=plain(envelope.id, MAX_ID),
        type=plain(envelope.type, MAX_ID),
        version=envelope.version,
        kind=kind,
        way=_way(kind, said),
        execution_id=plain(said.get(EXECUTION, ""), MAX_ID),
        step=plain(said.get(STEP, ""), MAX_STEP),
        call=plain(said.get(DIRECTION, ""), len("probe")),
        attempt=min(int(attempt), MAX_ATTEMPT) if attempt.isascii() and attempt.isdigit() else 0,
        outcome=plain(said.get(OUTCOME, ""), MAX_WORD),
        correlation_id=plain(envelope.correlation_id, MAX_ID),
        causation_id=plain(envelope.causation_id, MAX_ID),
        sequence=plain(envelope.sequence, MAX_ID),
        at_ms=milliseconds(envelope.time),
        stored_ms=now_ms,
        exchange=plain(place[0], MAX_ID),
        routing_key=plain(place[1], MAX_ID),
        size=len(envelope.body),
        headers=headers,
        body=envelope.body if len(envelope.body) <= most else None,
    )


def _way(kind: Kind, headers: Mapping[str, str]) -> Way:
    if kind == "event":
        return "out" if EXECUTION in headers else "in"
    return "out" if kind == "command" else "in"
