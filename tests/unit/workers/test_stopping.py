"""How a process ends: at once when its work is done, whatever tasks are left over."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from workers import stopping
from workers.stopping import run_to_the_end


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
