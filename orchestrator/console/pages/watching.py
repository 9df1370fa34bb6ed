"""Pages to look at: what needs attention, the list, one execution, the sagas, what people did."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, get_args
from urllib.parse import urlencode

from fastapi import Query, Request, Response

from orchestrator.console.api.context import Asking, CursorText, Given, PathText
from orchestrator.console.api.files import standing_of
from orchestrator.console.diagram.sparkline import sparkline
from orchestrator.console.diagram.svg import svg_of
from orchestrator.console.diagram.timeline import Act, timeline_of
from orchestrator.console.listing import ATTENTION, ListQuery, fields_of, listed
from orchestrator.console.pages.rendering import page
from orchestrator.console.pages.routing import TrailQuery, pages_router
from orchestrator.console.pages.thread import recorded_of
from orchestrator.console.pages.words import DEEDS, STATUSES
from orchestrator.service.access import Permission
from orchestrator.service.attempts import next_tries
from orchestrator.service.bulk import lacking
from orchestrator.service.bulk_records import BulkWord
from orchestrator.service.figures import WINDOWS, Window
from orchestrator.service.letters import place_of
from orchestrator.service.records import Cursor, Filter, moment
from orchestrator.service.requests import step_of
from orchestrator.service.trail import Sought
from orchestrator.service.waits import waits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.console.api.context import Console
    from orchestrator.service.access import Caller
    from orchestrator.service.operations import OperationRecord

router = pages_router()
ROWS, FEW, MESSAGES = 50, 10, 200
"""Rows of a page of a list, of a block of the overview, and of messages."""


@router.get("/")
async def overview(
    request: Request, console: Given, caller: Asking, window: Annotated[Window, Query()] = "24h"
) -> Response:
    """What needs somebody, first; then how everything is, and has been."""
    reading = console.service.reading
    tally = await reading.tally(caller, Filter())
    urgent = [
        (status, (await reading.page(caller, Filter(statuses=(status,)), limit=FEW)).rows)
        for status in ATTENTION
        if tally[status].number
    ]
    figures = await console.service.figuring.look(caller, window)
    parked = await console.service.parked.reading.overview(caller) if caller.may(Permission.PARKED_READ) else None
    return page(
        request,
        "overview.html",
        tally=tally,
        urgent=urgent,
        health=await console.health.look(caller),
        as_of=await reading.as_of(),
        figures=figures,
        pictures={rate: sparkline(numbers, f"{rate}, {sum(numbers)}") for rate, numbers in figures.rates.items()},
        parked=parked,
        window=window,
        windows=WINDOWS,
        since=moment(figures.span.start_ms - 1).isoformat(),
    )


@router.get("/executions")
async def executions(
    request: Request, console: Given, caller: Asking, query: Annotated[ListQuery, Query()]
) -> Response:
    """The list; its address is its state."""
    wanted = replace(query.filter(), statuses=query.statuses)
    of = f"page {query.named} {query.view}"
    place = console.cursors.read(of, query.cursor)
    found = await console.service.reading.page(
        caller, wanted, after=None if place is None else Cursor(*place), limit=ROWS
    )
    following = None if found.following is None else (found.following.changed_ms, found.following.execution_id)
    return page(
        request,
        "executions.html",
        query=query,
        found=found,
        count=await console.service.reading.count(caller, wanted),
        further=_address(query, console.cursors.write(of, following)) if following else "",
        bulk_fields=fields_of(query),
        bulk_words=[(word, lacking(caller, word)) for word in get_args(BulkWord)],
        views=await console.service.personal.views(caller),
        asked=listed(query),
        statuses=STATUSES,
        sagas=sorted({one.plan.saga for one in console.service.definitions.all(caller)}),
    )


def _address(query: ListQuery, cursor: str | None) -> str:
    return f"?{urlencode([*fields_of(query), *([('cursor', cursor)] if cursor else [])])}"


@router.get("/executions/{execution_id}")
async def execution(
    request: Request, console: Given, caller: Asking, execution_id: PathText, cursor: CursorText = None
) -> Response:
    """One execution: its picture, what happened, and what may be done."""
    reading = console.service.reading
    look = await reading.look(caller, execution_id)
    attempts = await reading.attempts(caller, execution_id)
    journal = await reading.journal(caller, execution_id)
    waited = waits(look.plan, look.state, journal, attempts)
    now = datetime.now(request.state.preferences.zone)
    people = await console.service.trail.operations(caller, Sought(target=execution_id), limit=FEW)
    stands = standing_of(look)
    return page(
        request,
        "execution.html",
        look=look,
        row=look.row,
        standing=stands,
        drawings={way: svg_of(look.plan, stands, direction=way, has_links=True) for way in ("right", "down")},
        attempts=attempts,
        next_tries=next_tries(look.plan, look.state, attempts),
        timeline=timeline_of(attempts, _acts(people), waited, now=now),
        waits=waited,
        journal=journal,
        **await _messages(console, caller, execution_id, cursor),
        related=(await reading.related(caller, execution_id, limit=FEW)).rows,
        operations=people,
        few=FEW,
        trace=console.links.trace_of(execution_id),
        temporal_page=console.links.temporal_page(look.row.workflow_id, look.row.run_id),
    )


async def _messages(console: Console, caller: Caller, execution_id: str, cursor: str | None) -> dict[str, Any]:
    """A page of them for the template, with their headers where the event store has these, and the next page."""
    of = f"messages {execution_id}"
    place = console.cursors.read(of, cursor)
    before = place_of(place)
    letters = await console.service.reading.messages(caller, execution_id, before=before, limit=MESSAGES)
    recorded = await recorded_of(console, caller, execution_id, [one.message_id for one in letters.messages])
    headers = None if recorded is None else {name: one.headers or {} for name, one in recorded.items()}
    return {"letters": letters, "headers": headers, "older": console.cursors.write(of, letters.following)}


def _acts(operations: Iterable[OperationRecord]) -> list[Act]:
    return [
        Act(moment(one.accepted_ms), f"{_deed(one)} by {one.actor}: {one.state}, {one.reason}") for one in operations
    ]


def _deed(one: OperationRecord) -> str:
    step = step_of(one.request)
    return f"{DEEDS[one.request.operation].text}{f' ({step})' if step else ''}"


@router.get("/operations")
async def operations(
    request: Request, console: Given, caller: Asking, query: Annotated[TrailQuery, Query()]
) -> Response:
    """What people did, the newest first."""
    sought = Sought(target=query.target, actor=query.actor)
    of = f"operations page {query.target} {query.actor}"
    place = console.cursors.read(of, query.cursor)
    before = None if place is None else (int(place[0]), str(place[1]))
    found = await console.service.trail.operations(caller, sought, before=before, limit=ROWS)
    last = (found[-1].accepted_ms, found[-1].id) if len(found) == ROWS else None
    older = console.cursors.write(of, last)
    is_first = place is None
    return page(request, "operations.html", found=found, older=older, sought=sought, is_first=is_first)


@router.get("/audit")
async def audit(request: Request, console: Given, caller: Asking, query: Annotated[TrailQuery, Query()]) -> Response:
    """The audit, the newest row first."""
    sought = Sought(target=query.target, actor=query.actor)
    of = f"audit page {query.target} {query.actor}"
    place = console.cursors.read(of, query.cursor)
    before = None if place is None else int(place[0])
    rows = await console.service.trail.audit(caller, sought, before=before, limit=ROWS)
    last = (rows[-1].number,) if len(rows) == ROWS else None
    older = console.cursors.write(of, last)
    return page(request, "audit.html", rows=rows, sought=sought, older=older, is_first=place is None)
