"""Idempotency keys and their answers on SQL. Implements `service.once.Answers`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from sqlalchemy import and_, delete, insert, select, update

from orchestrator.adapters.sql.access_tables import answers
from orchestrator.adapters.sql.inbox import outages
from orchestrator.adapters.sql.register_tables import audit_head
from orchestrator.sealing import OPEN
from orchestrator.service.once import Answer, Taken

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from orchestrator.sealing import Seal

_answers: TypeAdapter[Answer] = TypeAdapter(Answer)


class SqlAnswers:
    """Keeps keys and answers. `engine`: one that `databases.open_engine` made; `seal` closes what answers say."""

    def __init__(self, engine: AsyncEngine, seal: Seal = OPEN) -> None:
        self._engine = engine
        self._seal = seal

    async def take(self, actor: str, key: str, taken: Taken, *, over_before_ms: int) -> Taken:
        """Take a key, one request after the other."""
        with outages():
            async with self._engine.begin() as connection:
                await connection.execute(select(audit_head).with_for_update())  # one after the other
                held = await self._held(connection, actor, key)
                if held is not None and not _gives_way(held, taken, over_before_ms):
                    return held
                await connection.execute(delete(answers).where(_of(actor, key)))
                values = {"request_hash": taken.request_hash, "holder": taken.holder, "at_ms": taken.at_ms}
                row = {"actor": actor, "given_key": key, "answer": b"", **values}
                await connection.execute(insert(answers).values(row))
        return taken

    async def keep(self, actor: str, key: str, holder: str, answer: Answer) -> None:
        """Keep the answer."""
        said = self._seal.close(_answers.dump_json(answer))
        with outages():
            async with self._engine.begin() as connection:
                statement = update(answers).where(_of(actor, key), answers.c.holder == holder)
                await connection.execute(statement.values(status=answer.status, answer=said))

    async def give_back(self, actor: str, key: str, holder: str) -> None:
        """Forget the key."""
        with outages():
            async with self._engine.begin() as connection:
                await connection.execute(delete(answers).where(_of(actor, key), answers.c.holder == holder))

    async def forget(self, *, before_ms: int, limit: int) -> int:
        """Remove old ones."""
        old = select(answers.c.actor, answers.c.given_key).where(answers.c.at_ms < before_ms).limit(limit)
        with outages():
            async with self._engine.begin() as connection:
                found = (await connection.execute(old)).all()
                for row in found:
                    await connection.execute(
                        delete(answers).where(_of(row.actor, row.given_key), answers.c.at_ms < before_ms)
                    )
        return len(found)

    async def _held(self, connection: AsyncConnection, actor: str, key: str) -> Taken | None:
        row = (await connection.execute(select(answers).where(_of(actor, key)))).first()
        return None if row is None else self._taken(row)

    def _taken(self, row: Row[Any]) -> Taken:
        said = None if row.status is None else _answers.validate_json(self._seal.open(row.answer))
        return Taken(request_hash=row.request_hash, holder=row.holder, at_ms=row.at_ms, answer=said)


def _gives_way(held: Taken, taken: Taken, over_before_ms: int) -> bool:
    return held.answer is None and held.request_hash == taken.request_hash and held.at_ms < over_before_ms


def _of(actor: str, key: str) -> ColumnElement[bool]:
    return and_(answers.c.actor == actor, answers.c.given_key == key)
