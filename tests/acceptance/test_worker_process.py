"""A saga worker as its operator sees it: `saga worker`, its health, and SIGTERM."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from orchestrator.adapters.sql.migrating import migrate_at
from orchestrator.adapters.temporal.connecting import connect
from orchestrator.service import metrics
from orchestrator.service.records import Filter
from sagas import SAGAS
from tests.ledger_kit import reading
from tests.metrics_kit import read
from tests.rabbitmq_kit import corner
from tests.shop_kit import ALL, shop
from tests.trace_kit import of_journal
from tests.worker_process_kit import worker_in_a_process

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
KINDS = ("", "payment-declined", "shipping-declined", "silent-inventory")


@asynccontextmanager
async def worker_process(_sagas, settings, _ports):
    """`saga worker` in a process of its own, once it says that it is ready."""
    async with worker_in_a_process(settings) as made:
        yield SimpleNamespace(client=await connect(settings), worker=made)


async def test_a_worker_says_how_it_is_and_ends_well_when_it_is_told_to(tmp_path) -> None:
    async with shop(tmp_path, *ALL, worker=worker_process) as place:
        running: Any = place.running
        assert await running.worker.health("/healthz") == (200, "ok")
        assert (await place.result(await place.place(place.order())))["word"] == "Completed"
        told = await running.worker.end()
        assert running.worker.process.returncode == 0, told.decode()
        assert b"saga worker is ready" in told
        assert b"Traceback" not in told
        assert await running.worker.health("/healthz") is None


async def test_what_a_worker_counts_is_what_the_journals_say(tmp_path) -> None:
    async with shop(tmp_path, *ALL, worker=worker_process) as place, reading(place.corner.settings) as ledger:
        running: Any = place.running
        executions = [await place.place(place.order(number, kind)) for number, kind in enumerate(KINDS)]
        for execution in executions:
            await place.result(execution)
            await written(ledger, execution)
        rows = (await ledger.page(Filter())).rows
        journals = [of_journal(await ledger.journal(row.execution_id)) for row in rows]
        text = await running.worker.metrics()
        while sum(read(text, metrics.RELAY_MESSAGES).values()) < read(text, metrics.RELAY_RECEIVED)[()]:
            text = await running.worker.metrics()  # it has one in hand
    assert read(text, metrics.EXECUTIONS_STARTED) == {("fulfil-order",): len(KINDS)}
    assert read(text, metrics.EXECUTIONS_ENDED) == Counter(("fulfil-order", row.status) for row in rows)
    assert read(text, metrics.ATTEMPTS) == Counter(
        ("fulfil-order", step, direction, outcome) for journal in journals for step, direction, _, outcome in journal
    )
    outcomes = read(text, metrics.RELAY_MESSAGES)
    assert outcomes["started",] == len(KINDS)
    assert read(text, metrics.RELAY_RECEIVED) == {(): sum(outcomes.values())}


TOLD_BY = {
    "reconciler": metrics.SPANS_DROPPED,
    "recorder": metrics.STORE_BACKLOG,
}


@pytest.mark.parametrize("command", TOLD_BY)
async def test_a_process_beside_the_workers_says_how_it_is_too(tmp_path, command) -> None:
    ledger = SecretStr(f"sqlite:///{tmp_path}/ledger.db")
    more = {"ledger_url": ledger, "traces": "file", "trace_folder": tmp_path / "traces"}
    async with corner([saga.plan for saga in SAGAS], **more) as place:
        await migrate_at(place.settings.ledger)
        async with worker_in_a_process(place.settings, command) as made:  # until /readyz says so
            assert await made.health("/healthz") == (200, "ok")
            assert read(await made.metrics(), TOLD_BY[command]) == {(): 0}
            assert b"is ready" in await made.end()
            assert await made.health("/healthz") is None


async def written(ledger, execution) -> None:
    """Wait until the ledger has its end."""
    while (found := await ledger.find(execution)) is None or found.row.ended is None:
        await asyncio.sleep(0.05)
