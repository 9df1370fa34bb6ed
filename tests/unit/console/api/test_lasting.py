"""Work that goes on to its end though whoever asked for it leaves."""

import asyncio
import gc

import pytest

from orchestrator.console.api.lasting import all_have_ended, outlasting


async def left(work):
    """Ask for it, and leave: cancelled twice, as a server does."""
    asker = asyncio.create_task(outlasting(work))
    await asyncio.sleep(0)
    for _ in "ab":
        asker.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await asker


async def test_what_was_begun_ends_though_its_asker_is_cancelled_again_and_again() -> None:
    may_end, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await may_end.wait()
        ended.set()

    await left(work())
    may_end.set()
    async with asyncio.timeout(5):
        await ended.wait()


async def test_who_takes_the_ledger_away_waits_for_what_is_under_way() -> None:
    ended = False

    async def work() -> None:
        nonlocal ended
        await asyncio.sleep(0.01)
        ended = True

    await left(work())
    await all_have_ended()
    assert ended
    await all_have_ended()


async def test_what_fails_for_nobody_is_not_complained_about() -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, said: complaints.append(said))
    failed = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(0.01)
            raise ValueError("nobody hears it")
        finally:
            failed.set()

    await left(work())
    await failed.wait()
    await asyncio.sleep(0)
    gc.collect()
    assert complaints == []


async def test_who_stays_gets_the_result_or_the_error() -> None:
    async def seven() -> int:
        return 7

    async def fails() -> int:
        raise ValueError("no")

    assert await outlasting(seven()) == 7
    with pytest.raises(ValueError, match="no"):
        await outlasting(fails())
