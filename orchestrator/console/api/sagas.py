"""Sagas: what this process knows of their definitions, and starting their executions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from orchestrator.console.api.answering import Key, answer_once, at, made
from orchestrator.console.api.context import LARGEST, Asking, Console, Given, Name, PathText, Reason, Text
from orchestrator.console.api.documents import ExecutionDocument, execution_document
from orchestrator.console.api.problems import documented
from orchestrator.console.api.records import SagaDocument, SagaLines, SagaWhole, saga_values
from orchestrator.errors import SagaNotFoundError
from orchestrator.service.access import Caller, Permission
from orchestrator.service.definitions import Definition
from orchestrator.service.once import Answer
from orchestrator.service.starting import Wish

router = APIRouter(tags=["sagas"], responses=documented())
MOST_WAITING_SECONDS = 60


class StartBody(BaseModel):
    """An execution that is wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    saga: Name
    input: Any = Field(description="the content of the event that starts it")
    reason: Reason
    correlation_id: Text = ""
    wait_seconds: float = Field(
        0,
        ge=0,
        le=MOST_WAITING_SECONDS,
        allow_inf_nan=False,
        description="how long to wait for its end; 0 = not at all",
    )


class StartedDocument(BaseModel):
    """An execution that was started, now or by the same request before; `execution` shows it if its end was awaited."""

    id: str
    is_new: bool
    has_ended: bool
    execution: ExecutionDocument | None


@router.get("/sagas")
async def list_sagas(console: Given, caller: Asking) -> SagaLines:
    """The sagas of this process, the newest version of each first, and how many executions are in flight."""
    found = console.service.definitions.all(caller)
    counts = await console.service.definitions.in_flight(caller, [one.identity for one in found])
    return SagaLines(items=[SagaDocument(**saga_values(*pair)) for pair in zip(found, counts, strict=True)])


@router.get("/sagas/{name}")
async def show_saga(console: Given, caller: Asking, name: PathText) -> SagaWhole:
    """The newest version of a saga: its flow, and the contracts of the events that it takes in."""
    return await _whole(console, caller, console.service.definitions.find(caller, name))


@router.get("/sagas/{name}/versions/{version}")
async def show_saga_version(console: Given, caller: Asking, name: PathText, version: PathText) -> SagaWhole:
    """One version of a saga."""
    if not (version.isascii() and version.isdigit() and int(version[:12]) <= LARGEST):
        caller.require(Permission.READ, name)
        raise SagaNotFoundError(name, None, known=[])
    return await _whole(console, caller, console.service.definitions.find(caller, name, int(version)))


@router.post("/executions", status_code=201, response_model=StartedDocument, responses=documented(409, 413, 415, 502))
async def start_execution(
    request: Request, console: Given, caller: Asking, body: StartBody, key: Key = None
) -> Response:
    """Start a saga, once per key, and wait for its end if that is asked for."""

    async def work(given: str) -> Answer:
        wish = Wish(saga=body.saga, input=body.input, reason=body.reason, key=given, correlation_id=body.correlation_id)
        starting = console.service.starting
        begun = await starting.start(caller, wish)
        patience = timedelta(seconds=body.wait_seconds)
        has_ended = bool(patience) and await starting.ended_within(begun.execution_id, patience)
        document = StartedDocument(
            id=begun.execution_id,
            is_new=begun.is_new,
            has_ended=has_ended,
            execution=await _ended(console, caller, begun.execution_id) if has_ended else None,
        )
        location = at(request, "show_execution", execution_id=begun.execution_id)
        return made(201, document, location=location)

    return await answer_once(request, console, caller, key, work)


async def _ended(console: Console, caller: Caller, execution_id: str) -> ExecutionDocument:
    return execution_document(await console.service.reading.look(caller, execution_id))


async def _whole(console: Console, caller: Caller, found: Definition) -> SagaWhole:
    (count,) = await console.service.definitions.in_flight(caller, [found.identity])
    return SagaWhole(**saga_values(found, count), plan=found.plan.document, events=found.events)
