"""Open pages of a real console process: how soon a change is on them, and what fifty of them cost it under load."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx

from benchmarks.console.tabs import Tab, browser
from benchmarks.ledger.reading import percentile
from benchmarks.ledger.samples import NOW_MS
from benchmarks.ledger.writing import changes
from benchmarks.processes import Process
from benchmarks.servers import PROJECT, note
from deploy.local.ports import LOOPBACK, choose_ports
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.ledger import SqlLedger
from orchestrator.service.buffering import LedgerBuffer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from pathlib import Path

    from orchestrator.service.records import Snapshot

ROUNDS, CHANGES_SEEN = 3, 20
BROWSERS, TABS_EACH = 5, 10
SAGAS_A_SECOND, WARM_UP_S, SECONDS = 25, 15.0, 20.0
"""The load behind fifty pages: each saga changes twice. Pages have reached their slowest pace before it counts."""
OPENED = ("/", "/executions", "/executions?view=all", "/executions?view=all&status=running")
"""Half of the tabs; the others are on one execution each."""


class Load:
    """Sagas that change, as a worker hands them to its ledger."""

    def __init__(self, buffer: LedgerBuffer) -> None:
        self._buffer = buffer
        self._began = time.monotonic()
        self._run = int(time.time())
        self._number = 0

    def saga(self) -> tuple[Snapshot, Snapshot]:
        """One more saga: as it stands after its first change, and after its second."""
        self._number += 1
        first, second = changes(self._run, self._number)
        return first, second

    def give(self, snapshot: Snapshot) -> None:
        """It changes now: behind everything that the ledger was filled with."""
        at_ms = NOW_MS + 1_000 + int((time.monotonic() - self._began) * 1_000)
        self._buffer.give(replace(snapshot, changed_ms=at_ms))

    async def play(self) -> None:
        """Sagas at an even pace, until cancelled; each changes again half a second later."""
        later: list[tuple[float, Snapshot]] = []
        while True:
            first, second = self.saga()
            self.give(first)
            later.append((time.monotonic() + 0.5, second))
            while later[0][0] <= time.monotonic():
                self.give(later.pop(0)[1])
            await asyncio.sleep(1 / SAGAS_A_SECOND)


@asynccontextmanager
async def loading(url: str) -> AsyncGenerator[Load]:
    """A way into the ledger."""
    engine = open_engine(url)
    try:
        ledger = SqlLedger(engine)
        await ledger.prepare()
        async with LedgerBuffer(ledger, limit=5_000) as buffer:
            yield Load(buffer)
    finally:
        await engine.dispose()


@asynccontextmanager
async def console_process(url: str, variables: Mapping[str, str], folder: Path) -> AsyncGenerator[tuple[Process, str]]:
    """A console as `saga console` starts it, and its address."""
    port = choose_ports(["console"], before={})["console"]
    own = {"SAGA_LEDGER_URL": url, "SAGA_CONSOLE_PORT": str(port), "SAGA_TRACES": "off"}
    with (folder / "console.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "workers", "console", cwd=PROJECT, env={**os.environ, **variables, **own}, stderr=log
        )
        try:
            address = f"http://{LOOPBACK}:{port}"
            await _answers(process, address, folder)
            yield Process(process.pid), address
        finally:
            process.terminate()
            await process.wait()


async def _answers(process: asyncio.subprocess.Process, address: str, folder: Path) -> None:
    async with httpx.AsyncClient(base_url=address) as client:
        while process.returncode is None:
            try:
                (await client.get("/healthz")).raise_for_status()
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
            else:
                return
    raise RuntimeError(f"the console ended: {(folder / 'console.log').read_text()[-500:]}")


async def lateness(load: Load, client: httpx.AsyncClient) -> float:
    """Seconds from a change until the open page of its execution shows it, 95 of 100 times."""
    took = list[float]()
    for _ in range(CHANGES_SEEN):
        first, second = load.saga()
        load.give(first)
        tab = await _opened(client, first)
        async with browser(client, [tab]):
            began = time.monotonic()
            load.give(second)
            await tab.shows(f"revision {second.position.revision}")
            took.append(time.monotonic() - began)
    return percentile(took)


async def _opened(client: httpx.AsyncClient, snapshot: Snapshot) -> Tab:
    """A tab on an execution, once the ledger has it."""
    path = f"/executions/{snapshot.execution_id}"
    while (await client.get(path)).status_code == HTTPStatus.NOT_FOUND:  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(0.05)
    return Tab(client, path, snapshot.execution_id)


async def busyness(load: Load, client: httpx.AsyncClient, process: Process) -> float:
    """What share of a core the console takes for fifty open pages while sagas change, percent."""
    async with AsyncExitStack() as stack:
        tabs = list[Tab]()
        for _ in range(BROWSERS):
            its = [Tab(client, OPENED[number % len(OPENED)]) for number in range(TABS_EACH // 2)]
            for _ in range(TABS_EACH - len(its)):
                first, _ = load.saga()
                load.give(first)
                its.append(await _opened(client, first))
            await stack.enter_async_context(browser(client, its))
            tabs += its
        playing = asyncio.create_task(load.play())
        await asyncio.sleep(WARM_UP_S)
        looks, spent, began = sum(tab.looks for tab in tabs), process.cpu_ms(), time.monotonic()
        await asyncio.sleep(SECONDS)
        spent, seconds = process.cpu_ms() - spent, time.monotonic() - began
        note.print(f"{(sum(tab.looks for tab in tabs) - looks) / seconds:.1f} looks a second")
        playing.cancel()
        with suppress(asyncio.CancelledError):
            await playing
    return spent / seconds / 10


async def measure(url: str, variables: Mapping[str, str], folder: Path) -> dict[str, list[float]]:
    """Figures of each round."""
    found: dict[str, list[float]] = {"change_shown_s": [], "fifty_pages_percent": []}
    async with (
        loading(url) as load,
        console_process(url, variables, folder) as (process, address),
        httpx.AsyncClient(base_url=address, timeout=30, limits=httpx.Limits(max_connections=200)) as client,
    ):
        await lateness(load, client)  # to warm up
        for number in range(ROUNDS):
            found["change_shown_s"].append(await lateness(load, client))
            found["fifty_pages_percent"].append(await busyness(load, client, process))
            note.print(f"round {number + 1}: {', '.join(f'{name} {value[-1]:.2f}' for name, value in found.items())}")
    return found
