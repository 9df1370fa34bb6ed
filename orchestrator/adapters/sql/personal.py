"""What people set for themselves, on SQL. Implements `service.personal.PersonalStore`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select

from orchestrator.adapters.sql.access_tables import preferences, views
from orchestrator.adapters.sql.databases import insert_of
from orchestrator.adapters.sql.inbox import outages
from orchestrator.sealing import OPEN
from orchestrator.service.personal import Preferences, View

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from orchestrator.sealing import Seal


class SqlPersonal:
    """Keeps them. `writing`, `reading`: engines that `databases` made. What a view asks for may name people: sealed."""

    def __init__(self, writing: AsyncEngine, reading: AsyncEngine, seal: Seal = OPEN) -> None:
        self._writing = writing
        self._reading = reading
        self._seal = seal
        self._insert: Any = insert_of(writing.dialect)

    async def preferences(self, actor: str) -> Preferences | None:
        """Of an actor."""
        with outages():
            async with self._reading.connect() as connection:
                row = (await connection.execute(select(preferences).where(preferences.c.actor == actor))).first()
        return None if row is None else Preferences(time_zone=row.time_zone, theme=row.theme)

    async def prefer(self, actor: str, wanted: Preferences) -> None:
        """In place of those before."""
        chosen = {"time_zone": wanted.time_zone, "theme": wanted.theme}
        made = self._insert(preferences).values(actor=actor, **chosen)
        with outages():
            async with self._writing.begin() as connection:
                await connection.execute(made.on_conflict_do_update(index_elements=["actor"], set_=chosen))

    async def views(self, actor: str) -> tuple[View, ...]:
        """By name."""
        wanted = select(views).where(views.c.actor == actor).order_by(views.c.name)
        with outages():
            async with self._reading.connect() as connection:
                rows = (await connection.execute(wanted)).all()
        return tuple(View(row.name, self._seal.open(row.query).decode()) for row in rows)

    async def keep_view(self, actor: str, view: View, *, most: int) -> bool:
        """One more, or another in place of one. Two that come at once may both be let in: one above the limit."""
        sealed = {"query": self._seal.close(view.query.encode())}
        made = self._insert(views).values(actor=actor, name=view.name, **sealed)
        others = select(func.count()).where(views.c.actor == actor, views.c.name != view.name)
        with outages():
            async with self._writing.begin() as connection:
                if (await connection.execute(others)).scalar_one() >= most:
                    return False
                await connection.execute(made.on_conflict_do_update(index_elements=["actor", "name"], set_=sealed))
                return True

    async def forget_view(self, actor: str, name: str) -> None:
        """If it is there."""
        with outages():
            async with self._writing.begin() as connection:
                await connection.execute(delete(views).where(views.c.actor == actor, views.c.name == name))
