"""The event store: every message that passed over the broker. `/events` are the signals that keep pages live."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import Field
from pydantic_core import from_json

from orchestrator.console.api.bodies import BODY, Body, body_file
from orchestrator.console.api.context import LARGEST, Asking, Console, CursorText, Given, Limit, Moment, Text
from orchestrator.console.api.documents import JSON, Document
from orchestrator.console.api.lasting import outlasting
from orchestrator.console.api.problems import documented
from orchestrator.service.access import Permission
from orchestrator.service.event_ports import EventFilter
from orchestrator.service.events import MOST_ROWS
from orchestrator.service.records import milliseconds, moment
from orchestrator.stored import Kind, Way

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from orchestrator.service.access import Caller
    from orchestrator.service.events import EventPage
    from orchestrator.stored import Contents as Depth
    from orchestrator.stored import StoredMessage

NDJSON = "application/x-ndjson"
PAGE_OF_BODIES = 20
LINES: dict[int | str, dict[str, Any]] = {
    200: {"description": "A RecordedMessage a line", "content": {NDJSON: {"schema": {"type": "string"}}}}
}
router = APIRouter(tags=["messages"], responses=documented())


class RecordedMessage(Document):
    """One message, as it was recorded."""

    number: int = Field(description="its place in the store, in the order of arrival")
    source: str
    message_id: str
    type: str
    version: int = Field(description="of the type")
    kind: Kind
    way: Way = Field(description="taken by sagas, or sent by them")
    execution_id: str = Field(description="empty where the message does not say")
    step: str
    call: str
    attempt: int
    outcome: str = Field(description="of a reply")
    correlation_id: str
    causation_id: str
    sequence: str
    time: datetime = Field(description="when its sender made it")
    stored: datetime
    size: int
    headers: dict[str, str] | None = Field(description="null unless `contents` were asked for")
    body: JSON = Field(description="JSON where it is JSON, else text; null unless asked for, or if it was too large")


class MessagePage(Document):
    """A page of messages."""

    items: list[RecordedMessage]
    next_cursor: str | None = Field(description="null at the end")


class GapDocument(Document):
    """Messages of a source that are missing between two that are there."""

    source: str
    first: int
    last: int
    missing: int
    noticed: datetime


class Gaps(Document):
    """What is missing."""

    items: list[GapDocument]


def wanted_by(
    *,
    correlation_id: Annotated[Text, Query()] = "",
    execution_id: Annotated[Text, Query()] = "",
    message_type: Annotated[Text, Query(alias="type")] = "",
    source: Annotated[Text, Query()] = "",
    since: Annotated[Moment | None, Query(description="recorded at or after")] = None,
    until: Annotated[Moment | None, Query(description="recorded before")] = None,
) -> EventFilter:
    """What a request chooses."""
    return EventFilter(
        correlation_id=correlation_id,
        execution_id=execution_id,
        types=(message_type,) if message_type else (),
        source=source,
        since_ms=milliseconds(since) if since else None,
        until_ms=milliseconds(until) if until else None,
    )


Wanted = Annotated[EventFilter, Depends(wanted_by)]
Number = Annotated[int, Path(ge=1, le=LARGEST, description="its place in the store")]
Contents = Annotated[bool, Query(description="with headers and bodies: needs the right payload:read")]


@router.get("/messages")
async def list_messages(
    *,
    console: Given,
    caller: Asking,
    wanted: Wanted,
    contents: Contents = False,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> MessagePage:
    """Messages in the order in which they were recorded."""
    of = f"messages {wanted}"
    place = console.cursors.read(of, cursor)
    after = 0 if place is None else int(place[0])
    page = await console.service.events.page(caller, wanted, after=after, limit=limit, contents=_depth(contents))
    following = None if page.following is None else (page.following,)
    items = [_document(one) for one in page.messages]
    return MessagePage(items=items, next_cursor=console.cursors.write(of, following))


@router.get("/messages/export", response_class=StreamingResponse, responses={**documented(), **LINES})
async def export_messages(
    *, console: Given, caller: Asking, wanted: Wanted, contents: Contents = False
) -> StreamingResponse:
    """All of them, one JSON document a line, read and sent page by page. An answer that breaks off is not whole."""
    first = await _read(console, caller, wanted, 0, contents=contents)  # refusals come before the stream begins

    async def lines() -> AsyncIterator[bytes]:
        page = first
        while page.messages:
            yield b"".join(_document(one).model_dump_json().encode() + b"\n" for one in page.messages)
            if page.following is None:
                return
            page = await outlasting(_read(console, caller, wanted, page.following, contents=contents))

    return StreamingResponse(lines(), media_type=NDJSON, headers={"Cache-Control": "no-store"})


async def _read(console: Console, caller: Caller, wanted: EventFilter, after: int, *, contents: bool) -> EventPage:
    """A page of the export: few with their bodies, so that memory is bounded whatever their size."""
    limit = PAGE_OF_BODIES if contents else MOST_ROWS
    return await console.service.events.page(caller, wanted, after=after, limit=limit, contents=_depth(contents))


@router.get("/messages/gaps")
async def list_gaps(console: Given, caller: Asking, source: Annotated[Text, Query()] = "", limit: Limit = 50) -> Gaps:
    """Where the sequences of a source leave numbers out."""
    found = await console.service.events.gaps(caller, source=source, limit=limit)
    return Gaps(
        items=[
            GapDocument(
                source=gap.source, first=gap.first, last=gap.last, missing=gap.missing, noticed=moment(gap.noticed_ms)
            )
            for gap in found
        ]
    )


@router.get("/messages/{number}")
async def show_recorded_message(console: Given, caller: Asking, number: Number) -> RecordedMessage:
    """One message, with its headers and its body for those who may see payloads."""
    return _document(await console.service.events.one(caller, number))


@router.get("/messages/{number}/body", response_class=Body, responses=BODY)
async def download_recorded_message(console: Given, caller: Asking, number: Number) -> Body:
    """What one message says, as a file; needs the right to see payloads."""
    found = await console.service.events.one(caller, number)
    caller.require(Permission.PAYLOAD, found.saga or None)
    return body_file(found.message_id, found.body)


def _depth(contents: bool) -> Depth:  # noqa: FBT001 - it is asked for so
    return "all" if contents else "none"


def _document(message: StoredMessage) -> RecordedMessage:
    same = RecordedMessage.model_fields.keys() - {"time", "stored", "headers", "body"}
    values: dict[str, Any] = {name: getattr(message, name) for name in same}
    headers = None if message.headers is None else dict(message.headers)
    times: dict[str, Any] = {"time": moment(message.at_ms), "stored": moment(message.stored_ms)}
    return RecordedMessage(**values, **times, headers=headers, body=_body(message))


def _body(message: StoredMessage) -> Any:
    try:
        return None if message.body is None else from_json(message.body)
    except ValueError:
        return message.body.decode(errors="replace") if message.body else None
