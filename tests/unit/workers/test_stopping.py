"""How a process ends: at once when its work is done, whatever tasks are left over."""

import asyncio
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

import pytest

from workers import stopping
from workers.stopping import LEFT_AT_ONCE, run_to_the_end

STUBBORN = """
import asyncio
from workers.stopping import stop_on_signals

async def work():
    stop = stop_on_signals()
    print("at work", flush=True)
    await stop.wait()
    print("asked to stop", flush=True)
    await asyncio.Event().wait()

asyncio.run(work())
"""


async def deaf(begun):
    begun.set()
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


def test_a_task_that_does_not_heed_its_cancellation_keeps_no_process_alive(monkeypatch, caplog) -> None:
    monkeypatch.setattr(stopping, "STRAYS_S", 0.01)
    loop = asyncio.new_event_loop()
    kept: list[Any] = []

    async def work() -> None:
        begun = asyncio.Event()
        kept.append(asyncio.create_task(deaf(begun), name="left over"))
        await begun.wait()

    run_to_the_end(work(), loop)
    assert loop.is_closed()
    assert "left over" in caplog.text
    kept[0]._log_destroy_pending = False  # its loop is gone for good


def test_tasks_that_are_left_over_are_cancelled_and_waited_for(caplog) -> None:
    ended = []

    async def cleaning_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    async def work() -> None:
        task = asyncio.create_task(cleaning_up())
        await asyncio.sleep(0)
        assert not task.done()

    run_to_the_end(work(), asyncio.new_event_loop())
    assert ended == [True]
    assert caplog.text == ""


def test_what_the_work_raises_is_raised() -> None:
    async def work() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        run_to_the_end(work(), asyncio.new_event_loop())


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_asks_and_the_second_one_leaves(second) -> None:
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        process.terminate()
        assert process.stdout.readline() == "asked to stop\n"
        assert process.poll() is None
        process.send_signal(second)
        assert process.wait() == LEFT_AT_ONCE
