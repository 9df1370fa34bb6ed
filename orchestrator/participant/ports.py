"""What the kit needs of a store: one transaction for inbox row, business writes and outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from orchestrator.messages import Envelope
    from orchestrator.participant.inbox import Row

Kind = TypeVar("Kind")


class Transaction(Protocol):
    """One transaction: everything in it is stored, or nothing is."""

    async def claim(self, forward_key: str) -> Row | None:
        """The row of this key; from now on nobody else sees or makes it until the transaction ends."""
        ...

    async def save(self, row: Row) -> None:
        """Store the row."""
        ...

    async def enqueue(self, event: Envelope) -> None:
        """Store an event to be published (outbox)."""
        ...

    def get(self, kind: type[Kind]) -> Kind:
        """What the store offers for business writes in this very transaction, as an SQLAlchemy connection.

        Raises:
            LookupError: it offers nothing of this type.
        """
        ...


class Store(Protocol):
    """Where a participant keeps its state."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction: committed at the end, rolled back by an exception."""
        ...

    async def unsent(self, limit: int) -> Sequence[tuple[int, Envelope]]:
        """Outbox rows that were not published yet, oldest first, with their numbers."""
        ...

    async def mark_sent(self, numbers: Sequence[int]) -> None:
        """These outbox rows were confirmed by the broker."""
        ...
