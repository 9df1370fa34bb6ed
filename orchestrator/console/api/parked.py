"""Parked messages: their groups, each message whole, and what people do with them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from orchestrator.console.api import parked_documents as shown
from orchestrator.console.api.answering import KeyUnlessDry, answer_once, at, made
from orchestrator.console.api.bodies import BODY, Body, body_file
from orchestrator.console.api.context import (
    LARGEST,
    Asking,
    Console,
    CursorText,
    Given,
    PathText,
    ReasonUnlessDry,
    Text,
)
from orchestrator.console.api.documents import CountDocument
from orchestrator.console.api.executions import revision_of
from orchestrator.console.api.operations import DRY_REASON, IfMatch
from orchestrator.console.api.problems import documented
from orchestrator.console.api.records import ChangeDocument
from orchestrator.errors import DeniedError
from orchestrator.service.access import Caller, Permission
from orchestrator.service.once import Answer
from orchestrator.service.parked_actions import ParkedAction, Target
from orchestrator.service.parked_deciding import Wish
from orchestrator.service.parked_editing import Edit
from orchestrator.service.parked_records import GroupFilter, ParkedFilter, ParkedState, Place

router = APIRouter(prefix="/parked", tags=["parked messages"], responses=documented())
Order: TypeAlias = Literal["redrive", "discard", "restore"]
Original = Annotated[bool, Query(description="as it came, though it was edited")]


class ParkedSaid(BaseModel):
    """What goes with every operation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: ReasonUnlessDry = ""
    dry_run: bool = Field(default=False, description="do nothing, and say what would be done")


class ParkedGroupBody(ParkedSaid):
    """What is to become of a group; `up_to`: its `last_number` as it was seen."""

    operation: Order
    up_to: int = Field(
        0, ge=0, le=LARGEST, description="no further than this number; 0 = as far as it goes now, for a dry run alone"
    )


class ParkedOrderBody(ParkedSaid):
    """What is to become of one message."""

    operation: Order


class ParkedEditBody(ParkedSaid):
    """Another form of a message, kept beside the original."""

    operation: Literal["edit"]
    body: str | None = Field(None, description="the whole new body, as text; null = as it is")
    headers: dict[str, str | None] = Field(
        default_factory=dict, description="headers to set, or to leave out (null)", max_length=32
    )


MessageBody: TypeAlias = Annotated[ParkedOrderBody | ParkedEditBody, Field(discriminator="operation")]


class ParkedQuery(BaseModel):
    """What lists of parked messages can be asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Text = Field("", description="as `wrong-schema`")
    type: Text = ""
    queue: Text = ""
    limit: Annotated[int, Query(ge=1, le=200)] = 50
    cursor: CursorText = None

    @property
    def named(self) -> str:
        """Names the filter, for cursors."""
        return self.model_dump_json(exclude={"limit", "cursor"})


class ParkedGroupQuery(ParkedQuery):
    """Groups; unless told otherwise those in which something waits for a person."""

    waiting_only: bool = True

    def filter(self) -> GroupFilter:
        """The service layer's filter."""
        return GroupFilter(waiting_only=self.waiting_only, reason=self.reason, type=self.type, queue=self.queue)


class ParkedMessageQuery(ParkedQuery):
    """Messages; what is not said asks for nothing."""

    state: tuple[ParkedState, ...] = Field((), description="any of these")
    group: Text = Field("", description="a fingerprint")
    message_id: Text = ""
    correlation_id: Text = ""

    def filter(self) -> ParkedFilter:
        """The service layer's filter."""
        return ParkedFilter(
            states=self.state,
            fingerprint=self.group,
            reason=self.reason,
            type=self.type,
            queue=self.queue,
            message_id=self.message_id,
            correlation_id=self.correlation_id,
        )


@router.get("/overview")
async def parked_overview(console: Given, caller: Asking) -> shown.ParkedOverviewDocument:
    """How many wait, since when, and how many came in the last hour."""
    return shown.overview_document(await console.service.parked.reading.overview(caller))


@router.get("/groups")
async def list_parked_groups(
    console: Given, caller: Asking, query: Annotated[ParkedGroupQuery, Query()]
) -> shown.ParkedGroups:
    """Groups, the one that was added to last comes first."""
    of = f"parked groups {query.named}"
    after = _place(console, of, query.cursor)
    page = await console.service.parked.reading.groups(caller, query.filter(), after=after, limit=query.limit)
    items = [shown.group_document(one) for one in page.groups]
    return shown.ParkedGroups(items=items, next_cursor=_cursor(console, of, page.following))


@router.get("/groups/{fingerprint}")
async def show_parked_group(console: Given, caller: Asking, fingerprint: PathText) -> shown.ParkedGroupDocument:
    """One group."""
    return shown.group_document(await console.service.parked.reading.group(caller, fingerprint))


@router.get("/messages")
async def list_parked_messages(
    console: Given, caller: Asking, query: Annotated[ParkedMessageQuery, Query()]
) -> shown.ParkedMessages:
    """Messages, the last parked comes first."""
    of = f"parked messages {query.named}"
    after = _place(console, of, query.cursor)
    page = await console.service.parked.reading.messages(caller, query.filter(), after=after, limit=query.limit)
    items = [shown.message_document(one) for one in page.messages]
    return shown.ParkedMessages(items=items, next_cursor=_cursor(console, of, page.following))


