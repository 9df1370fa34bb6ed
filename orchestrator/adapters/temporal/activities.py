"""The activities: thin shells around `running` and `performing` that know Temporal's side of an attempt."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from temporalio import activity
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import (
    GetWorkflowExecutionHistoryReverseRequest,
    RecordActivityTaskHeartbeatRequest,
)
from temporalio.service import RPCError, RPCStatusCode

from orchestrator.adapters.temporal import given as names
from orchestrator.adapters.temporal.given import Notice, Request, RunReport, from_json, to_json
from orchestrator.adapters.temporal.notices import announcement, refused_event
from orchestrator.adapters.temporal.performing import Scene, Stage, Watch, perform, report
from orchestrator.adapters.temporal.room import fitting
from orchestrator.adapters.temporal.running import Run
from orchestrator.adapters.temporal.tail import was_attempt_lost
from orchestrator.service import metrics
from orchestrator.service.records import saga_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from temporalio.api.history.v1 import HistoryEvent
    from temporalio.client import Client

HEARTBEAT_EVERY_S = 1.0
"""A busy worker may miss three of them before its attempts count as lost (`calls.HEARTBEAT`)."""
PAGE = 100
"""Events in one page of the tail look; one page is nearly always enough."""


class Activities:
    """The activities of a saga worker."""

    def __init__(self, stage: Stage, client: Client) -> None:
        self._stage = stage
        self._client = client

    def all(self) -> Sequence[Callable[..., Any]]:
        """All of them, for `Worker(activities=...)`."""
        return [self.run, self.attempt, self.boundary, self.announce, self.park]

    @activity.defn(name=names.RUN)
    async def run(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Perform a run of brief calls (a local activity)."""
        request = from_json(Request, asked)
        info = activity.info()
        watch = Watch(info.current_attempt_scheduled_time)
        made = await Run(self._stage, request, info.workflow_id or "", watch).perform()
        self._count(request, made)
        return _dump_run(made)

    def _count(self, request: Request, made: RunReport) -> None:
        saga, meter = saga_of(request.execution_id), self._stage.meter
        meter.add(metrics.RUNS, 1, saga)
        if made.elapsed_ms >= request.budget_ms:
            meter.add(metrics.RUNS_OVER_BUDGET, 1, saga)

    @activity.defn(name=names.ATTEMPT)
    async def attempt(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Perform one durable attempt, alive by heartbeat, with a deadline earlier than the server's.

        A worker that stood still may come to it long after it was given up: then nothing is begun.
        """
        request = from_json(Request, asked)
        call, info = request.calls[0], activity.info()
        patience = request.budget_ms / 1000 - Watch(info.started_time).elapsed()
        if patience <= 0 and await self._is_given_up():
            over: dict[str, Any] = to_json(report(call, "failed", reason="it was over before it began", retryable=True))
            return over
        scene = Scene(
            execution_id=request.execution_id,
            workflow_id=info.workflow_id or "",
            thread=request.thread,
            call=call,
            facts=call.facts,
            patience=max(0.05, patience),
            heartbeat=activity.heartbeat,
        )
        pulse = asyncio.create_task(_pulse())
        try:
            async with asyncio.timeout(max(0.05, patience)):
                made = await perform(self._stage, scene)
        except TimeoutError:
            made = report(call, "failed", reason=f"not done within {request.budget_ms} ms", retryable=True)
        finally:
            pulse.cancel()
        answer: dict[str, Any] = to_json(made if request.room is None else fitting(made, request.room))
        return answer

    async def _is_given_up(self) -> bool:
        """Whether the server waits for this attempt no longer. Asked, since one of the clocks may be wrong."""
        token = activity.info().task_token
        asked = RecordActivityTaskHeartbeatRequest(namespace=self._client.namespace, task_token=token)
        try:
            answer = await self._client.workflow_service.record_activity_task_heartbeat(asked, retry=True)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return True
            raise
        return answer.cancel_requested

    @activity.defn(name=names.BOUNDARY)
    async def boundary(self, since: int) -> bool:
        """Nothing but a record on the server; given the id of an event, whether an attempt was lost since."""
        return await self._look(int(since)) if since else False

    async def _look(self, since: int) -> bool:
        info = activity.info()
        events: list[HistoryEvent] = []
        token = b""
        while True:
            page = await self._client.workflow_service.get_workflow_execution_history_reverse(
                GetWorkflowExecutionHistoryReverseRequest(
                    namespace=self._client.namespace,
                    execution=WorkflowExecution(workflow_id=info.workflow_id or "", run_id=info.workflow_run_id or ""),
                    maximum_page_size=PAGE,
                    next_page_token=token,
                ),
                retry=True,
            )
            events.extend(page.history.events)
            was_lost = was_attempt_lost(events, info.activity_id, since)
            if was_lost is not None:
                return was_lost
            token = page.next_page_token
            if not token:
                # The history always begins with event 1, so the answer is known by then.
                raise RuntimeError(f"the history of {info.workflow_id} ends before {info.activity_id} was found")

    @activity.defn(name=names.ANNOUNCE)
    async def announce(self, asked: dict[str, Any]) -> None:
        """Publish an event about an execution, as `saga.execution.stuck`."""
        await self._stage.courier.publish(announcement(from_json(Notice, asked)))

    @activity.defn(name=names.PARK)
    async def park(self, asked: dict[str, Any]) -> None:
        """Put an event that an execution cannot use into parking."""
        event, code, reason = refused_event(from_json(Notice, asked))
        await self._stage.courier.park(event, code=code, reason=reason)


def _dump_run(made: RunReport) -> dict[str, Any]:
    return {"reports": [to_json(one) for one in made.reports], "elapsed_ms": made.elapsed_ms, "took_ms": made.took_ms}


async def _pulse() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(HEARTBEAT_EVERY_S)
