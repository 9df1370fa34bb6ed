"""What the kit needs of a store: one transaction for inbox row, business writes and outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import timedelta

    from orchestrator.messages import Envelope
    from orchestrator.participant.inbox import Row

Kind = TypeVar("Kind")


class Transaction(Protocol):
    """One transaction: everything in it is stored, or nothing is."""

    async def claim(self, forward_key: str) -> Row | None:
        """The row of this key; from now on nobody else sees or makes it until the transaction ends.

        A key that is claimed and not saved leaves no row.
        """
        ...

    async def save(self, row: Row) -> None:
        """Store the row of a claimed key."""
        ...

    async def enqueue(self, event: Envelope) -> int:
        """Store an event to be published (outbox); its number, which is never used again."""
        ...

    def get(self, kind: type[Kind]) -> Kind:
        """What the store offers for business writes in this very transaction, as an SQLAlchemy connection.

        Raises:
            LookupError: it offers nothing of this type.
        """
        ...


class Store(Protocol):
    """Where a participant keeps its state.

    Every method raises `StoreUnavailableError` when the store cannot be used now: then nobody knows whether the
    transaction was kept, and the command is handled again.
    """

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction: committed at the end, rolled back by an exception."""
        ...

    async def unsent(self, limit: int) -> Sequence[tuple[int, Envelope]]:
        """Outbox rows that were not published yet, oldest first, with their numbers."""
        ...

    async def mark_sent(self, numbers: Sequence[int]) -> None:
        """These outbox rows were confirmed by the broker."""
        ...

    async def forget_older_than(self, age: timedelta) -> int:
        """Remove inbox rows that have not changed for `age`; returns how many.

        Call it only with an age longer than all of these together, or call it never: what the longest saga may take,
        the age at which parked messages are discarded, and the sagas' longest compensation window. An undo whose row
        was forgotten finds nothing to undo.
        """
        ...
