"""Whose turn it is to compare the ledger with Temporal, and when a pass asks after every open row."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.ledger import SqlLedger
from orchestrator.adapters.sql.ledger_keeper import SqlLedgerKeeper
from orchestrator.adapters.sql.migrating import migrate
from orchestrator.service.reconciling import PassCounts
from orchestrator.settings import Settings
from tests.sql_kit import sqlite_url
from workers.reconciler import DEEP_TURN, STALE_TURN, TURN, Reconciling

SETTINGS = Settings.model_validate({"reconcile_deep_every": timedelta(hours=1)})


class Passes:
    """Notes which passes were deep. A deep one takes back what is stale, as the reconciler does, if it `repairs`."""

    def __init__(self, keeper: SqlLedgerKeeper) -> None:
        self.keeper = keeper
        self.deep: list[bool] = []
        self.repairs = True

    async def go_through(self, now: Any, *, deep: bool) -> PassCounts:
        self.deep.append(deep)
        if deep and self.repairs:
            await self.keeper.reconciled(now())
        return PassCounts()


@pytest.fixture
async def made(tmp_path):
    engine = open_engine(sqlite_url(tmp_path))
    await migrate(engine)
    keeper = SqlLedgerKeeper(engine)
    passes: Any = Passes(keeper)
    yield Reconciling(passes, SqlLedger(engine), keeper, SETTINGS), passes
    await engine.dispose()


async def turns(made, *over) -> list[bool]:
    """Of the next turn, whether it was deep; the times of `over` have passed since the turn before."""
    reconciling, passes = made
    for name in (TURN, *over):
        await passes.keeper.set_mark(name, 0)
    passes.deep.clear()
    await reconciling.take_turn()
    return list(passes.deep)


async def stale(made) -> None:
    ago = datetime.now(UTC) - timedelta(seconds=5)
    await made[0]._ledger.mark_stale(ago, ago)


async def test_the_first_pass_is_deep_and_the_next_one_when_its_time_has_come(made) -> None:
    assert await turns(made) == [True]
    assert await turns(made) == [False]
    assert await turns(made, DEEP_TURN) == [True]


async def test_what_the_ledger_misses_brings_the_next_deep_pass_forward_once(made) -> None:
    await turns(made)
    await stale(made)
    assert await turns(made) == [True]
    assert await turns(made, STALE_TURN) == [False], "nothing is missed any more"


async def test_a_gap_that_stays_does_not_make_every_pass_a_deep_one(made) -> None:
    made[1].repairs = False
    await turns(made)
    await stale(made)
    assert await turns(made) == [True]
    assert await turns(made) == [False]
    assert await turns(made, STALE_TURN) == [True]


async def test_there_is_no_turn_within_the_pause(made) -> None:
    assert await turns(made) == [True]
    assert await made[0].take_turn() is None