@router.get("/messages/count")
async def count_parked_messages(
    console: Given, caller: Asking, query: Annotated[ParkedMessageQuery, Query()]
) -> CountDocument:
    """How many there are, counted up to a cap."""
    found = await console.service.parked.reading.count(caller, query.filter())
    return CountDocument(count=found.number, capped=found.is_capped)


@router.get("/messages/{message_id}")
async def show_parked_message(
    console: Given, caller: Asking, response: Response, message_id: PathText
) -> shown.WholeMessageDocument:
    """One message whole, without taking it from anywhere; its ETag goes with what is done to it."""
    seen = await console.service.parked.reading.look(caller, message_id)
    response.headers["ETag"] = f'"v{seen.message.revision}"'
    return shown.whole_document(seen)


@router.get("/messages/{message_id}/body", response_class=Body, responses=BODY)
async def download_parked_message(
    *, console: Given, caller: Asking, message_id: PathText, original: Original = False
) -> Body:
    """What a parked message says, as a file; needs the right to see payloads."""
    seen = await console.service.parked.reading.look(caller, message_id)
    if seen.contents is None:
        raise DeniedError(actor=caller.actor, permission=Permission.PAYLOAD, saga=seen.message.saga)
    content = seen.contents.original if original else seen.contents.outgoing
    return body_file(seen.message.message_id or message_id, content.body)


RESPONSES: dict[int | str, dict[str, Any]] = {
    **documented(409, 412, 413, 415, 428),
    200: {"model": shown.ParkedPreview, "description": "A dry run: nothing was done"},
    202: {"model": shown.ParkedOperationDocument, "description": "Accepted; Location says where to ask how far it is"},
}


@router.post("/messages/{message_id}/operations", responses=RESPONSES, response_model=None, status_code=202)
async def operate_on_parked_message(
    *,
    request: Request,
    console: Given,
    caller: Asking,
    message_id: PathText,
    body: MessageBody,
    if_match: IfMatch = None,
    key: KeyUnlessDry = None,
) -> Response:
    """Edit, redrive, discard or restore one message, once per key. Redrives are sent by the recorder."""
    target = Target(message_id)
    if body.dry_run:
        return await _preview(console, caller, target, body)

    async def work(given: str) -> Answer:
        wish = Wish(target=target, reason=body.reason, key=given, revision=revision_of(if_match))
        return _accepted(request, await _decide(console, caller, wish, body))

    return await answer_once(request, console, caller, key, work)


@router.post("/groups/{fingerprint}/operations", responses=RESPONSES, response_model=None, status_code=202)
async def operate_on_parked_group(
    *,
    request: Request,
    console: Given,
    caller: Asking,
    fingerprint: PathText,
    body: ParkedGroupBody,
    key: KeyUnlessDry = None,
) -> Response:
    """Redrive, discard or restore a group as far as it was seen, once per key. Redrives are sent by the recorder."""
    target = Target(fingerprint=fingerprint, up_to=body.up_to)
    if body.dry_run:
        return await _preview(console, caller, target, body)

    async def work(given: str) -> Answer:
        wish = Wish(target=target, reason=body.reason, key=given)
        return _accepted(request, await _decide(console, caller, wish, body))

    return await answer_once(request, console, caller, key, work)


@router.get("/operations/{operation_id}")
async def show_parked_operation(
    console: Given, caller: Asking, operation_id: PathText
) -> shown.ParkedOperationDocument:
    """How far an operation on parked messages is."""
    return shown.operation_document(await console.service.parked.reading.action(caller, operation_id))


async def _decide(console: Console, caller: Caller, wish: Wish, body: ParkedSaid) -> ParkedAction:
    deciding = console.service.parked.deciding
    if isinstance(body, ParkedEditBody):
        return await deciding.edit(caller, wish, _edit(body))
    orders = {"redrive": deciding.redrive, "discard": deciding.discard, "restore": deciding.restore}
    return await orders[_order(body)](caller, wish)


async def _preview(console: Console, caller: Caller, target: Target, body: ParkedSaid) -> Response:
    deciding = console.service.parked.deciding
    if isinstance(body, ParkedEditBody):
        changes = await deciding.preview(caller, target.message, _edit(body))
        found = [ChangeDocument.model_validate(one) for one in changes]
        preview = shown.ParkedPreview(operation="edit", total=1, up_to=None, changes=found)
    else:
        order = _order(body)
        wish = Wish(target=target, reason=DRY_REASON, key="dry run")
        meant, total = await deciding.check(caller, order, wish)
        preview = shown.ParkedPreview(operation=order, total=total, up_to=meant.up_to or None, changes=[])
    return Response(preview.model_dump_json(), media_type="application/json")


def _order(body: ParkedSaid) -> Order:
    assert isinstance(body, ParkedOrderBody | ParkedGroupBody)  # noqa: S101 - the one kind that is left
    return body.operation


def _edit(body: ParkedEditBody) -> Edit:
    return Edit(body=None if body.body is None else body.body.encode(), headers=body.headers)


def _accepted(request: Request, done: ParkedAction) -> Answer:
    location = at(request, "show_parked_operation", operation_id=done.id)
    return made(202, shown.operation_document(done), location=location)


def _place(console: Console, of: str, cursor: str | None) -> Place | None:
    place = console.cursors.read(of, cursor)
    return None if place is None else Place(int(place[0]), str(place[1]))


def _cursor(console: Console, of: str, place: Place | None) -> str | None:
    return console.cursors.write(of, None if place is None else (place.at_ms, place.id))
