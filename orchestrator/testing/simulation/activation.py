"""Activations of a workflow instance, its commands, and the instance itself: the real one of the SDK, unsandboxed."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.enums.v1 import TimeoutType
from temporalio.api.failure.v1 import (
    ActivityFailureInfo,
    ApplicationFailureInfo,
    CanceledFailureInfo,
    TimeoutFailureInfo,
)
from temporalio.api.failure.v1 import Failure as FailureText
from temporalio.bridge.proto.activity_result import (
    ActivityResolution,
    Cancellation,
    Failure,
    Success,
)
from temporalio.bridge.proto.workflow_activation import (
    CancelWorkflow,
    DoUpdate,
    FireTimer,
    InitializeWorkflow,
    RemoveFromCache,
    ResolveActivity,
    SignalWorkflow,
    WorkflowActivation,
    WorkflowActivationJob,
)
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.common import Priority
from temporalio.converter import DataConverter
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowInstanceDetails
from temporalio.workflow import Info
from temporalio.workflow import _Definition as Definition

from orchestrator.adapters.temporal.given import BOUNDARY, WORKFLOW
from orchestrator.adapters.temporal.handing import NAME as HAND_OVER
from orchestrator.testing.simulation.history import Event, Kind
from orchestrator.testing.simulation.loop import EPOCH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.adapters.temporal.handing import Sink
    from orchestrator.engine.execution import Entry
    from orchestrator.engine.states import State

NAMESPACE = "simulated"
QUEUE = "sagas"
TASK_TIMEOUT_S = 3.0
"""As the product starts its workflows."""


def to_payload(value: Any) -> Payload:
    """A JSON value as it travels."""
    return Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(value, separators=(",", ":")).encode())


def from_payload(payload: Payload) -> Any:
    """The value of a payload."""
    return json.loads(payload.data) if payload.data else None


@dataclass(frozen=True, slots=True)
class Command:
    """What a workflow task asks of the server. `kind` is the name of the SDK's command."""

    kind: str
    seq: int
    asked: Any


@dataclass(slots=True)
class Record:
    """What the server has accepted of one workflow task: enough to replay it, and to see whether it replays alike.

    Attributes:
        started_at, started_id: when the task began, and the length of the history then.
        is_beat: it ended without commands and the next one began at once. The core replays it as part of the next.
    """

    activations: list[WorkflowActivation] = field(default_factory=list[WorkflowActivation])
    made: list[bytes] = field(default_factory=list[bytes])
    seen: int = 0
    started_at: float = 0.0
    started_id: int = 0
    is_beat: bool = False


def is_acceptance(command: Command) -> bool:
    """Whether it says that an update was taken."""
    return command.kind == "update_response" and command.asked.WhichOneof("response") == "accepted"


def is_alike(completion: WorkflowActivationCompletion, before: bytes) -> bool:
    """Whether a replay asks for the same. Where a boundary looks from is data, which the server does not compare."""
    if completion.SerializeToString(deterministic=True) == before:
        return True
    first = WorkflowActivationCompletion()
    first.ParseFromString(before)
    return _without_places(first) == _without_places(completion)


def _without_places(completion: WorkflowActivationCompletion) -> WorkflowActivationCompletion:
    made = WorkflowActivationCompletion()
    made.CopyFrom(completion)
    for command in made.successful.commands:
        if command.schedule_activity.activity_type == BOUNDARY:
            del command.schedule_activity.arguments[:]
    return made


class Instance:
    """The real workflow of one run, in one worker's cache."""

    def __init__(self, run_id: str, workflow_id: str, workflow: type, sink: Sink) -> None:
        self._run_id = run_id
        self._made = UnsandboxedWorkflowRunner().create_instance(_details(run_id, workflow_id, workflow, sink))

    @property
    def workflow(self) -> Any:
        """The workflow object: to look at, never to touch."""
        return self._made._object  # type: ignore[attr-defined]  # noqa: SLF001

    @property
    def state(self) -> State:
        """Where its engine stands."""
        found: State = self.workflow._interpreter.execution.state  # noqa: SLF001
        return found

    @property
    def journal(self) -> list[Entry]:
        """What its engine was told so far."""
        found: list[Entry] = self.workflow._interpreter.execution.journal  # noqa: SLF001
        return found

    @property
    def reached_ms(self) -> int:
        """The moment whose timer it knows to have run out, whatever its clock says."""
        found: int = self.workflow._interpreter.agenda.reached_ms  # noqa: SLF001
        return found

    def activate(self, activation: WorkflowActivation) -> WorkflowActivationCompletion:
        """Hand over an activation. The SDK runs it in a thread; here it runs within the simulated process."""
        outer = asyncio.get_running_loop()
        try:
            return self._made.activate(activation)
        finally:
            asyncio._set_running_loop(outer)  # noqa: SLF001

    def evict(self) -> None:
        """Tear it down as the SDK does."""
        job = WorkflowActivationJob(remove_from_cache=RemoveFromCache(message="evicted"))
        self.activate(WorkflowActivation(run_id=self._run_id, jobs=[job]))


