"""Pages of bulks: what would be touched, confirmed by typing how many; then how far it is, and orders to it."""

from __future__ import annotations

import secrets
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, get_args

from fastapi import Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from orchestrator.console.api.context import Asking, Console, CursorText, Given, PathText
from orchestrator.console.api.problems import KINDS, failure_of
from orchestrator.console.listing import ListQuery, fields_of
from orchestrator.console.pages.forms import form_of
from orchestrator.console.pages.rendering import page
from orchestrator.console.pages.routing import pages_router
from orchestrator.errors import InvalidRequestError, OrchestratorError, SelectionMovedError
from orchestrator.service.access import Caller, Permission
from orchestrator.service.bulk import FOLLOWING, MAX_RATE, MIN_RATE, BulkWish, Order, orders_offered
from orchestrator.service.bulk_records import BulkWord, ItemState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.service.bulk import Selection

router = pages_router("/bulks")
ROWS, SHOWN_IDS = 50, 20
BULKS = "bulks page"
LOOK_AGAIN_SECONDS = 2
DEFAULT_RATE = "20"
ORDER: TypeAdapter[Order] = TypeAdapter(Order)


class BulkQuery(ListQuery):
    """What is to be done to which executions: the list's own filter. `override`: past the point of no return, too."""

    operation: BulkWord
    override: bool = False


class ItemsQuery(BaseModel):
    """Which items of a bulk are shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: ItemState | None = None
    cursor: CursorText = None


@router.get("")
async def bulks(request: Request, console: Given, caller: Asking, cursor: CursorText = None) -> Response:
    """Bulks, the newest first."""
    place = console.cursors.read(BULKS, cursor)
    before = None if place is None else (int(place[0]), str(place[1]))
    found = await console.service.bulking.recent(caller, before=before, limit=ROWS)
    older = console.cursors.write(BULKS, (found[-1].created_ms, found[-1].id) if len(found) == ROWS else None)
    return page(request, "bulks.html", found=found, older=older, is_first=place is None)


@router.get("/new")
async def prepare(request: Request, console: Given, caller: Asking, query: Annotated[BulkQuery, Query()]) -> Response:
    """What a bulk would touch, and the form that begins it."""
    return await _form(request, console, caller, query, {"key": secrets.token_urlsafe(16), "rate": DEFAULT_RATE})


@router.post("/new")
async def begin(request: Request, console: Given, caller: Asking, query: Annotated[BulkQuery, Query()]) -> Response:
    """Begin it, once however often the form is sent; a refusal is told in the form, as it was filled."""
    given = defaultdict(str, await form_of(request))
    try:
        bulk = await console.service.bulking.begin(caller, _wish(query, given))
    except OrchestratorError as error:
        given["key"] = secrets.token_urlsafe(16)
        return await _form(request, console, caller, query, given, error=error)
    root = request.scope.get("root_path", "")
    return RedirectResponse(f"{root}/bulks/{bulk.id}", status_code=303)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one bulk is looked at: who asks for which, and for what of it."""

    request: Request
    console: Console
    caller: Caller
    bulk_id: str
    query: ItemsQuery


def desk_of(
    *, request: Request, console: Given, caller: Asking, bulk_id: PathText, query: Annotated[ItemsQuery, Query()]
) -> Desk:
    """The desk of a request."""
    return Desk(request, console, caller, bulk_id, query)


AtDesk = Annotated[Desk, Depends(desk_of)]


@router.get("/{bulk_id}")
async def bulk(desk: AtDesk) -> Response:
    """How far a bulk is; the page looks again while it runs."""
    return await _shown(desk, {})


@router.post("/{bulk_id}")
async def order(desk: AtDesk) -> Response:
    """Suspend, resume or cancel it, or try what failed again."""
    given = await form_of(desk.request)
    try:
        wanted, reason = _order(given), given.get("reason", "")
        await desk.console.service.bulking.order(desk.caller, desk.bulk_id, wanted, reason)
    except OrchestratorError as error:
        return await _shown(desk, given, error)
    return RedirectResponse(desk.request.url.path, status_code=303)


async def _form(
    request: Request,
    console: Console,
    caller: Caller,
    query: BulkQuery,
    given: Mapping[str, str],
    *,
    error: OrchestratorError | None = None,
) -> Response:
    wanted = replace(query.filter(), statuses=query.statuses)
    found: Selection = await console.service.bulking.preview(caller, query.operation, wanted, override=query.override)
    return page(
        request,
        "bulk_new.html",
        status=_status(error),
        operation=query.operation,
        override=query.override,
        may_override=query.operation == "compensate" and caller.may(Permission.OVERRIDE),
        count=len(found.ids),
        token=found.token,
        shown=found.ids[:SHOWN_IDS],
        fields=fields_of(query),
        rates=(MIN_RATE, MAX_RATE),
        given=defaultdict(str, given),
        failure=None if error is None else failure_of(error),
        has_moved=isinstance(error, SelectionMovedError),
        as_of=await console.service.reading.as_of(),
    )


async def _shown(desk: Desk, given: Mapping[str, str], error: OrchestratorError | None = None) -> Response:
    bulking, query = desk.console.service.bulking, desk.query
    found, counts = await bulking.look(desk.caller, desk.bulk_id)
    of = f"bulk page {desk.bulk_id} {query.state}"
    place = desk.console.cursors.read(of, query.cursor)
    after = int(place[0]) if place else 0
    shown = await bulking.items(desk.caller, desk.bulk_id, query.state, after=after, limit=ROWS)
    return page(
        desk.request,
        "bulk.html",
        status=_status(error),
        bulk=found,
        counts=counts,
        items=shown.items,
        query=query,
        states=get_args(ItemState),
        orders=orders_offered(desk.caller, found, counts),
        further=desk.console.cursors.write(of, None if shown.following is None else (shown.following,)),
        given=defaultdict(str, given),
        failure=None if error is None else failure_of(error),
        again=LOOK_AGAIN_SECONDS if found.state == "running" and error is None else None,
    )


def _wish(query: BulkQuery, given: Mapping[str, str]) -> BulkWish:
    """What a form asks for.

    Raises:
        InvalidRequestError: the rate is no number, or another number was typed than was shown.
    """
    problems: list[tuple[str, str]] = []
    try:
        rate = float(given["rate"])
    except ValueError:
        rate, problems = MIN_RATE, [("/rate", "a number of executions a second")]
    if given["typed"].strip() != given["count"]:
        problems.append(("/typed", f"type {given['count']}, the number of executions, to confirm"))
    if problems:
        raise InvalidRequestError(problems)
    wanted = replace(query.filter(), statuses=query.statuses)
    return BulkWish(
        word=query.operation,
        wanted=wanted,
        reason=given["reason"],
        key=given["key"],
        token=given["token"],
        rate=rate,
        override=query.override,
    )


def _order(given: Mapping[str, str]) -> Order:
    try:
        return ORDER.validate_python(given.get("order"))
    except ValidationError:
        raise InvalidRequestError([("/order", f"one of {', '.join(FOLLOWING)}")]) from None


def _status(error: Any) -> int:
    if error is None:
        return 200
    failure = failure_of(error)
    return failure.status or KINDS[failure.code].status
