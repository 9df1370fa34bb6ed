"""What the API shows of parked messages."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import Field

from orchestrator.console.api.documents import JSON, Document
from orchestrator.console.api.records import ChangeDocument
from orchestrator.service.parked_actions import Deed
from orchestrator.service.parked_records import ParkedState
from orchestrator.service.records import moment

if TYPE_CHECKING:
    from orchestrator.service.parked_actions import ParkedAction
    from orchestrator.service.parked_reading import Look
    from orchestrator.service.parked_records import Content, ParkedGroup, ParkedMessage, ParkedOverview


class ParkedGroupDocument(Document):
    """Messages that were parked for one cause."""

    fingerprint: str
    reason: str
    text: str = Field(description="what was said of the last one")
    type: str
    queue: str = Field(description="where they came from")
    saga: str
    waiting: int = Field(description="how many wait for a person")
    total: int = Field(description="how many copies ever came")
    last_number: int = Field(description="an operation with this as `up_to` covers nothing that comes later")
    first: datetime
    last: datetime
    oldest: datetime | None = Field(description="when the oldest that waits was parked")
    reopened: int = Field(description="how often it came again after all of it had been decided")
    reopened_at: datetime | None


class ParkedGroups(Document):
    """One page of groups, the one that was added to last comes first."""

    items: list[ParkedGroupDocument]
    next_cursor: str | None


class OriginDocument(Document):
    """Where a message came from: the queue, and how it had been published."""

    queue: str
    exchange: str
    routing_key: str


class ParkedMessageDocument(Document):
    """One message, however often it was parked."""

    id: str
    fingerprint: str
    number: int
    state: ParkedState
    reason: str
    text: str
    type: str
    saga: str
    message_id: str
    source: str
    correlation_id: str
    origin: OriginDocument
    candidates: list[str] = Field(description="executions for which it might have been meant")
    size: int = Field(description="of the body, bytes")
    seen: int = Field(description="how often it was parked")
    redrives: int
    revision: int
    is_edited: bool
    first_parked: datetime
    parked: datetime
    decided: datetime | None
    decided_by: str
    problem: str = Field(description="why the last redrive did not get through")
    operation: str = Field(description="the last operation that took it")


class ParkedMessages(Document):
    """One page of messages, the last parked comes first."""

    items: list[ParkedMessageDocument]
    next_cursor: str | None


class ContentDocument(Document):
    """A message as it travels; a body that is no text is given in base64."""

    headers: dict[str, JSON]
    properties: dict[str, str]
    body: str | None
    body_base64: str | None


class WholeMessageDocument(ParkedMessageDocument):
    """One message with what is in it; payloads only for those who may see them."""

    headers: dict[str, JSON] = Field(description="those that say what it is")
    original: ContentDocument | None
    edited: ContentDocument | None
    changes: list[ChangeDocument] | None = Field(description="what was edited")


class ParkedOverviewDocument(Document):
    """Parked messages in one look."""

    waiting: int
    groups: int
    oldest: datetime | None
    inflow_last_hour: int
    recorded: datetime | None = Field(description="when a recorder was last at work")


class ParkedOperationDocument(Document):
    """What was done to parked messages: total = done + failed + waiting."""

    id: str
    operation: Deed
    message: str | None
    group: str | None
    up_to: int | None
    actor: str
    role: str
    reason: str
    at: datetime
    total: int
    done: int = Field(description="of a redrive: those that the broker has confirmed")
    failed: int = Field(description="those that the broker did not take; they wait again")
    waiting: int = Field(description="those that are still to be sent")


class ParkedPreview(Document):
    """What an operation would do. It is allowed as things stand; nothing was done."""

    operation: Deed
    total: int = Field(description="how many messages it would move")
    up_to: int | None
    changes: list[ChangeDocument] = Field(description="of an edit")


def group_document(one: ParkedGroup) -> ParkedGroupDocument:
    """One group."""
    times = {"first": one.first_ms, "last": one.last_ms, "oldest": one.oldest_ms, "reopened_at": one.reopened_ms}
    return ParkedGroupDocument(**asdict(one), **_moments(times))


def message_document(one: ParkedMessage) -> ParkedMessageDocument:
    """One message without its content."""
    return ParkedMessageDocument(**_line(one))


def whole_document(seen: Look) -> WholeMessageDocument:
    """One message, as far as it may be seen."""
    contents = seen.contents
    edited = contents.edited if contents else None
    return WholeMessageDocument(
        **_line(seen.message),
        headers=dict(seen.headers),
        original=_content(contents.original) if contents else None,
        edited=_content(edited) if edited else None,
        changes=None if seen.changes is None else [ChangeDocument.model_validate(one) for one in seen.changes],
    )


def overview_document(seen: ParkedOverview) -> ParkedOverviewDocument:
    """All in one look."""
    times = _moments({"oldest": seen.oldest_ms, "recorded": seen.recorded_ms})
    return ParkedOverviewDocument(waiting=seen.waiting, groups=seen.groups, inflow_last_hour=seen.inflow, **times)


def operation_document(one: ParkedAction) -> ParkedOperationDocument:
    """What was done, and how far it is."""
    same = ("id", "actor", "role", "reason", "total", "done", "failed", "waiting")
    return ParkedOperationDocument(
        **{name: getattr(one, name) for name in same},
        operation=one.deed,
        message=one.target.message or None,
        group=one.target.fingerprint or None,
        up_to=one.target.up_to or None,
        at=moment(one.at_ms),
    )


def _line(one: ParkedMessage) -> dict[str, Any]:
    times = {"first_parked": one.first_ms, "parked": one.parked_ms, "decided": one.decided_ms}
    return {**asdict(one), **_moments(times), "operation": one.action}


def _content(one: Content) -> ContentDocument:
    try:
        body, encoded = one.body.decode(), None
    except UnicodeDecodeError:
        body, encoded = None, b64encode(one.body).decode()
    return ContentDocument(headers=dict(one.headers), properties=dict(one.properties), body=body, body_base64=encoded)


def _moments(times: dict[str, int | None]) -> dict[str, Any]:
    return {name: None if value is None else moment(value) for name, value in times.items()}
