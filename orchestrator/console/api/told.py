"""What the API shows of what happened to an execution: attempts, the journal, messages."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic_core import from_json

from orchestrator.console.api.documents import JSON, Document
from orchestrator.service.attempts import AttemptEnd
from orchestrator.service.records import moment

if TYPE_CHECKING:
    from orchestrator.service.attempts import Attempt
    from orchestrator.service.journal import JournalEntry
    from orchestrator.service.records import MessageRecord


class AttemptDocument(Document):
    """One attempt of one call of a step; `frames` say where in the code it failed, outermost call first."""

    step: str
    direction: Literal["do", "undo", "probe"]
    attempt: int
    began: datetime | None
    ended: datetime | None
    end: AttemptEnd
    code: str
    reason: str
    ignored: str
    frames: list[str]


class JournalLine(Document):
    """One thing that an execution was told."""

    revision: int
    at: datetime
    kind: str
    step: str
    direction: str
    attempt: int
    code: str
    reason: str
    ignored: str
    actor: str
    message_type: str
    message_id: str


class MessageDocument(Document):
    """One message; `body` is null for those who may not see payloads, where none was kept, and unless asked for."""

    message_id: str
    direction: Literal["in", "out"]
    kind: Literal["event", "command", "reply"]
    type: str
    at: datetime
    correlation_id: str
    causation_id: str
    step: str
    call: str
    attempt: int
    outcome: str
    size: int
    body: JSON


class Messages(Document):
    """One page of messages, the newest first."""

    items: list[MessageDocument]
    next_cursor: str | None
    shows_payloads: bool


def attempt_document(attempt: Attempt) -> AttemptDocument:
    """One attempt."""
    return AttemptDocument.model_validate(attempt)


def journal_line(entry: JournalEntry) -> JournalLine:
    """One line of the journal."""
    values = {name: getattr(entry, name) for name in JournalLine.model_fields if name != "at"}
    return JournalLine(**values, at=moment(entry.at_ms))


def message_document(message: MessageRecord) -> MessageDocument:
    """One message; a body that is no JSON is shown as text."""
    values = {name: getattr(message, name) for name in MessageDocument.model_fields if name not in ("at", "body")}
    return MessageDocument(**values, at=moment(message.at_ms), body=_shown(message.body))


def _shown(body: bytes | None) -> JSON:
    if body is None:
        return None
    try:
        return from_json(body)
    except ValueError:
        return body.decode(errors="replace")
