"""Executions: the list, one of them whole, and everything that is known of it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response

from orchestrator.console.api import documents as shown
from orchestrator.console.api import told
from orchestrator.console.api.bodies import BODY, Body, body_file
from orchestrator.console.api.context import Asking, Console, CursorText, FilterQuery, Given, Limit, Name, PathText
from orchestrator.console.api.problems import documented
from orchestrator.errors import RequestProblemError
from orchestrator.service.access import Caller, Permission
from orchestrator.service.letters import place_of
from orchestrator.service.reading import Look
from orchestrator.service.records import Cursor, Status, saga_of
from orchestrator.stored import Way

router = APIRouter(prefix="/executions", tags=["executions"], responses=documented())
Contents = Annotated[bool, Query(description="with bodies, for those who may see payloads")]
ETAGS = r'^(\*|(W/)?"v[0-9]{1,9}(-[a-z_]+)?")$'
_ETAG = re.compile(r'(?:W/)?"v([0-9]{1,9})(?:-[a-z_]+)?"')


class ListQuery(FilterQuery):
    """A page of a list."""

    limit: Annotated[int, Query(ge=1, le=200)] = 50
    cursor: CursorText = None


def etag_of(revision: int, status: Status) -> str:
    """Names what a reader saw: the revision, and the status, which also changes from outside."""
    return f'"v{revision}-{status}"'


def revision_of(if_match: str | None) -> int | None:
    """The revision that an `If-Match` names; None = any, asked for by `*`.

    Raises:
        RequestProblemError: there is no such header, or it names no ETag of ours.
    """
    if if_match is None:
        raise RequestProblemError("precondition-required", "the header If-Match is missing")
    if if_match.strip() == "*":
        return None
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise RequestProblemError("malformed", 'If-Match names no ETag of an execution, as in "v17"')
    return int(found[1])


@router.get("")
async def list_executions(console: Given, caller: Asking, query: Annotated[ListQuery, Query()]) -> shown.Lines:
    """Executions that match a filter, the newest change first."""
    of = f"executions {query.named}"
    place = console.cursors.read(of, query.cursor)
    after = None if place is None else Cursor(*place)
    found = await console.service.reading.page(caller, query.filter(), after=after, limit=query.limit)
    return _lines(console, of, found)


@router.get("/count")
async def count_executions(
    console: Given, caller: Asking, query: Annotated[FilterQuery, Query()]
) -> shown.CountDocument:
    """How many match a filter; counting stops at 10,000."""
    found = await console.service.reading.count(caller, query.filter())
    return shown.CountDocument(count=found.number, capped=found.is_capped)


@router.get("/tally")
async def tally_executions(
    console: Given, caller: Asking, query: Annotated[FilterQuery, Query()]
) -> dict[Status, shown.CountDocument]:
    """How many of each status match a filter; each count stops at 10,000."""
    found = await console.service.reading.tally(caller, query.filter())
    return {word: shown.CountDocument(count=one.number, capped=one.is_capped) for word, one in found.items()}


@router.get("/{execution_id}", responses={304: {"description": "It is as `If-None-Match` says"}})
async def show_execution(
    console: Given,
    caller: Asking,
    execution_id: PathText,
    response: Response,
    if_none_match: Annotated[str | None, Header()] = None,
) -> shown.ExecutionDocument:
    """One execution with its steps, and what the caller may do to it."""
    look = await console.service.reading.look(caller, execution_id)
    etag = etag_of(look.row.revision, look.row.status)
    response.headers["ETag"] = etag
    if if_none_match is not None and etag in if_none_match:
        return Response(status_code=304, headers={"ETag": etag})  # type: ignore[return-value]
    return shown.execution_document(look)


@router.get("/{execution_id}/steps")
async def list_steps(console: Given, caller: Asking, execution_id: PathText) -> list[shown.StepDocument]:
    """Its steps in the order of the flow, also those that were never begun."""
    look = await console.service.reading.look(caller, execution_id)
    return [shown.step_document(one) for one in look.steps]


@router.get("/{execution_id}/attempts")
async def list_attempts(console: Given, caller: Asking, execution_id: PathText) -> list[told.AttemptDocument]:
    """Every attempt of every step."""
    return [told.attempt_document(one) for one in await console.service.reading.attempts(caller, execution_id)]


@router.get("/{execution_id}/journal")
async def list_journal(console: Given, caller: Asking, execution_id: PathText) -> list[told.JournalLine]:
    """What it was told, in order: attempts, events, timers, and what people did."""
    return [told.journal_line(one) for one in await console.service.reading.journal(caller, execution_id)]


@router.get("/{execution_id}/messages")
async def list_messages(
    *,
    console: Given,
    caller: Asking,
    execution_id: PathText,
    contents: Contents = False,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> told.Messages:
    """Its messages, the newest first."""
    of = f"messages {execution_id}"
    before = place_of(console.cursors.read(of, cursor))
    reading = console.service.reading
    found = await reading.messages(caller, execution_id, before=before, limit=limit, bodies=contents)
    return told.Messages(
        items=[told.message_document(one) for one in found.messages],
        next_cursor=console.cursors.write(of, found.following),
        shows_payloads=found.shows_payloads,
    )


@router.get("/{execution_id}/messages/{direction}/{message_id}")
async def show_message(
    console: Given, caller: Asking, execution_id: PathText, direction: Way, message_id: PathText
) -> told.MessageDocument:
    """One of its messages, with its body for those who may see payloads."""
    found = await console.service.reading.message(caller, execution_id, message_id, direction)
    return told.message_document(found.message)


@router.get("/{execution_id}/messages/{direction}/{message_id}/body", response_class=Body, responses=BODY)
async def download_message(
    console: Given, caller: Asking, execution_id: PathText, direction: Way, message_id: PathText
) -> Body:
    """What one of its messages says, as a file; needs the right to see payloads."""
    found = await console.service.reading.message(caller, execution_id, message_id, direction)
    caller.require(Permission.PAYLOAD, saga_of(execution_id))
    return body_file(message_id, found.message.body)


@router.get("/{execution_id}/related")
async def list_related(
    console: Given, caller: Asking, execution_id: PathText, limit: Limit = 50, cursor: CursorText = None
) -> shown.Lines:
    """Executions of the same correlation id, this one included."""
    of = f"related {execution_id}"
    place = console.cursors.read(of, cursor)
    after = None if place is None else Cursor(*place)
    return _lines(console, of, await console.service.reading.related(caller, execution_id, after=after, limit=limit))


@router.get("/{execution_id}/facts")
async def show_facts(console: Given, caller: Asking, execution_id: PathText) -> shown.Facts:
    """What it knows; needs the right to see payloads."""
    return shown.facts_document(await _with_payloads(console, caller, execution_id))


@router.get("/{execution_id}/plan", responses=documented(409))
async def show_plan(
    console: Given, caller: Asking, execution_id: PathText, from_step: Annotated[Name | None, Query()] = None
) -> shown.PlanDocument:
    """What compensating would do, as far as the ledger knows; it answers while Temporal is away."""
    plan = await console.service.reading.undo_plan(caller, execution_id, from_step)
    return shown.PlanDocument.model_validate(plan)


async def _with_payloads(console: Console, caller: Caller, execution_id: str) -> Look:
    look = await console.service.reading.look(caller, execution_id)
    caller.require(Permission.PAYLOAD, look.row.saga)
    return look


def _lines(console: Console, of: str, found: Any) -> shown.Lines:
    following = None if found.following is None else (found.following.changed_ms, found.following.execution_id)
    return shown.Lines(
        items=[shown.line(row) for row in found.rows],
        next_cursor=console.cursors.write(of, following),
        as_of=shown.as_of_document(found.as_of),
    )
