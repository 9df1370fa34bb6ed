"""What the ledger shows of orders on the real servers."""

import asyncio

import pytest

from orchestrator.service.records import Filter
from tests.ledger_kit import reading, status
from tests.shop_kit import ALL, shop

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]


async def test_the_ledger_shows_an_order_while_it_waits_and_when_it_has_ended(tmp_path) -> None:
    async with shop(tmp_path, "inventory") as place, reading(place.corner.settings) as ledger:
        execution = await place.place(place.order())
        waiting = await status(ledger, execution, "running")
        while waiting.row.current_step != "charge_payment":
            waiting = await status(ledger, execution, "running")
        assert waiting.row.correlation_id == execution
        async with place.serving("payments", "shipping"):
            result = await place.result(execution)
            found = await status(ledger, execution, "completed")
        assert {step.step: step.outcome for step in found.steps} == dict.fromkeys(result["steps"], "ok")
        assert found.state == result["state"]
        assert found.plan is not None
        assert found.plan.content_hash == found.row.plan


async def test_the_ledger_shows_why_an_order_was_undone_and_what_was_said(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place, reading(place.corner.settings) as ledger:
        execution = await place.place(place.order(simulate="payment-declined"))
        found = await status(ledger, execution, "compensated")
        assert (found.row.failed_step, found.row.abort_reason) == ("charge_payment", "step")
        journal = await ledger.journal(execution)
        assert [entry.revision for entry in journal] == list(range(1, found.row.revision + 1))
        assert ("Succeeded", "reserve_stock", "undo") in [(one.kind, one.step, one.direction) for one in journal]
        said = {(one.direction, one.kind, one.step, one.call) for one in await ledger.messages(execution)}
        assert {
            ("in", "event", "", ""),
            ("out", "command", "reserve_stock", "do"),
            ("in", "reply", "charge_payment", "do"),
            ("out", "command", "reserve_stock", "undo"),
        } <= said


async def test_a_stopped_worker_has_written_everything(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place:
        executions = [await place.place(place.order(number)) for number in range(5)]
        for execution in executions:
            await place.result(execution)
        counts = place.running.buffer.counts
    async with reading(place.corner.settings) as ledger:
        assert [row.status for row in (await ledger.page(Filter())).rows] == ["completed"] * 5
    assert counts.given == counts.replaced + counts.written
    assert counts.dropped == counts.refused == counts.messages_dropped == 0


async def test_an_execution_that_goes_on_in_a_new_run_is_one_row(tmp_path) -> None:
    async with (
        shop(tmp_path, "inventory", "payments", signals_per_run=1) as place,
        reading(place.corner.settings) as ledger,
    ):
        execution = await place.place(place.order())
        while await place.corner.depth(place.corner.names.command_queue("shipping")) == 0:
            await asyncio.sleep(0.05)
        first = (await status(ledger, execution, "running")).row
        handle = place.running.client.get_workflow_handle(execution)
        while (await handle.describe()).run_id == first.run_id:
            await asyncio.sleep(0.05)
        async with place.serving("shipping"):
            await place.result(execution)
            last = (await status(ledger, execution, "completed")).row
        assert last.run_id != first.run_id
        assert last.started == first.started
        revisions = [entry.revision for entry in await ledger.journal(execution)]
        assert revisions == list(range(1, last.revision + 1))
