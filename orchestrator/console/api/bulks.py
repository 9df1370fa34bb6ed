"""Bulks: one operation on many executions, counted first, throttled, suspended and resumed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from orchestrator.console.api.answering import Key, answer_once, at, made
from orchestrator.console.api.bulk_documents import (
    BulkDocument,
    BulkItems,
    BulkLines,
    SelectionDocument,
    bulk_document,
    bulk_line,
    item_document,
)
from orchestrator.console.api.context import Asking, CursorText, FilterQuery, Given, Limit, Name, PathText, Reason
from orchestrator.console.api.problems import documented
from orchestrator.service.bulk import MAX_RATE, MIN_RATE, BulkWish, Order
from orchestrator.service.bulk_records import BulkWord, ItemState
from orchestrator.service.once import Answer

router = APIRouter(prefix="/bulks", tags=["bulks"], responses=documented())
SHOWN_IDS = 100


class Wanted(BaseModel):
    """What is to be done, to which executions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: BulkWord
    filter: FilterQuery
    override: bool = Field(default=False, description="compensate past the point of no return too")


class BulkBody(Wanted):
    """The same, confirmed: `token` of the preview that was seen."""

    token: Name
    reason: Reason
    rate: float = Field(20.0, ge=MIN_RATE, le=MAX_RATE, allow_inf_nan=False, description="executions a second at most")


class OrderBody(BaseModel):
    """What a bulk is to do now."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    order: Order
    reason: Reason


@router.post("/preview", responses=documented(413, 415))
async def preview_bulk(console: Given, caller: Asking, body: Wanted) -> SelectionDocument:
    """How many executions a filter selects for an operation now. Nothing is done."""
    found = await console.service.bulking.preview(caller, body.operation, body.filter.filter(), override=body.override)
    return SelectionDocument(count=len(found.ids), token=found.token, first_ids=list(found.ids[:SHOWN_IDS]))


@router.post("", status_code=202, response_model=BulkDocument, responses=documented(409, 413, 415))
async def begin_bulk(request: Request, console: Given, caller: Asking, body: BulkBody, key: Key = None) -> Response:
    """Begin a bulk, once per key; its executions are those of the preview and no others."""

    async def work(given: str) -> Answer:
        wish = BulkWish(
            word=body.operation,
            wanted=body.filter.filter(),
            reason=body.reason,
            key=given,
            token=body.token,
            rate=body.rate,
            override=body.override,
        )
        bulk = await console.service.bulking.begin(caller, wish)
        _, counts = await console.service.bulking.look(caller, bulk.id)
        return made(202, bulk_document(bulk, counts), location=at(request, "show_bulk", bulk_id=bulk.id))

    return await answer_once(request, console, caller, key, work)


@router.get("")
async def list_bulks(console: Given, caller: Asking, limit: Limit = 50, cursor: CursorText = None) -> BulkLines:
    """Bulks, the newest first; each one by itself says how far it is."""
    place = console.cursors.read("bulks", cursor)
    before = None if place is None else (int(place[0]), str(place[1]))
    found = await console.service.bulking.recent(caller, before=before, limit=limit)
    last = (found[-1].created_ms, found[-1].id) if len(found) == limit else None
    return BulkLines(items=[bulk_line(one) for one in found], next_cursor=console.cursors.write("bulks", last))


@router.get("/{bulk_id}")
async def show_bulk(console: Given, caller: Asking, bulk_id: PathText) -> BulkDocument:
    """How far a bulk is."""
    return bulk_document(*await console.service.bulking.look(caller, bulk_id))


@router.get("/{bulk_id}/items")
async def list_bulk_items(
    *,
    console: Given,
    caller: Asking,
    bulk_id: PathText,
    state: Annotated[ItemState | None, Query()] = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> BulkItems:
    """Its executions by number, each with what came of it."""
    of = f"items {bulk_id} {state}"
    place = console.cursors.read(of, cursor)
    after = 0 if place is None else int(place[0])
    found = await console.service.bulking.items(caller, bulk_id, state, after=after, limit=limit)
    last = None if found.following is None else (found.following,)
    return BulkItems(items=[item_document(one) for one in found.items], next_cursor=console.cursors.write(of, last))


@router.post("/{bulk_id}/orders", response_model=BulkDocument, responses=documented(409, 413, 415))
async def order_bulk(
    *, request: Request, console: Given, caller: Asking, bulk_id: PathText, body: OrderBody, key: Key = None
) -> Response:
    """Suspend, resume or cancel a bulk, or try what failed again."""

    async def work(_: str) -> Answer:
        await console.service.bulking.order(caller, bulk_id, body.order, body.reason)
        return made(200, bulk_document(*await console.service.bulking.look(caller, bulk_id)))

    return await answer_once(request, console, caller, key, work)
