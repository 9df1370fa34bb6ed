"""What the reconciler mends on the real servers."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from pydantic import SecretStr
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest

from orchestrator.adapters.temporal.given import STATUS_QUERY
from orchestrator.service import reconciling
from tests.ledger_kit import reading, status
from tests.shop_kit import ALL, shop
from workers.reconciler import open_reconciling

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
NEVER = timedelta(days=9)


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch):
    monkeypatch.setattr(reconciling, "GRACE", timedelta(0))


@asynccontextmanager
async def passes(place, **changes):
    settings = place.corner.settings.model_copy(update=changes)
    async with open_reconciling(settings, place.running.client) as made, reading(settings) as ledger:
        yield made, ledger


async def until(made, ledger, execution, wanted, *, confirmed=False):
    """Passes until the ledger says so: Temporal's list is a moment late."""
    async with asyncio.timeout(25):
        while True:
            await made.go_through(deep=True)
            found = await ledger.find(execution)
            if found is not None and found.row.status == wanted and found.row.confirmed >= confirmed:
                return found
            await asyncio.sleep(0.1)


async def waiting_for_payment(place, order):
    execution = await place.place(order)
    while await place.corner.depth(place.corner.names.command_queue("payments")) == 0:
        await asyncio.sleep(0.05)
    return execution


async def test_an_end_is_confirmed_when_temporal_has_recorded_it(tmp_path) -> None:
    async with shop(tmp_path, *ALL, reconcile_every=NEVER) as place, passes(place) as (made, ledger):
        execution = await place.place(place.order())
        await place.result(execution)
        await status(ledger, execution, "completed")  # written by the worker, with the journal
        found = await until(made, ledger, execution, "completed", confirmed=True)
        assert found.row.window_ends > found.row.ended
        assert len(await ledger.journal(execution)) == found.row.revision


async def test_an_empty_ledger_is_rebuilt_from_temporal(tmp_path) -> None:
    async with shop(tmp_path, "inventory", reconcile_every=NEVER) as place:
        waiting = await waiting_for_payment(place, place.order(1))
        async with place.serving("payments", "shipping"):
            ended = [waiting, await place.place(place.order(2)), await place.place(place.order(3, "payment-declined"))]
            results = [await place.result(one) for one in ended]
        open_one = await waiting_for_payment(place, place.order(4))
        fresh = SecretStr(f"sqlite:///{tmp_path / 'fresh.db'}")
        async with passes(place, ledger_url=fresh) as (made, ledger):
            for execution, result in zip(ended, results, strict=True):
                wanted = result["word"].lower()
                shown = await until(made, ledger, execution, wanted, confirmed=True)
                assert (shown.row.correlation_id, shown.state) == (execution, result["state"])
                journal = await ledger.journal(execution)
                assert [entry.revision for entry in journal] == [*range(1, shown.row.revision + 1)]
                assert journal[0].kind == "Started"
            found = await until(made, ledger, open_one, "running")
            assert found.row.current_step == "charge_payment"
            assert found.plan is not None


async def test_an_execution_that_was_terminated_is_found(tmp_path) -> None:
    async with shop(tmp_path, "inventory", reconcile_every=NEVER) as place, passes(place) as (made, ledger):
        execution = await waiting_for_payment(place, place.order())
        while (await status(ledger, execution, "running")).row.current_step != "charge_payment":
            await asyncio.sleep(0.05)
        handle = place.running.client.get_workflow_handle(execution)
        await handle.query(STATUS_QUERY)  # answered when the workflow task in hand is recorded
        await handle.terminate("by hand")
        found = await until(made, ledger, execution, "terminated", confirmed=True)
        assert (found.row.gone, found.row.undo) == ("terminated", "none")
        assert {step.step: step.outcome for step in found.steps}["reserve_stock"] == "ok"
        assert found.row.window_ends is not None


async def test_an_execution_that_was_deleted_keeps_what_the_ledger_knew(tmp_path) -> None:
    async with shop(tmp_path, "inventory", reconcile_every=NEVER) as place, passes(place) as (made, ledger):
        execution = await waiting_for_payment(place, place.order())
        known = await status(ledger, execution, "running")
        client = place.running.client
        await client.workflow_service.delete_workflow_execution(
            DeleteWorkflowExecutionRequest(
                namespace=client.namespace, workflow_execution=WorkflowExecution(workflow_id=execution)
            )
        )
        found = await until(made, ledger, execution, "terminated", confirmed=True)
        assert found.row.gone in ("deleted", "terminated")  # deleting ends it first; a pass may come between
        assert found.row.revision >= known.row.revision


async def test_a_change_that_never_reached_the_ledger_is_fetched(tmp_path, monkeypatch) -> None:
    async with shop(tmp_path, "inventory", reconcile_every=NEVER) as place, passes(place) as (made, ledger):
        execution = await place.place(place.order())
        await status(ledger, execution, "running")
        monkeypatch.setattr(place.running.buffer, "_write_some", lost)
        while await place.corner.depth(place.corner.names.command_queue("payments")) == 0:
            await asyncio.sleep(0.05)
        command = place.running.executions.cancel(execution, actor="tester", reason="twice")
        await command
        async with asyncio.timeout(25):
            while (found := await ledger.find(execution)) is None or found.row.abort_reason != "cancel":
                await made.go_through(deep=True)
                await asyncio.sleep(0.1)


async def lost() -> bool:
    return False


async def test_what_is_old_is_forgotten_and_what_can_be_undone_is_not(tmp_path) -> None:
    async with (
        shop(tmp_path, *ALL, reconcile_every=NEVER) as place,
        passes(place, ledger_keep=timedelta(milliseconds=1)) as (made, ledger),
    ):
        execution = await place.place(place.order())
        await place.result(execution)
        await until(made, ledger, execution, "completed", confirmed=True)
        await made.go_through(deep=True)
        assert await ledger.find(execution) is not None
