"""The ledger on SQL: writes snapshots, newest wins. Implements `service.ports.LedgerWriter`."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, or_, select, tuple_

from orchestrator.adapters.sql import ledger_rows as rows
from orchestrator.adapters.sql.databases import insert_of
from orchestrator.adapters.sql.inbox import outages
from orchestrator.adapters.sql.ledger_tables import executions, journal, marks, messages, plans, steps
from orchestrator.adapters.sql.migrating import check_version, migrate
from orchestrator.sealing import OPEN
from orchestrator.service.changes import Stood, changes_of
from orchestrator.service.records import milliseconds, place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from orchestrator.sealing import Seal
    from orchestrator.service.changes import Tell
    from orchestrator.service.records import MessageRecord, Snapshot

STALE, STALE_UNTIL = "stale-since", "stale-until"
STANDS = tuple(executions.c[field.name] for field in fields(Stood))


class SqlLedger:
    """Writes into the ledger.

    Args:
        engine: one that `databases.open_engine` made.
        seal: closes what may hold payloads.
        tell: gets what a write changed, once it is durable; unless given, that is not found out.
    """

    def __init__(self, engine: AsyncEngine, seal: Seal = OPEN, *, tell: Tell | None = None) -> None:
        self._engine = engine
        self._seal = seal
        self._tell = tell
        self._known_plans: set[str] = set()
        self._is_ready = False
        self._statements = _Statements(insert_of(engine.dialect))

    async def prepare(self) -> None:
        """Make the tables on SQLite; see that they are there on PostgreSQL, where a person migrates.

        Raises:
            LedgerOutdatedError: they are not, or of another version.
            StoreUnavailableError: the database is away.
        """
        if self._is_ready:
            return
        if self._engine.dialect.name == "sqlite":
            await migrate(self._engine)
        else:
            await check_version(self._engine)
        self._is_ready = True

    async def write(self, snapshots: Sequence[Snapshot], messages: Sequence[MessageRecord] = ()) -> int:
        """Store all of it in one transaction."""
        if not (snapshots or messages):
            return 0
        await self.prepare()
        newest = newest_of(snapshots)
        with outages():
            async with self._engine.begin() as connection:
                await self._write_plans(connection, newest)
                stood = await self._stood(connection, newest)
                newer = await self._write_executions(connection, newest)
                await self._write_steps(connection, [one for one in newest if one.execution_id in newer])
                await self._write_journal(connection, [one for one in snapshots if one.journal])
                await self._write_messages(connection, messages)
        self._known_plans.update(one.plan_hash for one in snapshots)
        if self._tell is not None and snapshots:
            self._tell(list(changes_of(newest, snapshots, stood, newer)))
        return len(newer)

    async def mark_stale(self, since: datetime, until: datetime) -> None:
        """Remember the earliest time and the latest; only the reconciler takes them back."""
        first = {"name": STALE, "value": milliseconds(since)}
        last = {"name": STALE_UNTIL, "value": milliseconds(until)}
        with outages():
            async with self._engine.begin() as connection:
                await connection.execute(self._statements.stale, first)
                await connection.execute(self._statements.stale_until, last)

    async def _write_plans(self, connection: AsyncConnection, snapshots: Sequence[Snapshot]) -> None:
        new = {one.plan_hash: one.plan for one in snapshots if one.plan_hash not in self._known_plans}
        if not new:
            return
        values = [
            {"content_hash": name, "saga": plan.saga, "version": plan.version, "plan": plan.model_dump_json().encode()}
            for name, plan in sorted(new.items())
        ]
        await connection.execute(self._statements.plans, values)

    async def _stood(self, connection: AsyncConnection, snapshots: Sequence[Snapshot]) -> dict[str, Stood]:
        """Where those stand that are known; nobody else writes them until this transaction ends."""
        if self._tell is None or not snapshots:
            return {}
        wanted = executions.c.execution_id.in_([one.execution_id for one in snapshots])
        asked = select(executions.c.execution_id, *STANDS).where(wanted)
        found = await connection.execute(asked.order_by(executions.c.execution_id).with_for_update())
        return {execution_id: Stood(*stands) for execution_id, *stands in found}

    async def _write_executions(self, connection: AsyncConnection, snapshots: Sequence[Snapshot]) -> set[str]:
        """Those that were newer than their rows."""
        if not snapshots:
            return set()
        values = rows.by_key([rows.execution_values(one, self._seal) for one in snapshots])
        return set((await connection.execute(self._statements.executions, values)).scalars())

    async def _write_steps(self, connection: AsyncConnection, snapshots: Sequence[Snapshot]) -> None:
        values = rows.by_key([row for one in snapshots for row in rows.step_values(one, self._seal)])
        if values:
            await connection.execute(self._statements.steps, values)

    async def _write_journal(self, connection: AsyncConnection, snapshots: Sequence[Snapshot]) -> None:
        values = rows.by_key([rows.journal_values(one, self._seal) for one in snapshots])
        if values:
            await connection.execute(self._statements.journal, values)

    async def _write_messages(self, connection: AsyncConnection, given: Sequence[MessageRecord]) -> None:
        """A message that is repeated keeps the row of its first copy."""
        if given:
            values = rows.by_key([rows.message_values(one, self._seal) for one in given])
            await connection.execute(self._statements.messages, values)


class _Statements:
    """What is written, made once: making a statement costs as much as carrying it out."""

    def __init__(self, insert: Any) -> None:
        self.plans = insert(plans).on_conflict_do_nothing()
        replacing = _replacing(insert, executions, where=_is_newer, otherwise=_first_of)
        self.executions = replacing.returning(executions.c.execution_id)
        self.steps = _replacing(insert, steps)
        self.journal = _replacing(insert, journal)
        self.messages = insert(messages).on_conflict_do_nothing()
        self.stale = _replacing(insert, marks, where=_is_earlier)
        self.stale_until = _replacing(insert, marks, where=lambda new: marks.c.value < new.value)


def _replacing(
    insert: Any,
    table: Table,
    where: Callable[[Any], ColumnElement[bool]] | None = None,
    otherwise: Callable[[Any], Mapping[str, Any]] = lambda _: {},
) -> Any:
    """A row in the place of the one with its key, if it may take that place; some columns get something else."""
    statement, names = insert(table), [column.name for column in table.primary_key]
    new = statement.excluded
    changed = {column.name: new[column.name] for column in table.c if column.name not in names}
    may = None if where is None else where(new)
    return statement.on_conflict_do_update(index_elements=names, set_={**changed, **otherwise(new)}, where=may)


def _first_of(new: Any) -> Mapping[str, Any]:
    """What the first run of an execution decides: when it began, and until when it may be undone by hand."""
    old, is_own = executions.c, new.workflow_id == new.execution_id
    window = case((is_own, new.window_ms), else_=func.coalesce(old.window_ms, new.window_ms))
    return {"started_ms": old.started_ms, "window_ms": window}


def newest_of(snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """The newest of each execution: one statement can touch a row once only."""
    newest: dict[str, Snapshot] = {}
    for one in snapshots:
        before = newest.get(one.execution_id)
        if before is None or place(before) <= place(one):
            newest[one.execution_id] = one
    return list(newest.values())


def _is_newer(new: Any) -> ColumnElement[bool]:
    """Whether the row that is offered may take the place of the one that is there (express.md, 15)."""
    old = executions.c
    same_run = new.run_id == old.run_id
    later = tuple_(new.history, new.revision) >= tuple_(old.history, old.revision)
    # `confirmed` is final for its run; a linked undo run of the same execution begins later.
    return or_(
        and_(~same_run, new.run_ms >= old.run_ms),
        and_(same_run, ~old.confirmed, or_(new.confirmed, later)),
    )


def _is_earlier(new: Any) -> ColumnElement[bool]:
    return or_(marks.c.value == 0, marks.c.value > new.value)


async def read_mark(engine: AsyncEngine, name: str) -> int:
    """A number kept under a name; 0 if there is none."""
    with outages():
        async with engine.connect() as connection:
            found = (await connection.execute(select(marks.c.value).where(marks.c.name == name))).scalar()
    return found or 0
