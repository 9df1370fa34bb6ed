"""Work at once: its results, its first error, and that nothing of it goes on behind its end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from orchestrator.together import together


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
