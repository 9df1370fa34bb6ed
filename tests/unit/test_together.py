"""Work beside one: its results, its first error, and that nothing of it goes on behind its end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from orchestrator.together import stop, to_its_end, together


class Watched:
    """Pieces of work that take a while to stop, as those do that give a connection back."""

    def __init__(self) -> None:
        self.at_work = 0

    @asynccontextmanager
    async def counted(self) -> AsyncGenerator[None]:
        self.at_work += 1
        try:
            yield
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            self.at_work -= 1

    async def wait(self) -> None:
        async with self.counted():
            await asyncio.Event().wait()

    async def fail(self) -> None:
        async with self.counted():
            await asyncio.sleep(0)
            raise LookupError("gone")


async def test_results_come_in_the_order_of_the_work() -> None:
    async def later(number: int) -> int:
        for _ in range(3 - number):
            await asyncio.sleep(0)
        return number

    assert await together(later(number) for number in range(3)) == [0, 1, 2]
    assert await together(later(number) for number in range(0)) == []


async def test_the_first_error_is_raised_as_it_is_when_all_others_have_ended() -> None:
    watched = Watched()
    with pytest.raises(LookupError, match="gone"):
        await together([watched.wait(), watched.fail(), watched.wait()])
    assert watched.at_work == 0


@pytest.mark.parametrize("times", [1, 2])
async def test_who_is_cancelled_waits_for_the_end_of_all(times: int) -> None:
    watched = Watched()
    task = asyncio.create_task(together([watched.wait(), watched.wait()]))
    while watched.at_work < 2:
        await asyncio.sleep(0)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert watched.at_work == 0


@pytest.mark.parametrize("times", [0, 1, 2])
async def test_what_must_end_ends_and_who_was_cancelled_is_told_then(times: int) -> None:
    ended, steps = asyncio.Event(), 3

    async def close() -> str:
        for _ in range(steps):
            await asyncio.sleep(0)
        ended.set()
        return "closed"

    task = asyncio.create_task(to_its_end(close()))
    await asyncio.sleep(0)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    if times:
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        assert await task == "closed"
    assert ended.is_set()


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_what_fails_at_its_end_is_told(is_cancelled: bool) -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise LookupError("gone")

    task = asyncio.create_task(to_its_end(fail()))
    await asyncio.sleep(0)
    if is_cancelled:
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as told:
            await task
        assert isinstance(told.value.__cause__, LookupError)
    else:
        with pytest.raises(LookupError, match="gone"):
            await task


@pytest.mark.parametrize("times", [0, 1, 2])
async def test_who_stops_work_waits_for_its_end_and_cancels_it_once(times: int) -> None:
    watched, told = Watched(), list[int]()

    async def note() -> None:
        try:
            await watched.wait()
        finally:
            task = asyncio.current_task()
            assert task is not None
            told.append(task.cancelling())

    works = [asyncio.create_task(note()) for _ in range(2)]
    while watched.at_work < 2:
        await asyncio.sleep(0)
    stopping = asyncio.create_task(stop(*works))
    await asyncio.sleep(0)
    for _ in range(times):
        stopping.cancel()
        await asyncio.sleep(0)
    await asyncio.wait([stopping])
    assert (stopping.cancelled(), watched.at_work, told) == (times > 0, 0, [1, 1])


async def test_work_that_has_ended_is_stopped_whatever_it_ended_with() -> None:
    async def fail() -> None:
        raise LookupError("gone")

    failed, done = asyncio.create_task(fail()), asyncio.create_task(asyncio.sleep(0))
    await asyncio.wait([failed, done])
    await stop(failed, done)
    await stop()


async def test_who_has_not_heard_that_it_is_to_stop_is_told_again(monkeypatch) -> None:
    monkeypatch.setattr("orchestrator.together.PATIENCE_S", 0.01)
    queue, taken = asyncio.Queue[int](), list[int]()

    async def take() -> None:
        while True:
            taken.append(await asyncio.wait_for(queue.get(), 30))

    task = asyncio.create_task(take())
    for _ in range(3):
        await asyncio.sleep(0)
    queue.put_nowait(1)
    await asyncio.sleep(0)  # it is taken, and the one who waits for it has not been told yet
    async with asyncio.timeout(10):
        await stop(task)
    assert task.cancelled()


async def test_of_work_at_once_too_who_has_not_heard_it_is_told_again(monkeypatch) -> None:
    monkeypatch.setattr("orchestrator.together.PATIENCE_S", 0.01)
    queue = asyncio.Queue[int]()

    async def take() -> None:
        while True:
            await asyncio.wait_for(queue.get(), 30)

    task = asyncio.create_task(together([take(), asyncio.Event().wait()]))
    for _ in range(4):
        await asyncio.sleep(0)
    queue.put_nowait(1)
    await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(10):
        await asyncio.wait([task])
    assert task.cancelled()
