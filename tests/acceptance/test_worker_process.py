"""A saga worker as its operator sees it: `saga worker`, its health, and SIGTERM."""

import asyncio
import os
import socket
import sys
from collections import Counter
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from orchestrator.adapters.temporal.connecting import connect
from orchestrator.service import metrics
from orchestrator.service.records import Filter
from tests.ledger_kit import reading
from tests.metrics_kit import read
from tests.shop_kit import ALL, shop
from tests.trace_kit import of_journal
from workers.demo_processes import environment_of

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
KINDS = ("", "payment-declined", "shipping-declined", "silent-inventory")
PROJECT = Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def worker_process(_sagas, settings, _ports):
    """`saga worker` in a process of its own, once it says that it is ready."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "workers",
        "worker",
        cwd=PROJECT,
        env={**os.environ, **environment_of(settings), "SAGA_HEALTH_PORT": str(port)},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
            running = SimpleNamespace(client=await connect(settings), process=process, http=http)
            while await health(running, "/readyz") != (200, "ready"):
                assert process.returncode is None, (await process.communicate())[1].decode()
                await asyncio.sleep(0.1)
            yield running
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def health(running, path):
    """Status and word of a health page; nothing while nobody listens."""
    try:
        async with running.http.get(path) as answer:
            return answer.status, (await answer.json())["status"]
    except aiohttp.ClientConnectionError:
        return None


async def test_a_worker_says_how_it_is_and_ends_well_when_it_is_told_to(tmp_path) -> None:
    async with shop(tmp_path, *ALL, worker=worker_process) as place:
        running: Any = place.running
        assert await health(running, "/healthz") == (200, "ok")
        assert (await place.result(await place.place(place.order())))["word"] == "Completed"
        running.process.terminate()
        _, told = await running.process.communicate()
        assert running.process.returncode == 0, told.decode()
        assert b"saga worker is ready" in told
        assert b"Traceback" not in told
        assert await health(running, "/healthz") is None


async def test_what_a_worker_counts_is_what_the_journals_say(tmp_path) -> None:
    async with shop(tmp_path, *ALL, worker=worker_process) as place, reading(place.corner.settings) as ledger:
        running: Any = place.running
        executions = [await place.place(place.order(number, kind)) for number, kind in enumerate(KINDS)]
        for execution in executions:
            await place.result(execution)
            await written(ledger, execution)
        rows = (await ledger.page(Filter())).rows
        journals = [of_journal(await ledger.journal(row.execution_id)) for row in rows]
        text = await metrics_of(running)
        while sum(read(text, metrics.RELAY_MESSAGES).values()) < read(text, metrics.RELAY_RECEIVED)[()]:
            text = await metrics_of(running)  # it has one in hand
    assert read(text, metrics.EXECUTIONS_STARTED) == {("fulfil-order",): len(KINDS)}
    assert read(text, metrics.EXECUTIONS_ENDED) == Counter(("fulfil-order", row.status) for row in rows)
    assert read(text, metrics.ATTEMPTS) == Counter(
        ("fulfil-order", step, direction, outcome) for journal in journals for step, direction, _, outcome in journal
    )
    outcomes = read(text, metrics.RELAY_MESSAGES)
    assert outcomes["started",] == len(KINDS)
    assert read(text, metrics.RELAY_RECEIVED) == {(): sum(outcomes.values())}


async def written(ledger, execution) -> None:
    """Wait until the ledger has its end."""
    while (found := await ledger.find(execution)) is None or found.row.ended is None:
        await asyncio.sleep(0.05)


async def metrics_of(running) -> str:
    async with running.http.get("/metrics") as answer:
        assert answer.status == 200
        return str(await answer.text())
