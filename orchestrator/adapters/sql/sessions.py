"""Sessions on SQL. Implements `service.sessions.Sessions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from sqlalchemy import delete, insert, select, update

from orchestrator.adapters.sql.access_tables import sessions
from orchestrator.adapters.sql.inbox import outages
from orchestrator.service.access import Caller
from orchestrator.service.sessions import Session

if TYPE_CHECKING:
    from sqlalchemy import Executable, Row
    from sqlalchemy.ext.asyncio import AsyncEngine

_callers: TypeAdapter[Caller] = TypeAdapter(Caller)
AS_IT_IS = tuple(column.name for column in sessions.c if column.name != "caller")


class SqlSessions:
    """Keeps sessions. `writing`, `reading`: engines that `databases` made."""

    def __init__(self, writing: AsyncEngine, reading: AsyncEngine) -> None:
        self._writing = writing
        self._reading = reading

    async def add(self, session: Session) -> None:
        """Store a new one."""
        values = {name: getattr(session, name) for name in AS_IT_IS}
        await self._do(insert(sessions).values({**values, "caller": _callers.dump_json(session.caller)}))

    async def by_digest(self, digest: str) -> Session | None:
        """By digest."""
        with outages():
            async with self._reading.connect() as connection:
                row = (await connection.execute(select(sessions).where(sessions.c.digest == digest))).first()
        return None if row is None else _session(row)

    async def of(self, source: str, account: str) -> tuple[Session, ...]:
        """All of an account."""
        wanted = select(sessions).where(sessions.c.source == source, sessions.c.account == account)
        with outages():
            async with self._reading.connect() as connection:
                return tuple(_session(row) for row in (await connection.execute(wanted)).all())

    async def touch(self, digest: str, *, seen_ms: int) -> None:
        """It was used."""
        await self._do(update(sessions).where(sessions.c.digest == digest).values(seen_ms=seen_ms))

    async def end(self, digest: str) -> None:
        """Forget it."""
        await self._do(delete(sessions).where(sessions.c.digest == digest))

    async def end_all(self, source: str, account: str) -> None:
        """Forget all of an account."""
        await self._do(delete(sessions).where(sessions.c.source == source, sessions.c.account == account))

    async def forget(self, *, ends_before_ms: int) -> None:
        """Forget those that are over."""
        await self._do(delete(sessions).where(sessions.c.ends_ms <= ends_before_ms))

    async def _do(self, statement: Executable) -> None:
        with outages():
            async with self._writing.begin() as connection:
                await connection.execute(statement)


def _session(row: Row[Any]) -> Session:
    values: dict[str, Any] = {column: getattr(row, column) for column in AS_IT_IS}
    return Session(**values, caller=_callers.validate_json(row.caller))
