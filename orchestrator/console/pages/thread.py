"""Messages as pages: the event store, of a correlation id, an execution or a type; and one message whole.

Lists say what messages are, and how large. What they say is on a page of its own: a body may have a megabyte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from orchestrator.console.api.answering import at
from orchestrator.console.api.context import Asking, CursorText, Given, PathText, Typed
from orchestrator.console.api.messages import Number
from orchestrator.console.pages.rendering import page
from orchestrator.console.pages.routing import pages_router
from orchestrator.service.access import Permission
from orchestrator.service.event_ports import EventFilter
from orchestrator.service.records import saga_of
from orchestrator.stored import Way

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.console.api.context import Console
    from orchestrator.service.access import Caller
    from orchestrator.stored import StoredMessage

router = pages_router()
ROWS = 50


class ThreadQuery(BaseModel):
    """Which messages are wanted, and the place in the list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    correlation_id: Typed = ""
    execution_id: Typed = ""
    type: Annotated[Typed, Field(description="of the messages")] = ""
    cursor: CursorText = None


@router.get("/messages")
async def messages(
    request: Request, console: Given, caller: Asking, query: Annotated[ThreadQuery, Query()]
) -> Response:
    """The newest first; headers for those who may see payloads."""
    asked = {name: value for name in ("correlation_id", "execution_id", "type") if (value := getattr(query, name))}
    wanted = EventFilter(
        correlation_id=query.correlation_id,
        execution_id=query.execution_id,
        types=(query.type,) if query.type else (),
    )
    shows = caller.may(Permission.PAYLOAD, saga_of(query.execution_id) if query.execution_id else None)
    of = f"messages page {asked}"
    place = console.cursors.read(of, query.cursor)
    before = 0 if place is None else int(place[0])
    found = await console.service.events.page(
        caller, wanted, after=before, limit=ROWS, newest_first=True, contents="headers" if shows else "none"
    )
    older = console.cursors.write(of, None if found.following is None else (found.following,))
    values: dict[str, Any] = {
        "wanted": wanted,
        "found": found,
        "older": older,
        "shows_contents": shows,
        "asked": urlencode(asked),
    }
    return page(request, "messages.html", **values)


@router.get("/messages/{number}")
async def message(request: Request, console: Given, caller: Asking, number: Number) -> Response:
    """One message of the event store."""
    found = await console.service.events.one(caller, number)
    values: dict[str, Any] = {
        "one": found,
        "way": found.way,
        "headers": found.headers,
        "shows": caller.may(Permission.PAYLOAD, found.saga or None),
        "file": at(request, "download_recorded_message", number=str(number)),
        "elsewhere": "",
    }
    return page(request, "message.html", **values)


@router.get("/executions/{execution_id}/messages/{direction}/{message_id}")
async def letter(
    *, request: Request, console: Given, caller: Asking, execution_id: PathText, direction: Way, message_id: PathText
) -> Response:
    """One message of an execution, as the ledger has it; the event store has its headers, and keeps larger bodies."""
    found = await console.service.reading.message(caller, execution_id, message_id, direction)
    recorded = await recorded_of(console, caller, execution_id, [message_id])
    same = recorded.get(message_id) if recorded else None
    key = {"execution_id": execution_id, "direction": direction, "message_id": message_id}
    values: dict[str, Any] = {
        "one": found.message,
        "way": direction,
        "headers": None if recorded is None else same.headers if same else {},
        "shows": found.shows_payloads,
        "file": at(request, "download_message", **key),
        "elsewhere": at(request, "message", number=str(same.number)) if same else "",
    }
    return page(request, "message.html", **values)


async def recorded_of(
    console: Console, caller: Caller, execution_id: str, names: Sequence[str]
) -> Mapping[str, StoredMessage] | None:
    """What the event store has of these messages, with headers, as the ledger names them; None for who may not see."""
    saga = saga_of(execution_id)
    if not (caller.may(Permission.PAYLOAD, saga) and caller.may(Permission.EVENTS, saga)):
        return None
    if not names:
        return {}
    wanted, most = EventFilter(execution_id=execution_id, ids=tuple(dict.fromkeys(names))), len(names)
    page = console.service.events.page
    found = await page(caller, wanted, limit=most, newest_first=True, contents="headers")
    return {name: one for one in found.messages for name in (one.message_id, one.identity)}
