"""Turns: one at a time, renewed while the work goes on, lost by who stands still."""

import asyncio
from datetime import timedelta

import pytest

from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.ledger_keeper import SqlLedgerKeeper
from orchestrator.adapters.sql.migrating import migrate
from orchestrator.errors import StoreUnavailableError
from orchestrator.service import turns
from orchestrator.service.turns import LENGTH, in_turn
from tests.service_kit import ManualClock
from tests.sql_kit import sqlite_url


@pytest.fixture
async def keeper(tmp_path):
    engine = open_engine(sqlite_url(tmp_path))
    await migrate(engine)
    yield SqlLedgerKeeper(engine)
    await engine.dispose()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def quick(monkeypatch):
    """Turns are renewed every few milliseconds."""
    monkeypatch.setattr(turns, "LENGTH", timedelta(milliseconds=15))


async def nothing():
    pass


async def test_of_several_at_once_one_has_the_turn(keeper, clock) -> None:
    done = []

    async def work():
        await asyncio.sleep(0.05)
        done.append(1)

    assert sorted(await asyncio.gather(*(in_turn(keeper, clock, "a", work) for _ in range(4)))) == [False] * 3 + [True]
    assert done == [1]


async def test_it_is_given_back_at_the_end_and_after_an_error(keeper, clock) -> None:
    async def broken():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await in_turn(keeper, clock, "a", broken)
    assert await in_turn(keeper, clock, "a", nothing)
    assert await keeper.mark("a") == 0


async def test_a_killed_process_loses_it_by_time(keeper, clock) -> None:
    assert await keeper.claim("a", now=clock.now(), until=clock.now() + LENGTH)
    assert not await in_turn(keeper, clock, "a", nothing)
    clock.moment += LENGTH
    assert await in_turn(keeper, clock, "a", nothing)


async def test_it_is_renewed_while_the_work_goes_on(keeper, clock, quick) -> None:
    async def work():
        first = await keeper.mark("a")
        while await keeper.mark("a") == first:
            clock.moment += timedelta(milliseconds=1)
            await asyncio.sleep(0.002)

    assert await in_turn(keeper, clock, "a", work)


async def test_who_stood_still_for_too_long_stops_when_another_has_the_turn(keeper, clock, quick) -> None:
    stopped = []

    async def work():
        clock.moment += LENGTH
        assert await keeper.claim("a", now=clock.now(), until=clock.now() + LENGTH)
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(1)

    assert not await in_turn(keeper, clock, "a", work)
    assert stopped == [1]
    assert await keeper.mark("a"), "the other one still has it"


async def test_when_turns_cannot_be_kept_the_work_is_stopped(keeper, clock, quick, monkeypatch) -> None:
    async def gone(*_, **__):
        raise StoreUnavailableError("gone")

    monkeypatch.setattr(keeper, "extend", gone)
    monkeypatch.setattr(keeper, "release", gone)
    with pytest.raises(StoreUnavailableError):
        await in_turn(keeper, clock, "a", asyncio.Event().wait)
