"""Switches on SQL. Implements `service.switches.Switches`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from orchestrator.adapters.sql.inbox import outages
from orchestrator.adapters.sql.register_tables import switches
from orchestrator.sealing import OPEN
from orchestrator.service.switches import Switch

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from orchestrator.sealing import Seal
    from orchestrator.service.switches import Kind


class SqlSwitches:
    """Keeps switches. `engine`: one that `databases.open_engine` made, or a reading one for `all` alone."""

    def __init__(self, engine: AsyncEngine, seal: Seal = OPEN) -> None:
        self._engine = engine
        self._seal = seal
        dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
        self._insert: Any = dialect.insert

    async def all(self) -> tuple[Switch, ...]:
        """By kind and name."""
        wanted = select(switches).order_by(switches.c.kind, switches.c.name)
        with outages():
            async with self._engine.connect() as connection:
                rows = (await connection.execute(wanted)).all()
        return tuple(
            Switch(
                kind=row.kind,
                name=row.name,
                actor=row.actor,
                reason=self._seal.open(row.reason).decode(),
                at_ms=row.at_ms,
            )
            for row in rows
        )

    async def set(self, switch: Switch) -> bool:
        """Hold it, unless it is held."""
        values = {"kind": switch.kind, "name": switch.name, "actor": switch.actor, "at_ms": switch.at_ms}
        sealed = {"reason": self._seal.close(switch.reason.encode())}
        statement = self._insert(switches).values({**values, **sealed}).on_conflict_do_nothing()
        with outages():
            async with self._engine.begin() as connection:
                return bool((await connection.execute(statement)).rowcount == 1)

    async def clear(self, kind: Kind, name: str) -> bool:
        """Let it go on, if it is held."""
        one = (switches.c.kind == kind, switches.c.name == name)
        with outages():
            async with self._engine.begin() as connection:
                return (await connection.execute(delete(switches).where(*one))).rowcount == 1
