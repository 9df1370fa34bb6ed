"""Writes that share transactions: what comes while one is under way goes into the next one, all of it together.

A commit on a disk costs far more than a statement, and rows of the audit are written one after the other anyway.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from orchestrator.adapters.sql.audit_chain import Chain
from orchestrator.adapters.sql.inbox import outages
from orchestrator.errors import StoreUnavailableError
from orchestrator.sealing import OPEN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from orchestrator.sealing import Seal

Made = TypeVar("Made")
MOST = 100
"""So many writes share a transaction at most."""


class _Waiting(NamedTuple):
    write: Callable[[AsyncConnection, Chain], Awaitable[Any]]
    made: asyncio.Future[Any]


class SharedWrites:
    """Writes of one event loop to one database. `engine`: one that `databases.open_engine` made."""

    def __init__(self, engine: AsyncEngine, seal: Seal = OPEN) -> None:
        self._engine = engine
        self._seal = seal
        self._waiting: list[_Waiting] = []
        self._working: asyncio.Task[None] | None = None

    async def do(self, write: Callable[[AsyncConnection, Chain], Awaitable[Made]]) -> Made:
        """Do a write in a transaction of several, and return what it made once that is committed.

        Args:
            write: what it does there. It may be done again after a rollback, so it changes nothing but the database.
                The chain is locked, and takes what the audit is to say.

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
            _give_up(self._waiting)

    async def _do_some(self, some: Sequence[_Waiting]) -> None:
        work = asyncio.create_task(self._transaction([one.write for one in some]))
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:  # the loop ends
            work.cancel()
            await asyncio.wait([work])
            _give_up(some)
            raise
        error = work.exception()
        if error is None:
            for one, made in zip(some, work.result(), strict=True):
                one.made.set_result(made)
        elif len(some) == 1 or isinstance(error, StoreUnavailableError):
            for one in some:
                one.made.set_exception(error)
                one.made.exception()  # whoever has stopped does not ask for it
        else:
            for one in some:  # a fault of one must not be that of the others
                await self._do_some([one])

    async def _transaction(self, writes: Sequence[Callable[[AsyncConnection, Chain], Awaitable[Any]]]) -> list[Any]:
        with outages():
            async with self._engine.begin() as connection:
                chain = await Chain.locked(connection, self._seal)
                made = [await write(connection, chain) for write in writes]
                await chain.close(connection)
        return made


def _give_up(some: Sequence[_Waiting]) -> None:
    for one in some:
        one.made.cancel()
