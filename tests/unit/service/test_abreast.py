"""Work side by side: bounded, and the first error lets what is under way end."""

import asyncio

import pytest

from orchestrator.service.abreast import Abreast


async def test_no_more_than_the_limit_are_under_way_and_all_end() -> None:
    now, most, done = 0, 0, 0

    async def work():
        nonlocal now, most, done
        now, most = now + 1, max(most, now + 1)
        await asyncio.sleep(0.001)
        now, done = now - 1, done + 1

    async with Abreast(3) as under_way:
        for _ in range(20):
            await under_way.begin(work())
    assert (most, done) == (3, 20)


async def test_an_error_stops_what_was_not_begun_and_what_is_under_way_ends() -> None:
    ended = []

    async def work(number):
        await asyncio.sleep(0.001 * number)
        if number == 1:
            raise ValueError("one")
        ended.append(number)

    begun = 0
    with pytest.raises(ValueError, match="one"):
        async with Abreast(3) as under_way:
            for number in range(1, 20):
                await under_way.begin(work(number))
                begun = number
    assert ended == [2, 3]
    assert begun == 2


async def test_leaving_it_early_stops_what_is_under_way() -> None:
    stopped = []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(1)

    with pytest.raises(RuntimeError):
        async with Abreast(3) as under_way:
            await under_way.begin(work())
            await asyncio.sleep(0)
            raise RuntimeError("left")
    assert stopped == [1]
