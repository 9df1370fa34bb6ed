"""What counts in the ledger must say, in memory and on every database."""

from base64 import b64encode
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.adapters.sql.databases import reading_from
from orchestrator.adapters.sql.figures import SqlFigures
from orchestrator.sealing import Seal
from orchestrator.service.figures import Failing, Latency, Span
from tests.figures_kit import MemoryFigures
from tests.ledger_kit import (
    ABORTED,
    CANARY,
    COMPENSATED,
    COMPLETED,
    RUNNING,
    STUCK,
    T0,
    ledger_bench,
    message,
    snapshot,
)
from tests.service_kit import FakeLedger
from tests.sql_kit import fresh_database, sqlite_url

KINDS = ("memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.servers))
SEAL = Seal.of(f"k1:{b64encode(bytes(32)).decode()}")
SPAN = Span(start_ms=T0, width_ms=1_000, buckets=5)


@pytest.fixture(params=KINDS)
async def ledger(request, tmp_path):
    """A function that writes, and one that counts."""
    if request.param == "memory":
        fake = FakeLedger()
        yield fake.write, MemoryFigures(fake).figures
    elif request.param == "sqlite":
        async with on_sql(sqlite_url(tmp_path)) as made:
            yield made
    else:
        async with fresh_database(request.getfixturevalue("postgres")) as url, on_sql(url) as made:
            yield made


@asynccontextmanager
async def on_sql(url):
    async with ledger_bench(url, SEAL) as bench, reading_from(url) as engine:
        yield bench.writer.write, SqlFigures(engine, SEAL).figures


def ended(key, signals, *, at, took=500, saga="shop", run=1):
    times = {"started_ms": T0 + at - took, "changed_ms": T0 + at, "ended_ms": T0 + at}
    return snapshot(key, signals, saga=saga, run=run, confirmed=True, **times)


async def test_what_started_and_ended_is_counted_where_it_did(ledger) -> None:
    write, figures = ledger
    await write(
        [
            ended("1", COMPLETED, at=0, took=10, run=1),
            ended("2", COMPLETED, at=999, run=2),
            ended("3", COMPENSATED, at=1_000, run=3),
            ended("4", ABORTED, at=4_999, run=4),
            ended("5", COMPLETED, at=5_000, took=3_000, run=5),
            snapshot("6", RUNNING, started_ms=T0 + 3_000, run=6),
            snapshot("7", RUNNING, started_ms=T0 - 1, run=7),
        ]
    )
    found = await figures(SPAN)
    assert found.rates == {
        "started": (2, 0, 0, 1, 1),
        "completed": (2, 0, 0, 0, 0),
        "failed": (0, 1, 0, 0, 1),
        "undone": (0, 1, 0, 0, 0),
    }
    assert not found.is_capped


async def test_a_saga_that_one_may_not_see_does_not_count(ledger) -> None:
    write, figures = ledger
    await write([ended("1", COMPLETED, at=1, run=1), ended("1", COMPENSATED, at=2, saga="bank", run=2)])
    found = await figures(SPAN, frozenset({"bank"}))
    assert (sum(found.rates["completed"]), sum(found.rates["failed"])) == (0, 1)
    assert {one.saga for one in (*found.failing, *found.sagas)} == {"bank"}
    assert sum(map(sum, (await figures(SPAN, frozenset())).rates.values())) == 0


async def test_how_long_it_took_is_told_in_hundredths(ledger) -> None:
    write, figures = ledger
    await write([ended(str(n), COMPLETED, at=n, took=n * 10, run=n) for n in range(1, 101)])
    (shop,) = (await figures(SPAN)).sagas
    assert shop == Latency(saga="shop", number=100, p50_ms=500, p95_ms=950, p99_ms=990)


async def test_one_alone_is_all_its_hundredths(ledger) -> None:
    write, figures = ledger
    await write([ended("1", COMPLETED, at=7, took=7)])
    (shop,) = (await figures(SPAN)).sagas
    assert (shop.number, shop.p50_ms, shop.p95_ms, shop.p99_ms) == (1, 7, 7, 7)


async def test_a_step_took_from_its_command_to_its_reply(ledger) -> None:
    write, figures = ledger
    call: dict[str, Any] = {"step": "reserve", "call": "do", "attempt": 1}
    sent = message(1, kind="command", at_ms=T0 + 10, **call)
    reply = message(2, kind="reply", direction="in", at_ms=T0 + 40, **call)
    unanswered = message(3, kind="command", at_ms=T0 + 50, **{**call, "attempt": 2})
    await write([ended("1", COMPLETED, at=100)], [sent, reply, unanswered])
    assert (await figures(SPAN)).steps == (
        Latency(saga="shop", step="reserve", direction="do", number=1, p50_ms=30, p95_ms=30, p99_ms=30),
    )


async def test_failing_steps_are_counted_by_kind_of_error(ledger) -> None:
    write, figures = ledger
    await write(
        [
            ended("1", COMPENSATED, at=1, run=1),
            ended("2", COMPENSATED, at=3, run=2),
            ended("3", ABORTED, at=2, run=3),
            snapshot("4", STUCK, changed_ms=T0 + 4, run=4),
            ended("5", ABORTED, at=-1, run=5),
        ]
    )
    found = (await figures(SPAN)).failing
    first = found[0]
    assert replace(first, fingerprint="") == Failing(
        saga="shop", step="charge", fingerprint="", number=2, last_ms=T0 + 3, error=f"card {CANARY} declined"
    )
    assert sum(one.number for one in found) == 4, "one changed before"
