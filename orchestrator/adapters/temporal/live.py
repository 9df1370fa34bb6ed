"""Executions as Temporal has them, for those who operate them. Implements `service.live.Live`."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from temporalio.client import WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from orchestrator.adapters.temporal import given as names
from orchestrator.adapters.temporal.answers import NOBODY, QUERY_PATIENCE, unavailable
from orchestrator.adapters.temporal.commanding import TemporalCommanded
from orchestrator.adapters.temporal.gateway import limits_of
from orchestrator.adapters.temporal.given import Carried, Given, Thread, from_json, to_json, without_payload
from orchestrator.adapters.temporal.histories import first_input
from orchestrator.adapters.temporal.memo import PLAN, UNDOES, memo_of, read
from orchestrator.adapters.temporal.replaying import stood
from orchestrator.engine.execution import Execution
from orchestrator.engine.signals import ReceivedEvent
from orchestrator.errors import ConflictError
from orchestrator.service.live import Seen, linked_id

if TYPE_CHECKING:
    from temporalio.client import Client, WorkflowExecutionDescription, WorkflowHandle

    from orchestrator.engine.signals import CompensateRequested, Operator
    from orchestrator.saga.plan import Plan
    from orchestrator.service.live import Taken
    from orchestrator.service.records import Gone
    from orchestrator.settings import Settings

ALLOW_DUPLICATE, REJECT_DUPLICATE = WorkflowIDReusePolicy.ALLOW_DUPLICATE, WorkflowIDReusePolicy.REJECT_DUPLICATE
MOST_PLANS = 1_000
"""So many plans are remembered; those of more are read again each time."""
_GONE: dict[WorkflowExecutionStatus | None, Gone] = {
    WorkflowExecutionStatus.TERMINATED: "terminated",
    WorkflowExecutionStatus.TIMED_OUT: "timed_out",
    WorkflowExecutionStatus.FAILED: "failed",
    WorkflowExecutionStatus.CANCELED: "canceled",
}


class TemporalLive:
    """Executions, in Temporal."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._plans: dict[str, Plan] = {}

    async def look(self, execution_id: str) -> Seen | None:
        """The newest run: the own one while it is open, later the newest linked undo run if there is one."""
        try:
            own = await self._describe(execution_id)
            is_open = own is not None and own.status is WorkflowExecutionStatus.RUNNING
            linked = None if is_open else await self._describe(linked_id(execution_id))
            newest = linked or own
            return None if newest is None else await self._seen(newest, own)
        except RPCError as error:
            raise unavailable(error) from error

    async def _describe(self, workflow_id: str) -> WorkflowExecutionDescription | None:
        try:
            return await self._client.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def _seen(self, newest: WorkflowExecutionDescription, own: WorkflowExecutionDescription | None) -> Seen:
        is_open, first_ended = newest.status is WorkflowExecutionStatus.RUNNING, own.close_time if own else None
        state = await self._answer(newest) if is_open else None
        plan = None if state is None else self._plans.get(read(await newest.memo()).get(PLAN, ""))
        if plan is not None:
            return replace(_told(newest.id, Execution.restore(plan, state)), first_ended=first_ended)
        given = await self._given(newest)
        execution, in_doubt = await self._stands(newest, given, state)
        return Seen(
            workflow_id=newest.id,
            is_open=is_open,
            execution=execution,
            trigger=given.trigger,
            thread=asdict(given.thread),
            gone=_GONE.get(newest.status, ""),
            ended=newest.close_time,
            first_ended=first_ended,
            in_doubt=in_doubt,
            by_history=is_open and state is None,
        )

    async def _given(self, newest: WorkflowExecutionDescription) -> Given:
        given = from_json(Given, await first_input(self._client, newest.id, newest.run_id))
        if len(self._plans) < MOST_PLANS:
            self._plans[given.plan.content_hash] = given.plan
        return given

    async def _stands(
        self, newest: WorkflowExecutionDescription, given: Given, state: Any
    ) -> tuple[Execution, tuple[str, ...]]:
        """By what it answered, `state`; by its result; else by its history: one that is gone, or nobody answers for."""
        if state is not None:
            return Execution.restore(given.plan, state), ()
        handle: WorkflowHandle[Any, Any] = self._client.get_workflow_handle(newest.id, run_id=newest.run_id)
        if newest.status is WorkflowExecutionStatus.COMPLETED:
            return Execution.restore(given.plan, (await handle.result())["state"]), ()
        return await stood(await handle.fetch_history(), given, self._client.data_converter)

    async def _answer(self, newest: WorkflowExecutionDescription) -> Any:
        """The state that a run answers with; None if no worker answers."""
        handle: WorkflowHandle[Any, Any] = self._client.get_workflow_handle(newest.id, run_id=newest.run_id)
        try:
            shown = await handle.query(names.STATUS_QUERY, rpc_timeout=QUERY_PATIENCE)
        except RPCError as error:
            if error.status not in NOBODY:
                raise
            return None
        return shown["state"]

    async def command(self, workflow_id: str, command: Operator, *, revision: int | None = None) -> Taken:
        """Give a command as an update."""
        return await TemporalCommanded(self._client).command(workflow_id, command, revision=revision)

    async def begin_undo(self, seed: Seen, command: CompensateRequested) -> bool:
        """Start the linked run; messages go on with the original id, the workflow's own is the linked one.

        It begins on the task queue of the execution itself, where the workers are that know its saga; once Temporal has
        forgotten that, on the settings'.
        """
        plan, execution_id = seed.execution.plan, seed.execution.state.execution_id
        try:
            own = await self._describe(execution_id)
            handle = await self._client.start_workflow(
                names.WORKFLOW,
                to_json(self._linked(seed, command)),
                id=linked_id(execution_id),
                task_queue=own.task_queue if own else self._settings.task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                # A linked run that was not seen may have ended meanwhile: the seed is not the newest state then.
                id_reuse_policy=ALLOW_DUPLICATE if seed.workflow_id == linked_id(execution_id) else REJECT_DUPLICATE,
                task_timeout=self._settings.task_timeout,
                memo=memo_of(plan, **{UNDOES: execution_id}),
            )
        except WorkflowAlreadyStartedError:
            seen = seed.execution.state.revision
            raise ConflictError("another undo of it has ended meanwhile", revision=seen) from None
        except RPCError as error:
            raise unavailable(error) from error
        answer = handle._start_workflow_response  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        return answer is None or bool(getattr(answer, "started", True))

    def _linked(self, seed: Seen, command: CompensateRequested) -> Given:
        return Given(
            plan=seed.execution.plan,
            execution_id=seed.execution.state.execution_id,
            trigger=without_payload(seed.trigger),
            thread=from_json(Thread, dict(seed.thread)),
            limits=limits_of(self._settings),
            carried=Carried(state=seed.execution.dump(), due_ms={}, pending=[]),
            command=command,
        )


def _told(workflow_id: str, execution: Execution) -> Seen:
    """One that goes on, as its worker told it: what it was started with decides nothing before it ends.

    So its history is not read for that.
    """
    starts = execution.plan.trigger
    fact = execution.state.facts.get(starts.gives)
    trigger = ReceivedEvent(identity="", body_hash="", type=starts.event, payload=fact)
    return Seen(workflow_id=workflow_id, is_open=True, execution=execution, trigger=trigger, thread={})
