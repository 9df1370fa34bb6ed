"""Pages of parked messages to look at: groups by cause, the messages of one, one message whole."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict

from orchestrator.console.api.context import Asking, Console, CursorText, Given, PathText, Typed
from orchestrator.console.pages.rendering import page
from orchestrator.console.pages.routing import pages_router
from orchestrator.service.parked_offering import offered, offered_for_all
from orchestrator.service.parked_records import GroupFilter, ParkedFilter, ParkedState, Place

router = pages_router("/parked")
ROWS = 50
LOOK_AGAIN_SECONDS = 2
View: TypeAlias = Literal["waiting", "all"]


class GroupsQuery(BaseModel):
    """Which groups are shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    view: View = "waiting"
    reason: Typed = ""
    type: Typed = ""
    queue: Typed = ""
    cursor: CursorText = None


class MessagesQuery(BaseModel):
    """Which messages of a group are shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    view: View = "waiting"
    cursor: CursorText = None


@router.get("")
async def groups(request: Request, console: Given, caller: Asking, query: Annotated[GroupsQuery, Query()]) -> Response:
    """Groups, the one that was added to last comes first."""
    reading = console.service.parked.reading
    wanted = GroupFilter(waiting_only=query.view == "waiting", reason=query.reason, type=query.type, queue=query.queue)
    of = f"parked page {query.model_dump_json(exclude={'cursor'})}"
    found = await reading.groups(caller, wanted, after=_place(console, of, query.cursor), limit=ROWS)
    return page(
        request,
        "parked.html",
        query=query,
        found=found,
        overview=await reading.overview(caller),
        further=_cursor(console, of, found.following),
    )


@router.get("/groups/{fingerprint}")
async def group(
    request: Request, console: Given, caller: Asking, fingerprint: PathText, query: Annotated[MessagesQuery, Query()]
) -> Response:
    """One group and its messages, the last parked comes first."""
    reading = console.service.parked.reading
    found = await reading.group(caller, fingerprint)
    states: tuple[ParkedState, ...] = ("parked", "redriving") if query.view == "waiting" else ()
    wanted = ParkedFilter(states=states, fingerprint=fingerprint)
    of = f"parked group page {fingerprint} {query.view}"
    messages = await reading.messages(caller, wanted, after=_place(console, of, query.cursor), limit=ROWS)
    return page(
        request,
        "parked_group.html",
        query=query,
        group=found,
        offers=offered_for_all(caller, found),
        messages=messages.messages,
        further=_cursor(console, of, messages.following),
    )


@router.get("/messages/{message_id}")
async def message(request: Request, console: Given, caller: Asking, message_id: PathText) -> Response:
    """One message whole, without taking it from anywhere."""
    look = await console.service.parked.reading.look(caller, message_id)
    return page(request, "parked_message.html", look=look, one=look.message, offers=offered(caller, look.message))


@router.get("/operations/{operation_id}")
async def operation(request: Request, console: Given, caller: Asking, operation_id: PathText) -> Response:
    """How far an operation is; the page looks again while something is to be sent."""
    found = await console.service.parked.reading.action(caller, operation_id)
    return page(request, "parked_operation.html", one=found, again=LOOK_AGAIN_SECONDS if found.waiting else None)


def _place(console: Console, of: str, cursor: str | None) -> Place | None:
    place = console.cursors.read(of, cursor)
    return None if place is None else Place(int(place[0]), str(place[1]))


def _cursor(console: Console, of: str, place: Place | None) -> str | None:
    return console.cursors.write(of, None if place is None else (place.at_ms, place.id))
