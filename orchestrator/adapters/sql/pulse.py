"""Whether anything has happened beside executions, by a few sums. Implements `service.feed.Pulse`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from orchestrator.adapters.sql.inbox import outages
from orchestrator.adapters.sql.parked_tables import parked_actions, parked_groups
from orchestrator.adapters.sql.register_tables import audit_head, bulk_items, bulks, operations

if TYPE_CHECKING:
    from sqlalchemy import Executable
    from sqlalchemy.ext.asyncio import AsyncEngine

    from orchestrator.service.feed import Topic

_g, _a = parked_groups.c, parked_actions.c
UNDER_WAY = ("accepted", "applied")
RUNNING = select(bulks.c.id).where(bulks.c.state == "running")
_BY_STATE = select(operations.c.state, func.count()).where(operations.c.state.in_(UNDER_WAY))
SUMS: dict[Topic, tuple[Executable, ...]] = {
    # An arrival raises a total, a decision changes what waits, an edit is one more action.
    "parked": (
        select(func.sum(_g.total), func.sum(_g.waiting), func.max(_g.last_ms)),
        select(func.count(), func.sum(_a.done), func.sum(_a.failed), func.max(_a.at_ms)),
    ),
    # Whatever people do is audited; what becomes of it moves it out of those that are under way.
    "operations": (select(audit_head.c.number), _BY_STATE.group_by(operations.c.state).order_by(operations.c.state)),
    "bulks": (
        select(bulks.c.state, func.count()).group_by(bulks.c.state).order_by(bulks.c.state),
        select(func.count()).where(bulk_items.c.bulk.in_(RUNNING), bulk_items.c.state == "waiting"),
    ),
}
"""What is another once something has happened, by topic."""


class SqlPulse:
    """Feels it. `engine`: a reading one."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def marks(self) -> dict[Topic, str]:
        """All sums, as they are at one moment."""
        found: dict[Topic, str] = {}
        with outages():
            async with self._engine.connect() as connection, connection.begin():
                for topic, sums in SUMS.items():
                    rows = [(await connection.execute(one)).all() for one in sums]
                    found[topic] = repr([tuple(map(str, row)) for several in rows for row in several])
        return found
