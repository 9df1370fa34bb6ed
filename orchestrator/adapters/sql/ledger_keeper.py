"""The reconciler's side of the ledger: open rows, marks, forgetting. Implements `LedgerKeeper`, and `Turns`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, or_, select, true, update

from orchestrator.adapters.sql import ledger_rows as rows
from orchestrator.adapters.sql.databases import insert_of
from orchestrator.adapters.sql.inbox import outages
from orchestrator.adapters.sql.ledger import STALE, STALE_UNTIL, read_mark
from orchestrator.adapters.sql.ledger_reader import RECONCILED
from orchestrator.adapters.sql.ledger_tables import executions, journal, marks, messages, plans, steps
from orchestrator.saga.plan import Plan
from orchestrator.service.records import IN_FLIGHT, milliseconds

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncEngine

    from orchestrator.service.records import OpenRow, Status

COMPARED = ("execution_id", "workflow_id", "run_id", "run_ms", "history", "revision", "changed_ms", "ended_ms")
ASKED_AT_ONCE = 200


class SqlLedgerKeeper:
    """Keeps the ledger true and small. `engine` is one that `databases.open_engine` made."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._insert: Any = insert_of(engine.dialect)

    async def open_rows(self, *, after: str = "", limit: int = 500) -> Sequence[OpenRow]:
        """Whatever is not confirmed, in order of ids."""
        wanted = select(*(executions.c[name] for name in COMPARED)).where(
            ~executions.c.confirmed, executions.c.execution_id > after
        )
        with outages():
            async with self._engine.connect() as connection:
                found = (
                    (await connection.execute(wanted.order_by(executions.c.execution_id).limit(limit))).mappings().all()
                )
        return [rows.open_row(one) for one in found]

    async def confirmed_among(self, runs: Collection[str]) -> set[str]:
        """Those whose end is confirmed."""
        return await self._among(runs, executions.c.confirmed)

    async def known_among(self, runs: Collection[str]) -> set[str]:
        """Those that a row shows."""
        return await self._among(runs, true())

    async def _among(self, runs: Collection[str], condition: ColumnElement[bool]) -> set[str]:
        asked, found = sorted(runs), set[str]()
        with outages():
            async with self._engine.connect() as connection:
                for start in range(0, len(asked), ASKED_AT_ONCE):
                    some = executions.c.run_id.in_(asked[start : start + ASKED_AT_ONCE])
                    known = select(executions.c.run_id).where(condition, some)
                    found.update((await connection.execute(known)).scalars())
        return found

    async def plan(self, content_hash: str) -> Plan | None:
        """A plan by its hash."""
        with outages():
            async with self._engine.connect() as connection:
                wanted = select(plans.c.plan).where(plans.c.content_hash == content_hash)
                found = (await connection.execute(wanted)).scalar()
        return None if found is None else Plan.model_validate_json(found)

    async def mark(self, name: str) -> int:
        """A number under a name."""
        return await read_mark(self._engine, name)

    async def claim(self, name: str, *, now: datetime, until: datetime) -> bool:
        """Put `until` under the name, if what is there is past."""
        statement = self._insert(marks).values(name=name, value=milliseconds(until))
        mine = statement.on_conflict_do_update(
            index_elements=["name"],
            set_={"value": statement.excluded.value},
            where=marks.c.value <= milliseconds(now),
        ).returning(marks.c.name)
        with outages():
            async with self._engine.begin() as connection:
                return (await connection.execute(mine)).scalar() is not None

    async def extend(self, name: str, *, held: datetime, until: datetime) -> bool:
        """Put `until` in the place of `held`, if that is there."""
        mine = update(marks).where(*_held(name, held)).values(value=milliseconds(until))
        with outages():
            async with self._engine.begin() as connection:
                return (await connection.execute(mine)).rowcount == 1

    async def release(self, name: str, *, held: datetime) -> None:
        """Remove it, if `held` is there."""
        with outages():
            async with self._engine.begin() as connection:
                await connection.execute(delete(marks).where(*_held(name, held)))

    async def set_mark(self, name: str, value: int) -> None:
        """Keep a number under a name."""
        statement = self._insert(marks).values(name=name, value=value)
        kept = statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value})
        with outages():
            async with self._engine.begin() as connection:
                await connection.execute(kept)

    async def reconciled(self, began: datetime) -> None:
        """Note it, and take back a staleness of which all is older than the pass."""
        last = marks.alias()
        until = select(last.c.value).where(last.c.name == STALE_UNTIL).scalar_subquery()
        newest = func.coalesce(until, marks.c.value)
        is_past = (marks.c.name == STALE, marks.c.value < milliseconds(began), newest < milliseconds(began))
        with outages():
            async with self._engine.begin() as connection:
                await connection.execute(update(marks).where(*is_past).values(value=0))
        await self.set_mark(RECONCILED, milliseconds(began))

    async def forget(
        self, statuses: Sequence[Status], *, ended_before: datetime, now: datetime, limit: int = 500
    ) -> int:
        """Remove old executions; one transaction for at most `limit` of them."""
        allowed = [status for status in statuses if status not in IN_FLIGHT]
        before = milliseconds(ended_before)
        old = (
            select(executions.c.execution_id)
            .where(
                executions.c.status.in_(allowed),
                executions.c.confirmed,
                executions.c.ended_ms < before,
                # One that was terminated while it needed a person still does.
                executions.c.undo != "stuck",
                executions.c.forward != "parked",
                # The window is asked of the row, not of the caller: it was set when the execution ended.
                or_(executions.c.window_ms.is_(None), executions.c.window_ms < milliseconds(now)),
            )
            .limit(limit)
        )
        with outages():
            async with self._engine.begin() as connection:
                gone = list((await connection.execute(old)).scalars())
                for table in (steps, journal, messages, executions):
                    await connection.execute(delete(table).where(table.c.execution_id.in_(gone)))
        return len(gone)


def _held(name: str, held: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return marks.c.name == name, marks.c.value == milliseconds(held)
