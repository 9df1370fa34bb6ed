"""What Temporal knows of executions, for the reconciler. Implements `service.ports.Survey`."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from temporalio.api.common.v1 import WorkflowExecution as WorkflowExecutionId
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from orchestrator.adapters.temporal import given as names
from orchestrator.adapters.temporal import memo
from orchestrator.adapters.temporal.answers import NOBODY
from orchestrator.adapters.temporal.given import Given, from_json
from orchestrator.adapters.temporal.histories import first_input
from orchestrator.adapters.temporal.replaying import stood, told
from orchestrator.engine.execution import Execution
from orchestrator.errors import EngineUnavailableError
from orchestrator.service.journal import JournalEntry
from orchestrator.service.records import Position, Snapshot, milliseconds
from orchestrator.service.runs import RunSeen, gone_as

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator
    from datetime import datetime

    from temporalio.client import Client, WorkflowExecution, WorkflowHandle

    from orchestrator.saga.plan import Plan
    from orchestrator.service.records import OpenRow

PAGE = 1_000
TAIL = 50
"""Events of the tail in which the last workflow task is looked for."""
QUERY_PATIENCE = timedelta(seconds=10)
STATUSES: dict[WorkflowExecutionStatus, Any] = {
    WorkflowExecutionStatus.RUNNING: "running",
    WorkflowExecutionStatus.COMPLETED: "completed",
    WorkflowExecutionStatus.CONTINUED_AS_NEW: "continued",
    WorkflowExecutionStatus.TERMINATED: "terminated",
    WorkflowExecutionStatus.TIMED_OUT: "timed_out",
    WorkflowExecutionStatus.FAILED: "failed",
    WorkflowExecutionStatus.CANCELED: "canceled",
}
_journal = TypeAdapter(tuple[JournalEntry, ...])


class TemporalSurvey:
    """Looks at the executions of one task queue."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._wanted = f"WorkflowType = '{names.WORKFLOW}' AND TaskQueue = '{task_queue}'"

    async def open_runs(self) -> AsyncIterator[RunSeen]:
        """By visibility, in pages."""
        async for seen in self._listed(f"{self._wanted} AND ExecutionStatus = 'Running'"):
            yield seen

    async def closed_runs(self, since: datetime) -> AsyncIterator[RunSeen]:
        """By visibility, in pages."""
        after = since.isoformat(timespec="milliseconds")
        async for seen in self._listed(f"{self._wanted} AND ExecutionStatus != 'Running' AND CloseTime >= '{after}'"):
            yield seen

    async def run(self, workflow_id: str) -> RunSeen | None:
        """By description, which is never late."""
        try:
            with _outages():
                return await _seen(await self._client.get_workflow_handle(workflow_id).describe())
        except RPCError:
            return None

    async def is_current(self, row: OpenRow) -> bool:
        """Whether the last workflow task that was recorded is the one that the row was written in."""
        request = GetWorkflowExecutionHistoryReverseRequest(
            namespace=self._client.namespace,
            execution=WorkflowExecutionId(workflow_id=row.workflow_id, run_id=row.run_id),
            maximum_page_size=TAIL,
        )
        try:
            with _outages():
                found = await self._client.workflow_service.get_workflow_execution_history_reverse(request, retry=True)
        except RPCError:
            return False
        recorded = (
            event.workflow_task_completed_event_attributes.started_event_id
            for event in found.history.events
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        )
        return next(recorded, 0) <= row.history

    async def look(self, seen: RunSeen, plan: Plan | None) -> Snapshot | None:
        """A result is fetched, a run that goes on is asked, one that is gone is read from its history."""
        handle = self._client.get_workflow_handle(seen.workflow_id, run_id=seen.run_id)
        with _outages():
            if gone_as(seen):
                return await self._stood(handle, seen)
            correlation_id = seen.correlation_id
            if plan is None or not correlation_id:
                given = await self._given(seen)
                plan, correlation_id = given.plan, given.thread.correlation_id
            if seen.status == "running":
                return await _asked(handle, seen, plan)
            try:
                result: dict[str, Any] = await handle.result(follow_runs=False)
            except WorkflowFailureError:
                return None
        known = {"history": seen.history, "correlation_id": correlation_id, "changed_ms": seen.closed_ms}
        return _snapshot(seen, Execution.restore(plan, result["state"]), known)

    async def journal(self, seen: RunSeen) -> tuple[JournalEntry, ...]:
        """From its history, which is replayed without performing anything."""
        try:
            with _outages():
                history = await self._client.get_workflow_handle(seen.workflow_id, run_id=seen.run_id).fetch_history()
        except RPCError:
            return ()
        return await told(history, self._client.data_converter)

    async def _stood(self, handle: WorkflowHandle[Any, Any], seen: RunSeen) -> Snapshot:
        given = await self._given(seen)
        execution, _ = await stood(await handle.fetch_history(), given, self._client.data_converter)
        known = {"history": seen.history, "correlation_id": given.thread.correlation_id, "changed_ms": seen.closed_ms}
        return _snapshot(seen, execution, known)

    async def _given(self, seen: RunSeen) -> Given:
        return from_json(Given, await first_input(self._client, seen.workflow_id, seen.run_id))

    async def _listed(self, query: str) -> AsyncIterator[RunSeen]:
        with _outages():
            async for found in self._client.list_workflows(query, page_size=PAGE):
                yield await _seen(found)


async def _seen(found: WorkflowExecution) -> RunSeen:
    begun = memo.read(await found.memo())
    return RunSeen(
        workflow_id=found.id,
        run_id=found.run_id,
        run_ms=milliseconds(found.start_time),
        status=STATUSES.get(found.status or WorkflowExecutionStatus.RUNNING, "running"),
        closed_ms=None if found.close_time is None else milliseconds(found.close_time),
        history=found.history_length,
        plan_hash=begun.get(memo.PLAN, ""),
        correlation_id=begun.get(memo.CORRELATION, ""),
    )


async def _asked(handle: WorkflowHandle[Any, Any], seen: RunSeen, plan: Plan) -> Snapshot | None:
    try:
        answer: dict[str, Any] = await handle.query(names.SNAPSHOT_QUERY, rpc_timeout=QUERY_PATIENCE)
    except WorkflowQueryFailedError:
        return None
    except RPCError as error:
        if error.status in NOBODY:
            return None
        raise
    return _snapshot(seen, Execution.restore(plan, answer["state"]), answer)


def _snapshot(seen: RunSeen, execution: Execution, known: dict[str, Any]) -> Snapshot:
    return Snapshot(
        execution=execution,
        position=Position(
            run_id=seen.run_id, run_ms=seen.run_ms, history=known["history"], revision=execution.state.revision
        ),
        workflow_id=seen.workflow_id,
        correlation_id=known["correlation_id"],
        started_ms=seen.run_ms,
        changed_ms=known["changed_ms"],
        plan_hash=execution.plan.content_hash,
        journal=_journal.validate_python(known.get("journal", ())),
        confirmed=seen.status != "running",
        gone=gone_as(seen),
        ended_ms=seen.closed_ms,
    )


@contextmanager
def _outages() -> Generator[None]:
    """Around calls to the server; that something is not there is left to the caller.

    Raises:
        EngineUnavailableError: in place of the client's error.
    """
    try:
        yield
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise
        raise EngineUnavailableError(f"Temporal answers {error.status.name}: {error.message}") from error
