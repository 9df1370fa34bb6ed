"""How many wait in the ledger now, for metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from orchestrator.adapters.sql.inbox import outages
from orchestrator.adapters.sql.ledger_tables import executions
from orchestrator.adapters.sql.parked_tables import parked_groups
from orchestrator.service.records import IN_FLIGHT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Executable
    from sqlalchemy.ext.asyncio import AsyncEngine

    from orchestrator.service.meters import Reading


class SqlGauges:
    """Counts in the ledger. `engine`: one that `databases.open_reading_engine` made."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def open_executions(self) -> Sequence[Reading]:
        """Those that go on or wait, by saga and status. It costs what there are of them, whatever else is there."""
        by = (executions.c.saga, executions.c.status)
        return await self._read(select(func.count(), *by).where(executions.c.status.in_(IN_FLIGHT)).group_by(*by))

    async def parked_messages(self) -> Sequence[Reading]:
        """Those that wait for a person, by reason."""
        waiting = parked_groups.c.waiting
        by = select(func.sum(waiting), parked_groups.c.reason).where(waiting > 0)
        return await self._read(by.group_by(parked_groups.c.reason))

    async def _read(self, wanted: Executable) -> Sequence[Reading]:
        with outages():
            async with self._engine.connect() as connection:
                found = (await connection.execute(wanted)).all()
        return [(float(number), tuple(labels)) for number, *labels in found]
