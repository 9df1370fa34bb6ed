"""The only worker is killed with 20 sagas under way: how long after the next one's start all have ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from benchmarks.further.counting import Count, placed, saga_of, stage_of
from benchmarks.rows.ours import trigger_of
from orchestrator.adapters.temporal.connecting import connect
from orchestrator.adapters.temporal.gateway import TemporalExecutions
from orchestrator.adapters.temporal.worker import saga_worker
from orchestrator.settings import load_settings
from workers.stopping import leave, stop_on_signals

if TYPE_CHECKING:
    from asyncio.subprocess import Process as Child
    from collections.abc import Mapping

    from benchmarks.processes import Watched
    from benchmarks.rows.opened import Place

SAGAS = 20
STEPS = 5
PAUSE_S = 0.2
KILLED_AFTER_S = 0.6
READY = b"ready\n"


async def measure(place: Place, servers: Mapping[str, Watched]) -> dict[str, Any]:  # noqa: ARG001 - one shape for all
    """Seconds from the new worker's start until the last saga ended, for brief and for durable steps."""
    return {lane: await _kill_and_recover(place, lane) for lane in ("brief", "durable")}


async def _kill_and_recover(place: Place, lane: str) -> dict[str, Any]:
    settings = place.settings.model_copy(update={"task_queue": f"{place.run}-{lane}"})
    client = await connect(settings)
    executions, saga = TemporalExecutions(client, settings), saga_of(STEPS, brief=lane == "brief")
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder) / "effects"
        first = await _worker(settings.task_queue, lane, book)
        ids: list[str] = []
        for number in range(SAGAS):
            order = placed(f"{place.run}-{lane}", number)
            ids.append(saga.plan.execution_id(order.order_id))
            await executions.start(saga.plan, ids[-1], *trigger_of(order))
        await asyncio.sleep(KILLED_AFTER_S)
        before = len(book.read_text().splitlines())
        os.kill(first.pid, signal.SIGKILL)
        await first.wait()
        began = time.monotonic()
        second = await _worker(settings.task_queue, lane, book)
        await asyncio.gather(*(client.get_workflow_handle(name).result() for name in ids))
        seconds = time.monotonic() - began
        second.terminate()
        await second.wait()
        lines = book.read_text().splitlines()
    missing = SAGAS * STEPS - len(set(lines))
    return {
        "seconds": seconds,
        "effects_before_kill": before,
        "repeated_calls": len(lines) - len(set(lines)),
        "faults": [f"{missing} effects are missing"] if missing else [],
    }


async def _worker(queue: str, lane: str, book: Path) -> Child:
    arguments = ["-m", "benchmarks.further.recovery", queue, lane, str(book)]
    child = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    line = await child.stdout.readline() if child.stdout else b""
    if line != READY:
        raise RuntimeError(f"the worker said {line!r} instead of {READY!r}")
    return child


async def work(queue: str, lane: str, book: str) -> None:
    """A worker that notes every call of a step in a file, until it is told to stop."""
    settings = load_settings().model_copy(update={"task_queue": queue, "traces": "off"})
    client, stop = await connect(settings), stop_on_signals()
    lines = os.open(book, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    counted = Count(pause=PAUSE_S, note=lambda key: _append(lines, key))
    async with saga_worker(client, stage_of([saga_of(STEPS, brief=lane == "brief")], counted), settings):
        sys.stdout.write(READY.decode())
        sys.stdout.flush()
        await stop.wait()


def _append(file: int, line: str) -> None:
    os.write(file, f"{line}\n".encode())


if __name__ == "__main__":
    uvloop.run(work(*sys.argv[1:]))
    leave(0)
