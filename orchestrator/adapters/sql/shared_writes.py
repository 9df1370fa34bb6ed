"""Writes that share transactions: what comes while one is under way goes into the next one, all of it together.

A commit on a disk costs far more than a statement, and rows of the audit are written one after the other anyway.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from orchestrator.adapters.sql.audit_chain import Chain
from orchestrator.adapters.sql.inbox import outages
from orchestrator.errors import StoreUnavailableError
from orchestrator.sealing import OPEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from orchestrator.sealing import Seal

Made = TypeVar("Made")
Made_co = TypeVar("Made_co", covariant=True)
MOST = 100
"""So many writes share a transaction at most."""


class Write(Protocol[Made_co]):
    """A write. It may be done again after a rollback, so it changes nothing but the database."""

    async def __call__(self, connection: AsyncConnection, chain: Chain) -> Made_co:
        """Do it in a transaction of others; `chain` is locked, and takes what the audit is to say."""
        ...


class _Waiting(NamedTuple):
    write: Write[Any]
    made: asyncio.Future[Any]


class SharedWrites:
    """Writes of one event loop to one database. `engine`: one that `databases.open_engine` made."""

    def __init__(self, engine: AsyncEngine, seal: Seal = OPEN) -> None:
        self._engine = engine
        self._seal = seal
        self._waiting: list[_Waiting] = []
        self._working: asyncio.Task[None] | None = None

    async def do(self, write: Write[Made]) -> Made:
        """Do a write and return what it made, once it is committed.

        Raises:
            StoreUnavailableError: the database is away; whether it was done is not known.
        """
        made: asyncio.Future[Made] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(write, made)
        self._waiting.append(waiting)
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        try:
            return await asyncio.shield(made)
        except asyncio.CancelledError:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            elif not made.done():
                await asyncio.wait([made])  # who stops leaves no transaction behind
            raise

    async def _work(self) -> None:
        try:
            while self._waiting:
                some, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._do_some(some)
        finally:
            self._working = None

    async def _do_some(self, some: Sequence[_Waiting]) -> None:
        try:
            made = await self._transaction([one.write for one in some])
        except StoreUnavailableError as error:
            for one in some:
                _refuse(one, error)
        except Exception as error:
            if len(some) == 1:
                _refuse(some[0], error)
                return
            for one in some:  # a fault of one must not be that of the others
                await self._do_some([one])
        else:
            for one, its in zip(some, made, strict=True):
                one.made.set_result(its)

    async def _transaction(self, writes: Sequence[Write[Any]]) -> list[Any]:
        with outages():
            async with self._engine.begin() as connection:
                chain = await Chain.locked(connection, self._seal)
                made = [await write(connection, chain) for write in writes]
                await chain.close(connection)
        return made


def _refuse(one: _Waiting, error: Exception) -> None:
    one.made.set_exception(error)
    one.made.exception()  # whoever stopped does not ask for it
