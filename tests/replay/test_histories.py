"""Executions that users have open replay on today's code, and with no clock, randomness or I/O in the workflow."""

import gzip
import json
from itertools import pairwise
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from orchestrator.adapters.temporal.handing import HandingOver
from orchestrator.adapters.temporal.workflow import SagaWorkflow
from orchestrator.saga.plan import FORMAT
from orchestrator.service.records import Snapshot

FOLDER = Path(__file__).parent / "histories"
STORED = sorted(FOLDER.glob("*/*.json.gz"))
LIBRARIES = SandboxRestrictions.default.with_passthrough_modules("pydantic", "pydantic_core", "typing_extensions")


def history(file):
    return WorkflowHistory.from_json(file.name, gzip.decompress(file.read_bytes()).decode())


def kinds_of(name):
    """What happened in a stored history: its events, by kind."""
    events = history(FOLDER / f"format-{FORMAT}" / f"{name}.json.gz").events
    return [EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in events]


def result_of(name):
    ended = history(FOLDER / f"format-{FORMAT}" / f"{name}.json.gz").events[-1]
    payload = ended.workflow_execution_completed_event_attributes.result.payloads[0]
    return json.loads(payload.data)


@pytest.mark.parametrize(
    ("name", "word", "happened"),
    [
        ("completed", "Completed", "MARKER_RECORDED"),
        ("refused", "Compensated", "MARKER_RECORDED"),
        ("undone", "Compensated", "ACTIVITY_TASK_COMPLETED"),
        ("resent", "Completed", "TIMER_FIRED"),
        ("cancelled", "Compensated", "WORKFLOW_EXECUTION_UPDATE_ACCEPTED"),
        ("late-reply", "Completed", "WORKFLOW_EXECUTION_SIGNALED"),
        ("pivot", "Completed", "ACTIVITY_TASK_SCHEDULED"),
        ("parked", "Completed", "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES"),
        ("stuck", "Compensated", "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES"),
        ("continued", "Completed", "WORKFLOW_EXECUTION_SIGNALED"),
        ("lost-repeated", "Completed", "WORKFLOW_TASK_TIMED_OUT"),
        ("lost-cancelled", "Compensated", "WORKFLOW_TASK_TIMED_OUT"),
        ("lost-beating", "Compensated", "WORKFLOW_TASK_TIMED_OUT"),
    ],
)
def test_every_kind_of_outcome_is_stored(name, word, happened) -> None:
    assert result_of(name)["word"] == word
    assert happened in kinds_of(name)


def test_a_task_that_was_lost_behind_its_heartbeat_is_stored() -> None:
    told = [kind for kind in kinds_of("lost-beating") if kind != "MARKER_RECORDED"]
    beat = list(pairwise(told)).index(("WORKFLOW_TASK_COMPLETED", "WORKFLOW_TASK_SCHEDULED"))
    assert "WORKFLOW_TASK_TIMED_OUT" in told[beat:]


def test_a_run_that_was_continued_is_stored_beside_the_one_that_continues_it() -> None:
    assert kinds_of("continued-1-before")[-1] == "WORKFLOW_EXECUTION_CONTINUED_AS_NEW"


def test_every_plan_format_is_stored() -> None:
    assert {folder.name for folder in FOLDER.iterdir()} == {f"format-{number + 1}" for number in range(FORMAT)}


@pytest.mark.parametrize("file", STORED, ids=lambda file: f"{file.parent.name}-{file.name.partition('.')[0]}")
@pytest.mark.parametrize(
    "runner", [UnsandboxedWorkflowRunner(), SandboxedWorkflowRunner(LIBRARIES)], ids=["plain", "sandboxed"]
)
async def test_a_stored_history_replays(file, runner) -> None:
    # The definition asks for no sandbox; the second run puts it into one all the same.
    definition = getattr(SagaWorkflow, "__temporal_workflow_definition")
    sandboxed = isinstance(runner, SandboxedWorkflowRunner)
    object.__setattr__(definition, "sandboxed", sandboxed)
    try:
        await Replayer(workflows=[SagaWorkflow], workflow_runner=runner).replay_workflow(history(file))
    finally:
        object.__setattr__(definition, "sandboxed", False)


@pytest.mark.parametrize("file", STORED, ids=lambda file: f"{file.parent.name}-{file.name.partition('.')[0]}")
async def test_while_a_history_is_replayed_nothing_is_handed_to_the_ledger(file) -> None:
    handed: list[Snapshot] = []
    replayer = Replayer(workflows=[SagaWorkflow], interceptors=[HandingOver(handed.append)])
    await replayer.replay_workflow(history(file))
    assert handed == []
