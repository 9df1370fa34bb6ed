"""How sagas have been of late, and whether what they need is there."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from orchestrator.console.api.context import Asking, Given
from orchestrator.console.api.documents import Document
from orchestrator.console.api.problems import documented
from orchestrator.service.figures import Window
from orchestrator.service.health import Part
from orchestrator.service.records import moment

router = APIRouter(tags=["statistics"], responses=documented())


class PartDocument(Document):
    """One part of what sagas need."""

    part: Part
    is_there: bool
    text: str
    at: datetime = Field(description="when it was looked at")


class HealthDocument(Document):
    """Every part, and whether all of them are there."""

    is_whole: bool
    items: list[PartDocument]


class FailingDocument(Document):
    """Executions that failed at the same step for the same kind of error."""

    saga: str
    step: str
    fingerprint: str
    number: int
    last: datetime = Field(description="when the last of them changed")
    error: str = Field(description="what was said of the last of them")


class LatencyDocument(Document):
    """How long executions of a saga took; with `step`: from its commands to their replies. Milliseconds."""

    saga: str
    step: str
    direction: str
    number: int
    p50_ms: int
    p95_ms: int
    p99_ms: int


class RatesDocument(Document):
    """Executions per stretch of time, the oldest first."""

    started: list[int]
    completed: list[int]
    failed: list[int] = Field(description="those that ended otherwise than completed")
    undone: list[int] = Field(description="of those, the ones in which something was undone")


class StatisticsDocument(Document):
    """How the sagas that the caller may see have been."""

    start: datetime
    width_ms: int = Field(description="length of each stretch of time")
    rates: RatesDocument
    failing: list[FailingDocument]
    sagas: list[LatencyDocument]
    steps: list[LatencyDocument]
    is_capped: bool = Field(description="there were more executions than are looked at: the oldest are missing")


@router.get("/statistics")
async def show_statistics(
    console: Given, caller: Asking, window: Annotated[Window, Query(description="how far back")] = "24h"
) -> StatisticsDocument:
    """Rates, failing steps, and how long sagas take, from the newest executions."""
    found = await console.service.figuring.look(caller, window)
    return StatisticsDocument(
        start=moment(found.span.start_ms),
        width_ms=found.span.width_ms,
        rates=RatesDocument.model_validate(found.rates),
        failing=[
            FailingDocument(
                saga=one.saga,
                step=one.step,
                fingerprint=one.fingerprint,
                number=one.number,
                last=moment(one.last_ms),
                error=one.error,
            )
            for one in found.failing
        ],
        sagas=[LatencyDocument.model_validate(one) for one in found.sagas],
        steps=[LatencyDocument.model_validate(one) for one in found.steps],
        is_capped=found.is_capped,
    )


@router.get("/health")
async def show_health(console: Given, caller: Asking) -> HealthDocument:
    """Whether ledger, Temporal, broker and workers are there; looked at once in five seconds at most."""
    found = await console.health.look(caller)
    items = [PartDocument.model_validate(one) for one in found]
    return HealthDocument(is_whole=all(one.is_there for one in found), items=items)
