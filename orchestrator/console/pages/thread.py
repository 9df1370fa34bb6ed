"""The event store as a page: the messages of a correlation id, of an execution, or of a type."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from orchestrator.console.api.context import Asking, CursorText, Given, Typed
from orchestrator.console.pages.rendering import page
from orchestrator.console.pages.routing import pages_router
from orchestrator.service.access import Permission
from orchestrator.service.event_ports import EventFilter
from orchestrator.service.records import saga_of

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
    """The newest first; headers and bodies for those who may see payloads."""
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
        caller, wanted, after=before, limit=ROWS, newest_first=True, contents=shows
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
