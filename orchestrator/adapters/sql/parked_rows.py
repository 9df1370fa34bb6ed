"""Rows of parked messages and the values they stand for. Pure, but for the seal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from orchestrator.adapters.sql.parked_tables import parked_messages
from orchestrator.service.parked_actions import Claimed, ParkedAction, Target
from orchestrator.service.parked_arrivals import plain
from orchestrator.service.parked_records import Content, Contents, Origin, ParkedGroup, ParkedMessage

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from orchestrator.sealing import Seal
    from orchestrator.service.parked_records import Arrival

PAYLOAD = ("head", "body", "edited_head", "edited_body")
LINE = (
    *(column for column in parked_messages.c if column.name not in PAYLOAD),
    parked_messages.c.edited_head.is_not(None).label("is_edited"),
)
"""What a line of a list shows."""
_SAME = (
    "id",
    "fingerprint",
    "number",
    "state",
    "reason",
    "type",
    "saga",
    "message_id",
    "source",
    "correlation_id",
    "home",
)
_COUNTS = ("size", "seen", "redrives", "first_ms", "parked_ms", "revision", "decided_ms", "decided_by", "action")


def cause_values(arrival: Arrival, seal: Seal) -> dict[str, Any]:
    """Why and from where: what changes when a message is parked again."""
    copy = arrival.copy
    return {
        "fingerprint": arrival.fingerprint,
        "reason": plain(copy.reason, 40),
        "saga": arrival.saga,
        "queue": plain(copy.origin.queue, 255),
        "exchange": plain(copy.origin.exchange, 255),
        "routing_key": plain(copy.origin.routing_key, 255),
        "text": seal.close(plain(copy.text).encode()),
        "candidates": seal.close(to_json([plain(one) for one in copy.candidates])),
        "parked_ms": copy.at_ms,
    }


def message_values(arrival: Arrival, seal: Seal) -> dict[str, Any]:
    """The row of a message that was not known."""
    copy, said = arrival.copy, arrival.copy.attributes
    head, body = content_values(copy.content, seal)
    return {
        **cause_values(arrival, seal),
        "id": arrival.id,
        "state": "parked",
        "type": plain(said.type, 255),
        "message_id": plain(said.id, 255),
        "source": plain(said.source, 255),
        "correlation_id": plain(said.correlation_id, 255),
        "home": plain(copy.home, 255),
        "sent_as": "",
        "size": len(copy.content.body),
        "seen": 1,
        "redrives": 0,
        "first_ms": copy.at_ms,
        "revision": 1,
        "decided_by": "",
        "action": "",
        "claimed_ms": 0,
        "problem": b"",
        "head": head,
        "body": body,
    }


def content_values(content: Content, seal: Seal) -> tuple[bytes, bytes]:
    """Head and body of a message, sealed."""
    # Python's own JSON: it writes whatever characters a stranger's header has.
    head = json.dumps({"headers": dict(content.headers), "properties": dict(content.properties)})
    return seal.close(head.encode()), seal.close(content.body)


def message_of(row: RowMapping, seal: Seal) -> ParkedMessage:
    """A message without its content."""
    return ParkedMessage(
        **{name: row[name] for name in (*_SAME, *_COUNTS)},
        text=seal.open(row["text"]).decode(),
        origin=_origin(row),
        candidates=tuple(from_json(seal.open(row["candidates"]))),
        is_edited=bool(row["is_edited"]),
        problem=seal.open(row["problem"]).decode(),
    )


def contents_of(row: RowMapping, seal: Seal) -> Contents:
    """Its content."""
    original = _content(row["head"], row["body"], seal)
    if row["edited_head"] is None:
        return Contents(original)
    return Contents(original, _content(row["edited_head"], row["edited_body"], seal))


def claimed_of(row: RowMapping, claimed_ms: int, seal: Seal) -> Claimed:
    """A message that was claimed just now."""
    content = contents_of(row, seal).outgoing
    return Claimed(id=row["id"], action=row["action"], claimed_ms=claimed_ms, content=content, origin=_origin(row))


def group_of(row: RowMapping, seal: Seal) -> ParkedGroup:
    """A group."""
    values = {name: row[name] for name in ParkedGroup.__slots__ if name != "text"}
    return ParkedGroup(**values, text=seal.open(row["text"]).decode())


def action_of(row: RowMapping, seal: Seal) -> ParkedAction:
    """An action."""
    same = ("id", "deed", "actor", "role", "body_hash", "at_ms", "total", "done", "failed")
    return ParkedAction(
        **{name: row[name] for name in same},
        target=Target(row["message"], row["fingerprint"], row["up_to"]),
        key=row["given_key"],
        reason=seal.open(row["reason"]).decode(),
    )


def action_values(action: ParkedAction, seal: Seal) -> dict[str, Any]:
    """The row of an action."""
    same = ("id", "deed", "actor", "role", "body_hash", "at_ms", "total", "done", "failed")
    target = action.target
    return {
        **{name: getattr(action, name) for name in same},
        "message": target.message,
        "fingerprint": target.fingerprint,
        "up_to": target.up_to,
        "given_key": action.key,
        "reason": seal.close(action.reason.encode()),
    }


def _origin(row: RowMapping) -> Origin:
    return Origin(row["queue"], row["exchange"], row["routing_key"])


def _content(head: bytes, body: bytes | None, seal: Seal) -> Content:
    said = json.loads(seal.open(head))
    return Content(body=seal.open(body or b""), headers=said["headers"], properties=said["properties"])
