"""How long lists and details take, beside a floor: the same rows by primary key."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from itertools import combinations
from random import Random
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from benchmarks.ledger.samples import NOW_MS, YEAR_MS
from orchestrator.adapters.sql.databases import open_reading_engine
from orchestrator.adapters.sql.ledger_queries import LINE
from orchestrator.adapters.sql.ledger_reader import SqlLedgerReader
from orchestrator.adapters.sql.ledger_tables import executions
from orchestrator.service.records import IN_FLIGHT, Filter, moment

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from sqlalchemy.ext.asyncio import AsyncEngine

PAGE = 50
EACH = 20
"""So often each list is asked for in a round, each time for other values."""
DETAILS = 200
P = 0.95


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to ask for a list: which fields a filter has. `values` draws them."""

    name: str
    values: Callable[[Random, dict[str, Any]], dict[str, Any]]


def _one(field: str, column: str = "") -> Kind:
    return Kind(field, lambda _, row: {field: row[column or field]})


def _when(dice: Random) -> Any:
    return moment(NOW_MS - int(YEAR_MS * dice.random()))


ALONE = (
    Kind("status", lambda _, row: {"statuses": (row["status"],)}),
    Kind("in flight", lambda _, __: {"statuses": IN_FLIGHT}),
    _one("saga"),
    _one("version"),
    Kind("no such version", lambda _, __: {"version": 99}),
    _one("correlation_id"),
    _one("business_key"),
    _one("current_step"),
    _one("failed_step"),
    _one("fingerprint"),
    Kind("changed_after", lambda dice, _: {"changed_after": _when(dice)}),
    Kind("changed_before", lambda dice, _: {"changed_before": _when(dice)}),
    Kind("text", lambda _, row: {"text": row["business_key"][:6]}),
    Kind("a letter", lambda _, row: {"text": row["business_key"][:1]}),
)
"""Each field of a filter. What it asks for is drawn from rows that exist, rare ones and frequent ones alike."""
NOTHING = Kind("nothing", lambda _, __: {})


def _pair(one: Kind, other: Kind) -> Kind:
    return Kind(f"{one.name} and {other.name}", lambda dice, row: {**one.values(dice, row), **other.values(dice, row)})


KINDS = (NOTHING, *ALONE, *(_pair(*both) for both in combinations(ALONE, 2)))


class Shelf:
    """A filled ledger, and some rows of it to ask for: a few of each saga, version and status."""

    def __init__(self, engine: AsyncEngine, rows: list[dict[str, Any]]) -> None:
        self._engine = engine
        self._reader = SqlLedgerReader(engine)
        self._rows = rows
        self._filled = {name: [row[name] for row in rows if row[name] != ""] for name in rows[0]}

    async def close(self) -> None:
        """Close its connections."""
        await self._engine.dispose()

    async def lists(self, dice: Random) -> dict[str, list[float]]:
        """Milliseconds of each list, by kind of filter; half the pairs come from two rows, so few rows have both."""
        found: dict[str, list[float]] = {}
        for kind in KINDS:
            found[kind.name] = [await self._timed_list(wanted) for wanted in self._wanted(kind, dice)]
        return found

    def _wanted(self, kind: Kind, dice: Random) -> Iterator[Filter]:
        for number in range(EACH):
            rows = dice.sample(self._rows, 2)
            mixed = {name: rows[dice.randrange(2)][name] for name in rows[0]} if number % 2 else rows[0]
            # An empty field would ask for nothing, so it gets the value of some other row.
            whole = {name: value if value != "" else dice.choice(self._filled[name]) for name, value in mixed.items()}
            yield Filter(**kind.values(dice, whole))

    async def _timed_list(self, wanted: Filter) -> float:
        return await _timed(lambda: self._reader.page(wanted, limit=PAGE))

    async def floor(self, dice: Random) -> list[float]:
        """Milliseconds of fifty rows by their primary keys."""
        return [await _timed(lambda: self._by_key(dice)) for _ in range(EACH)]

    async def _by_key(self, dice: Random) -> None:
        names = [row["execution_id"] for row in dice.choices(self._rows, k=PAGE)]
        async with self._engine.connect() as connection:
            (await connection.execute(select(*LINE).where(executions.c.execution_id.in_(names)))).all()

    async def details(self, dice: Random) -> list[float]:
        """Milliseconds of an execution with steps, plan, journal and its newest messages."""
        return [await _timed(lambda: self._detail(dice.choice(self._rows)["execution_id"])) for _ in range(DETAILS)]

    async def _detail(self, execution_id: str) -> None:
        found = await self._reader.find(execution_id)
        if found is None or not found.steps or found.plan is None:
            raise AssertionError(execution_id)
        await self._reader.journal(execution_id)
        await self._reader.messages(execution_id)


async def open_shelf(url: str) -> Shelf:
    """Rows to ask for: up to three of each saga, version and status, so that rare ones are asked for as often."""
    engine = open_reading_engine(url)
    names = [field.name for field in fields(Filter) if field.name in executions.c] + ["status", "execution_id"]
    found: dict[Any, list[dict[str, Any]]] = {}
    async with engine.connect() as connection:
        for row in (await connection.execute(select(*(executions.c[name] for name in names)))).mappings():
            some = found.setdefault((row["saga"], row["version"], row["status"]), [])
            if len(some) < 3:  # noqa: PLR2004
                some.append(dict(row))
    return Shelf(engine, [row for some in found.values() for row in some])


def percentile(values: list[float], share: float = P) -> float:
    """The value that so many do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def _timed(ask: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await ask()
    return (time.perf_counter() - began) * 1000
