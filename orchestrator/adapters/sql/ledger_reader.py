"""Reads the ledger. Implements `service.ports.LedgerReader`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, tuple_

from orchestrator.adapters.sql import ledger_rows as rows
from orchestrator.adapters.sql.inbox import outages
from orchestrator.adapters.sql.ledger import STALE
from orchestrator.adapters.sql.ledger_queries import HEAD, LINE, WIDE, counts_of, page_of, width_of
from orchestrator.adapters.sql.ledger_tables import executions, journal, marks, messages, plans, steps
from orchestrator.saga.plan import Plan
from orchestrator.sealing import OPEN
from orchestrator.service.records import Count, Cursor, Detail, Freshness, Page, milliseconds, moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncEngine

    from orchestrator.sealing import Seal
    from orchestrator.service.journal import JournalEntry
    from orchestrator.service.letters import MessagePlace
    from orchestrator.service.records import Filter, MessageRecord
    from orchestrator.stored import Way

RECONCILED = "reconciled"
PLACE = (messages.c.at_ms, messages.c.message_id, messages.c.direction)


class SqlLedgerReader:
    """The ledger for those who look.

    Args:
        engine: one that `databases.open_reading_engine` made.
        seal: opens what the writer closed.
    """

    def __init__(self, engine: AsyncEngine, seal: Seal = OPEN) -> None:
        self._engine = engine
        self._seal = seal

    async def page(self, wanted: Filter, *, after: Cursor | None = None, limit: int = 50) -> Page:
        """One page; whether another one follows is known by one line more."""
        with outages():
            async with self._engine.connect() as connection:
                width = (await connection.execute(width_of(wanted.text))).scalar_one() if wanted.text else 0
                asked = page_of(wanted, after, limit + 1, is_wide=width > WIDE)
                found = (await connection.execute(asked)).mappings().all()
        lines = tuple(rows.execution_row(one, self._seal) for one in found[:limit])
        is_last = len(found) <= limit or not lines
        return Page(lines, None if is_last else Cursor(milliseconds(lines[-1].changed), lines[-1].execution_id))

    async def counts(self, wanted: Sequence[Filter], *, cap: int = 10_000) -> tuple[Count, ...]:
        """How many of each, by one statement."""
        with outages():
            async with self._engine.connect() as connection:
                numbers = (await connection.execute(counts_of(wanted, cap))).one()
        return tuple(Count(min(number, cap), number > cap) for number in numbers)

    async def find(self, execution_id: str) -> Detail | None:
        """Row, steps, plan and state, as they were at one moment."""
        its_steps = select(*(column for column in steps.c if column.name != "execution_id"))
        with outages():
            async with self._engine.connect() as connection, connection.begin():
                line = select(*LINE, executions.c.state).where(executions.c.execution_id == execution_id)
                found = (await connection.execute(line)).mappings().one_or_none()
                if found is None:
                    return None
                of_it = its_steps.where(steps.c.execution_id == execution_id).order_by(steps.c.begun, steps.c.step)
                made = (await connection.execute(of_it)).mappings().all()
                plan = (await connection.execute(_plan(found["plan"]))).scalar()
        return Detail(
            row=rows.execution_row(found, self._seal),
            steps=tuple(rows.step_row(one, self._seal) for one in made),
            plan=None if plan is None else Plan.model_validate_json(plan),
            state=rows.state_of(found["state"], self._seal),
        )

    async def journal(self, execution_id: str) -> tuple[JournalEntry, ...]:
        """All that it was told."""
        place = select(executions.c.run_ms, executions.c.revision).where(executions.c.execution_id == execution_id)
        with outages():
            async with self._engine.connect() as connection, connection.begin():
                until = (await connection.execute(place)).one_or_none()
                if until is None:
                    return ()
                found = (await connection.execute(select(journal).where(journal.c.execution_id == execution_id))).all()
        return rows.told(found, self._seal, until=(until.run_ms, until.revision))

    async def messages(
        self, execution_id: str, *, before: MessagePlace | None = None, limit: int = 200, bodies: bool = False
    ) -> tuple[MessageRecord, ...]:
        """The newest first; bodies only if asked for."""
        wanted = select(*(messages.c if bodies else HEAD)).where(messages.c.execution_id == execution_id)
        if before is not None:
            wanted = wanted.where(tuple_(*PLACE) < before)
        newest = (column.desc() for column in PLACE)
        with outages():
            async with self._engine.connect() as connection:
                found = (await connection.execute(wanted.order_by(*newest).limit(limit))).mappings().all()
        return tuple(rows.message_record(one, self._seal) for one in found)

    async def message(self, execution_id: str, message_id: str, direction: Way) -> MessageRecord | None:
        """One of them, by its key."""
        key = {"execution_id": execution_id, "message_id": message_id, "direction": direction}
        with outages():
            async with self._engine.connect() as connection:
                found = (await connection.execute(select(messages).filter_by(**key))).mappings().one_or_none()
        return None if found is None else rows.message_record(found, self._seal)

    async def freshness(self) -> Freshness:
        """What is known of gaps."""
        with outages():
            async with self._engine.connect() as connection:
                kept = {row.name: row.value for row in (await connection.execute(select(marks))).all()}
        stale, reconciled = kept.get(STALE, 0), kept.get(RECONCILED, 0)
        return Freshness(moment(stale) if stale else None, moment(reconciled) if reconciled else None)


def _plan(content_hash: str) -> Select[Any]:
    return select(plans.c.plan).where(plans.c.content_hash == content_hash)
