"""API tokens on SQL. Implements `service.tokens.Tokens`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from sqlalchemy import insert, or_, select, update

from orchestrator.adapters.sql.access_tables import tokens
from orchestrator.adapters.sql.databases import take_turn
from orchestrator.adapters.sql.inbox import outages
from orchestrator.service.access import Caller
from orchestrator.service.tokens import Token

if TYPE_CHECKING:
    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncEngine

_callers: TypeAdapter[Caller] = TypeAdapter(Caller)
AS_IT_IS = tuple(column.name for column in tokens.c if column.name != "caller")


class SqlTokens:
    """Keeps tokens. `engine`: one that `databases.open_engine` made."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, token: Token) -> bool:
        """Store a new one, unless its name is taken; those of the same moment come one after the other."""
        values = {name: getattr(token, name) for name in AS_IT_IS}
        lasts = or_(tokens.c.expires_ms.is_(None), tokens.c.expires_ms > token.made_ms)
        namesakes = select(tokens.c.id).where(tokens.c.name == token.name, tokens.c.revoked_ms.is_(None), lasts)
        with outages():
            async with self._engine.begin() as connection:
                await take_turn(connection, "tokens")
                if (await connection.execute(namesakes.limit(1))).first() is not None:
                    return False
                await connection.execute(insert(tokens).values({**values, "caller": _callers.dump_json(token.caller)}))
                return True

    async def by_digest(self, digest: str) -> Token | None:
        """By digest."""
        return next(iter(await self._read(select(tokens).where(tokens.c.digest == digest))), None)

    async def find(self, token_id: str) -> Token | None:
        """By id."""
        return next(iter(await self._read(select(tokens).where(tokens.c.id == token_id))), None)

    async def all(self, *, after: str = "", limit: int = 200) -> tuple[Token, ...]:
        """By id."""
        return await self._read(select(tokens).where(tokens.c.id > after).order_by(tokens.c.id).limit(limit))

    async def revoke(self, token_id: str, *, at_ms: int, by: str) -> bool:
        """Revoke it, if that was not done."""
        statement = update(tokens).where(tokens.c.id == token_id, tokens.c.revoked_ms.is_(None))
        with outages():
            async with self._engine.begin() as connection:
                done = await connection.execute(statement.values(revoked_ms=at_ms, revoked_by=by))
                return done.rowcount == 1

    async def _read(self, wanted: Select[Any]) -> tuple[Token, ...]:
        with outages():
            async with self._engine.connect() as connection:
                return tuple(_token(row) for row in (await connection.execute(wanted)).all())


def _token(row: Row[Any]) -> Token:
    values = {name: getattr(row, name) for name in AS_IT_IS}
    return Token(**values, caller=_callers.validate_json(row.caller))
