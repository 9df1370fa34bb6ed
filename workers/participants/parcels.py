"""Label printer and packing bench of the saga's own actions, with the same books and the same inbox as participants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

from orchestrator.errors import Rejected
from orchestrator.participant.inbox import Row
from workers.participants.books import Effect, enter

if TYPE_CHECKING:
    from orchestrator.adapters.sql.inbox import SqlStore


class BookedWork:
    """Work with an effect that is made once per key, and unmade once, however often it is asked for."""

    def __init__(self, store: SqlStore, what: str) -> None:
        self._store = store
        self._what = what

    async def do(self, order_id: str, key: str) -> str:
        """Make the effect, or find it made.

        Raises:
            Rejected: its undo came first.
        """
        made = f"{self._what}-{order_id}"
        async with self._store.transaction() as transaction:
            row = await transaction.claim(key)
            if row is not None and row.state == "undone":
                raise Rejected(f"the {self._what} of {order_id} was undone before", code="undone")
            if row is None:
                await enter(transaction.get(AsyncConnection), Effect(order_id, self._what, key, "do", 1))
                await transaction.save(Row(forward_key=key, state="done"))
        return made

    async def undo(self, order_id: str, forward_key: str) -> None:
        """Unmake it if it was made; from now on it is not made any more."""
        async with self._store.transaction() as transaction:
            row = await transaction.claim(forward_key)
            if row is not None and row.state == "done":
                await enter(transaction.get(AsyncConnection), Effect(order_id, self._what, forward_key, "undo", 1))
            await transaction.save(Row(forward_key=forward_key, state="undone"))


class BookedPrinter(BookedWork):
    """The demo's label printer."""

    async def print(self, order_id: str, key: str) -> str:
        """Print an order's label; its id."""
        return await self.do(order_id, key)

    async def void(self, order_id: str, forward_key: str) -> None:
        """Void what was printed."""
        await self.undo(order_id, forward_key)


class BookedBench(BookedWork):
    """The demo's packing bench."""

    async def pack(self, order_id: str, key: str) -> str:
        """Pack an order's parcel; its id."""
        return await self.do(order_id, key)

    async def unpack(self, order_id: str, forward_key: str) -> None:
        """Unpack what was packed."""
        await self.undo(order_id, forward_key)
