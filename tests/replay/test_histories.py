"""Executions that users have open replay on today's code, and with no clock, randomness or I/O in the workflow."""

import gzip
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from orchestrator.adapters.temporal.handing import HandingOver
from orchestrator.adapters.temporal.workflow import SagaWorkflow
from orchestrator.service.records import Snapshot

FOLDER = Path(__file__).parent / "histories"
STORED = sorted(FOLDER.glob("*/*.json.gz"))
LIBRARIES = SandboxRestrictions.default.with_passthrough_modules("pydantic", "pydantic_core", "typing_extensions")


def history(file):
    return WorkflowHistory.from_json(file.name, gzip.decompress(file.read_bytes()).decode())


def test_every_kind_of_outcome_is_stored() -> None:
    assert {file.name.partition(".")[0] for file in STORED} >= {"completed", "refused", "undone", "resent", "cancelled"}


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
