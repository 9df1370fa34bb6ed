"""The rows of projections. Implements `service.projecting.ReadModels`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json
from sqlalchemy import delete, insert, select

from orchestrator.adapters.sql.event_tables import read_models
from orchestrator.adapters.sql.inbox import outages
from orchestrator.sealing import OPEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.ext.asyncio import AsyncEngine

    from orchestrator.sealing import Seal


class SqlReadModels:
    """Read models, for those who rebuild and read them.

    Args:
        engine: one that `databases.open_engine` made.
        seal: closes the rows.
    """

    def __init__(self, engine: AsyncEngine, seal: Seal = OPEN) -> None:
        self._engine = engine
        self._seal = seal

    async def replace(self, projection: str, rows: Mapping[str, Any]) -> None:
        """All rows, in one transaction."""
        values = [
            {"projection": projection, "name": name, "document": self._seal.close(to_json(document))}
            for name, document in sorted(rows.items())
        ]
        with outages():
            async with self._engine.begin() as connection:
                await connection.execute(delete(read_models).where(read_models.c.projection == projection))
                if values:
                    await connection.execute(insert(read_models), values)

    async def rows(self, projection: str) -> Mapping[str, Any]:
        """By key."""
        c = read_models.c
        asked = select(c.name, c.document).where(c.projection == projection).order_by(c.name)
        with outages():
            async with self._engine.connect() as connection:
                found = (await connection.execute(asked)).all()
        return {row.name: from_json(self._seal.open(row.document)) for row in found}
