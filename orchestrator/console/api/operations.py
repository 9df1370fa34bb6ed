"""Operations: what people do to one execution, previewed, accepted, and followed to their end."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orchestrator.console.api.answering import KeyUnlessDry, answer_once, at, made
from orchestrator.console.api.context import Asking, Console, CursorText, Given, Limit, PathText, ReasonUnlessDry, Text
from orchestrator.console.api.documents import PlanDocument
from orchestrator.console.api.executions import ETAGS, revision_of
from orchestrator.console.api.problems import documented
from orchestrator.console.api.records import (
    ChangeDocument,
    OperationDocument,
    OperationLines,
    PreviewDocument,
    operation_document,
)
from orchestrator.errors import InvalidRequestError
from orchestrator.service import requests as asked
from orchestrator.service.access import Caller, Permission
from orchestrator.service.once import Answer
from orchestrator.service.operations import Instruction, OperationRecord
from orchestrator.service.records import saga_of
from orchestrator.service.trail import Sought

router = APIRouter(tags=["operations"], responses=documented())
IfMatch = Annotated[
    str | None,
    Header(
        description="the ETag of what was seen, or *; not needed with a plan, nor for a dry run",
        json_schema_extra={"pattern": ETAGS},
    ),
]
DRY_REASON = "only a dry run"


def _needs_operation(schema: dict[str, Any]) -> None:
    """It has a default for code; whoever asks by HTTP says which operation they mean."""
    schema["required"] = sorted({*schema.get("required", ()), "operation"})


class Said(BaseModel):
    """What goes with every operation."""

    model_config = ConfigDict(json_schema_extra=_needs_operation)

    reason: ReasonUnlessDry = ""
    dry_run: bool = Field(default=False, description="do nothing, and say what would be done")


class CompensateBody(asked.Compensate, Said):
    """Undo it, whole or from a step. A dry run gives the plan; carrying it out needs the plan's hash."""

    plan: Annotated[str, StringConstraints(min_length=8, max_length=64)] | None = None  # type: ignore[assignment]


class RetryBody(asked.Retry, Said):
    """Try a stuck undo or a parked step again now."""


class EditAndRetryBody(asked.EditAndRetry, Said):
    """The same with other facts, by name."""


class SkipBody(asked.Skip, Said):
    """Go on past a parked step with `output` in place of its result."""


class ResolveBody(asked.Resolve, Said):
    """Decide about a stuck undo."""


class SuspendBody(asked.Suspend, Said):
    """Begin no further attempt until resumed."""


class ResumeBody(asked.Resume, Said):
    """Go on, and try everything that is stuck or parked again."""


class CancelBody(asked.Cancel, Said):
    """Stop and undo, before the pivot."""


class AbandonBody(asked.Abandon, Said):
    """Give up all undos that are still open."""


class ReleaseBody(asked.Release, Said):
    """Send held events to parking."""


Body: TypeAlias = Annotated[
    CompensateBody
    | RetryBody
    | EditAndRetryBody
    | SkipBody
    | ResolveBody
    | SuspendBody
    | ResumeBody
    | CancelBody
    | AbandonBody
    | ReleaseBody,
    Field(discriminator="operation"),
]


@router.post(
    "/executions/{execution_id}/operations",
    responses={
        **documented(409, 412, 413, 415, 428),
        200: {"model": PreviewDocument, "description": "A dry run: nothing was done"},
        202: {"model": OperationDocument, "description": "Accepted; Location says where to ask how far it is"},
    },
    response_model=None,
    status_code=202,
)
async def operate(
    *,
    request: Request,
    console: Given,
    caller: Asking,
    execution_id: PathText,
    body: Body,
    if_match: IfMatch = None,
    key: KeyUnlessDry = None,
) -> Response:
    """Do something to an execution, once per key."""
    if body.dry_run:
        preview = await _preview(console, caller, execution_id, body)
        return Response(preview.model_dump_json(), media_type="application/json")

    async def work(given: str) -> Answer:
        is_confirmation = isinstance(body, CompensateBody) and if_match is None
        revision = None if is_confirmation else revision_of(if_match)
        instruction = Instruction(request=_asked(body), reason=body.reason, key=given, revision=revision)
        record = await console.service.operating.operate(caller, execution_id, instruction)
        return made(202, _shown(caller, record), location=at(request, "show_operation", operation_id=record.id))

    return await answer_once(request, console, caller, key, work)


@router.get("/operations")
async def list_operations(
    *,
    console: Given,
    caller: Asking,
    execution_id: Annotated[Text, Query()] = "",
    actor: Annotated[Text, Query()] = "",
    limit: Limit = 50,
    cursor: CursorText = None,
) -> OperationLines:
    """Operations, the newest first."""
    of = f"operations {execution_id} {actor}"
    place = console.cursors.read(of, cursor)
    before = None if place is None else (int(place[0]), str(place[1]))
    sought = Sought(target=execution_id, actor=actor)
    found = await console.service.trail.operations(caller, sought, before=before, limit=limit)
    last = (found[-1].accepted_ms, found[-1].id) if len(found) == limit else None
    return OperationLines(items=[_shown(caller, one) for one in found], next_cursor=console.cursors.write(of, last))


@router.get("/operations/{operation_id}")
async def show_operation(console: Given, caller: Asking, operation_id: PathText) -> OperationDocument:
    """How far an operation is, by what the saga shows now."""
    return _shown(caller, await console.service.operating.look_at(caller, operation_id))


async def _preview(console: Console, caller: Caller, execution_id: str, body: Body) -> PreviewDocument:
    if isinstance(body, CompensateBody) and body.plan is None:
        plan = await console.service.operating.plan(caller, execution_id, body.from_step)
        return PreviewDocument(plan=PlanDocument.model_validate(plan), changes=[])
    instruction = Instruction(request=_asked(body), reason=body.reason or DRY_REASON, key="dry run")
    preview = await console.service.operating.preview(caller, execution_id, instruction)
    return PreviewDocument(
        plan=None if preview.plan is None else PlanDocument.model_validate(preview.plan),
        changes=[ChangeDocument.model_validate(one) for one in preview.changes],
    )


def _asked(body: Body) -> asked.Request:
    if isinstance(body, CompensateBody) and body.plan is None:
        raise InvalidRequestError([("/plan", "the hash of the plan is needed: a dry run gives it")])
    return asked.REQUEST.validate_python(body.model_dump(exclude=set(Said.model_fields)))


def _shown(caller: Caller, record: OperationRecord) -> OperationDocument:
    may_see = caller.may(Permission.PAYLOAD, saga_of(record.execution_id))
    return operation_document(record, shows_payloads=may_see)
