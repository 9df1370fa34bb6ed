"""How a run stood that was ended from outside: read from its history, without performing anything.

A query would not do: a worker that answers one for a closed run goes on where the history ends, and performs the lost
run of its last workflow task anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.worker import Interceptor, Replayer, UnsandboxedWorkflowRunner, WorkflowInboundInterceptor

from orchestrator.adapters.temporal.given import ATTEMPT, EVENT_SIGNAL, REPLY_SIGNAL, Given, Report, from_json
from orchestrator.adapters.temporal.handing import HandingOver
from orchestrator.adapters.temporal.news import signal_of
from orchestrator.adapters.temporal.tail import may_last_attempt_be_lost
from orchestrator.adapters.temporal.workflow import SagaWorkflow
from orchestrator.engine.execution import Execution
from orchestrator.engine.lookahead import maybe_begun
from orchestrator.engine.signals import Arrived, ReceivedEvent, Started

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from temporalio.api.common.v1 import Payloads
    from temporalio.api.history.v1 import HistoryEvent
    from temporalio.client import WorkflowHistory
    from temporalio.converter import DataConverter
    from temporalio.worker import ExecuteWorkflowInput, WorkflowInterceptorClassInput

    from orchestrator.engine.signals import Signal
    from orchestrator.service.journal import JournalEntry
    from orchestrator.service.records import Snapshot


async def stood(history: WorkflowHistory, given: Given, converter: DataConverter) -> tuple[Execution, tuple[str, ...]]:
    """The state of a run that is gone, and the steps that a lost attempt may have begun beside those it knows of.

    Args:
        history: the whole of it.
        given: the input the run began with.
        converter: reads payloads.
    """
    recorded = await _recorded(history, given, converter)
    if not may_last_attempt_be_lost(reversed(history.events)):
        return recorded, ()
    now = recorded.copy()
    if not now.state.started:
        now.receive(Started(given.trigger))
    async for signal in _news(history.events, converter):
        now.receive(signal)
    return now, maybe_begun(recorded, now, given.trigger)


async def told(history: WorkflowHistory, converter: DataConverter) -> tuple[JournalEntry, ...]:
    """What a run was told, as far as its history has it; earlier runs of its execution are not in it."""
    if not any(_is_completed_task(event) for event in history.events):
        return ()
    return (await _replayed(history, converter, HandingOver(_unheard))).journal


def _unheard(_: Snapshot) -> None:
    """A workflow notes its journal only for somebody."""


async def _recorded(history: WorkflowHistory, given: Given, converter: DataConverter) -> Execution:
    """The state that the last completed workflow task left."""
    is_any_recorded = any(_is_completed_task(event) for event in history.events)
    if is_any_recorded:
        return (await _replayed(history, converter)).execution
    if given.carried is not None:
        return Execution.restore(given.plan, given.carried.state)
    return Execution.begin(given.plan, given.execution_id)


async def _replayed(history: WorkflowHistory, converter: DataConverter, *more: Interceptor) -> SagaWorkflow:
    watch = _Watch()
    replayer = Replayer(
        workflows=[SagaWorkflow],
        workflow_runner=UnsandboxedWorkflowRunner(),
        interceptors=[watch, *more],
        data_converter=converter,
    )
    await replayer.replay_workflow(history)
    return watch.seen[0]


class _Watch(Interceptor):
    """Keeps the workflow that is replayed."""

    def __init__(self) -> None:
        self.seen: list[SagaWorkflow] = []

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: ARG002 - the SDK's name
    ) -> type[WorkflowInboundInterceptor]:
        """An interceptor that tells this object."""
        seen = self.seen

        class Watching(WorkflowInboundInterceptor):
            async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
                seen.append(workflow.instance())
                return await self.next.execute_workflow(input)

        return Watching


async def _news(events: Sequence[HistoryEvent], converter: DataConverter) -> AsyncIterator[Signal]:
    """What came after the last completed workflow task: a lost attempt of the next one may have known of it."""
    last = max((number for number, event in enumerate(events) if _is_completed_task(event)), default=-1)
    attempts = {event.event_id for event in events if _is_attempt(event)}
    for event in events[last + 1 :]:
        signal = await _signal(event, attempts, converter)
        if signal is not None:
            yield signal


async def _signal(event: HistoryEvent, attempts: set[int], converter: DataConverter) -> Signal | None:
    signaled = event.workflow_execution_signaled_event_attributes
    completed = event.activity_task_completed_event_attributes
    if signaled.signal_name == EVENT_SIGNAL:
        return Arrived(from_json(ReceivedEvent, await _read(signaled.input, converter)))
    if signaled.signal_name == REPLY_SIGNAL:
        return signal_of(from_json(Report, await _read(signaled.input, converter)))
    if completed.scheduled_event_id in attempts:
        return signal_of(from_json(Report, await _read(completed.result, converter)))
    return None  # timers: what waits for one is taken to have gone on


async def _read(payloads: Payloads, converter: DataConverter) -> Any:
    return (await converter.decode(payloads.payloads))[0]


def _is_completed_task(event: HistoryEvent) -> bool:
    return event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED


def _is_attempt(event: HistoryEvent) -> bool:
    return event.activity_task_scheduled_event_attributes.activity_type.name == ATTEMPT