def _details(run_id: str, workflow_id: str, workflow: type, sink: Sink) -> WorkflowInstanceDetails:
    converter = DataConverter.default
    return WorkflowInstanceDetails(
        payload_converter_factory=converter.payload_converter_class,
        failure_converter_class=converter.failure_converter_class,
        interceptor_classes=[],
        defn=_definition(workflow),
        info=_info(run_id, workflow_id),
        randomness_seed=1,
        extern_functions={"__temporal_assert_local_activity_valid": _is_valid, HAND_OVER: sink},
        disable_eager_activity_execution=False,
        worker_level_failure_exception_types=[],
        patch_activation_callback=None,
        last_completion_result=Payloads(),
        last_failure=None,
    )


@cache
def _definition(workflow: type) -> Definition:
    return Definition.must_from_class(workflow)


def _info(run_id: str, workflow_id: str) -> Info:
    return Info(
        attempt=1,
        continued_run_id=None,
        cron_schedule=None,
        execution_timeout=None,
        first_execution_run_id=run_id,
        headers={},
        namespace=NAMESPACE,
        original_execution_run_id=run_id,
        parent=None,
        root=None,
        raw_memo={},
        retry_policy=None,
        run_id=run_id,
        run_timeout=None,
        search_attributes={},
        start_time=EPOCH,
        workflow_start_time=EPOCH + timedelta(seconds=int(run_id.partition("-")[2])),  # a later run begins later
        task_queue=QUEUE,
        task_timeout=timedelta(seconds=TASK_TIMEOUT_S),
        typed_search_attributes=_no_attributes(),
        workflow_id=workflow_id,
        workflow_type=WORKFLOW,
        priority=Priority.default,
    )


@cache
def _no_attributes() -> Any:
    from temporalio.common import TypedSearchAttributes  # noqa: PLC0415 - used here only

    return TypedSearchAttributes([])


def commands_of(completion: WorkflowActivationCompletion) -> list[Command]:
    """The commands of a completion."""
    made: list[Command] = []
    for command in completion.successful.commands:
        kind = command.WhichOneof("variant") or ""
        asked = getattr(command, kind)
        made.append(Command(kind, getattr(asked, "seq", 0), asked))
    return made


def jobs_of(events: Iterable[Event]) -> list[WorkflowActivationJob]:
    """What these events tell the workflow."""
    return [job for event in events if (job := _job_of(event)) is not None]


def _job_of(event: Event) -> WorkflowActivationJob | None:
    more = event.more
    match event.kind:
        case Kind.STARTED:
            start = InitializeWorkflow(workflow_type=WORKFLOW, arguments=[to_payload(more["given"])])
            return WorkflowActivationJob(initialize_workflow=start)
        case Kind.SIGNALED:
            signal = SignalWorkflow(signal_name=more["name"], input=[to_payload(more["argument"])])
            return WorkflowActivationJob(signal_workflow=signal)
        case Kind.CANCEL_REQUESTED:
            return WorkflowActivationJob(cancel_workflow=CancelWorkflow(reason=more["reason"]))
        case Kind.TIMER_FIRED:
            return WorkflowActivationJob(fire_timer=FireTimer(seq=more["seq"]))
        case Kind.ACTIVITY_COMPLETED | Kind.ACTIVITY_FAILED | Kind.ACTIVITY_TIMED_OUT | Kind.ACTIVITY_CANCELED:
            return resolve(more["seq"], more["result"])
        case _:
            return None


def update_job(update_id: str, name: str, argument: Any) -> WorkflowActivationJob:
    """An update; it travels beside the history."""
    made = DoUpdate(
        id=update_id, protocol_instance_id=update_id, name=name, input=[to_payload(argument)], run_validator=True
    )
    return WorkflowActivationJob(do_update=made)


def resolve(seq: int, result: ActivityResolution, *, is_local: bool = False) -> WorkflowActivationJob:
    """The end of an activity."""
    return WorkflowActivationJob(resolve_activity=ResolveActivity(seq=seq, result=result, is_local=is_local))


def success(value: Any) -> ActivityResolution:
    """The activity returned this."""
    return ActivityResolution(completed=Success(result=to_payload(value)))


def failure(text: str) -> ActivityResolution:
    """The activity raised."""
    cause = FailureText(message=text, application_failure_info=ApplicationFailureInfo(type="Simulated"))
    return ActivityResolution(failed=Failure(failure=_activity_failure(cause)))


def time_out(text: str, *, is_silent: bool = False) -> ActivityResolution:
    """The server, or the worker for a local one, gave it up: its time was over, or no sign of life came."""
    kind = TimeoutType.TIMEOUT_TYPE_HEARTBEAT if is_silent else TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE
    cause = FailureText(message=text, timeout_failure_info=TimeoutFailureInfo(timeout_type=kind))
    return ActivityResolution(failed=Failure(failure=_activity_failure(cause)))


def cancellation() -> ActivityResolution:
    """It ended because it was asked to."""
    cause = FailureText(message="cancelled", canceled_failure_info=CanceledFailureInfo())
    return ActivityResolution(cancelled=Cancellation(failure=_activity_failure(cause)))


def _activity_failure(cause: FailureText) -> FailureText:
    return FailureText(message="activity error", activity_failure_info=ActivityFailureInfo(), cause=cause)


def _is_valid(activity: str) -> None:
    """What the worker asks of a local activity's name; all of ours are known to it."""
