"""A store in memory, for tests of participants: the same contract as the SQL one, gone with the process."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from orchestrator.messages import Envelope
    from orchestrator.participant.inbox import Row

Kind = TypeVar("Kind")


@dataclass(slots=True)
class _State:
    offers: tuple[Any, ...]
    rows: dict[str, tuple[Row, datetime]] = field(default_factory=dict[str, "tuple[Row, datetime]"])
    outbox: dict[int, Envelope] = field(default_factory=dict[int, "Envelope"])


class MemoryTransaction:
    """Works on a copy, which the store takes over at the end."""

    def __init__(self, store: MemoryStore, state: _State) -> None:
        self._store = store
        self._state = state

    async def claim(self, forward_key: str) -> Row | None:
        """The row of this key. The store lets one transaction in at a time, so nobody else can make it."""
        found = self._state.rows.get(forward_key)
        return found[0] if found else None

    async def save(self, row: Row) -> None:
        """Store the row."""
        self._state.rows[row.forward_key] = (row, datetime.now(UTC))

    async def enqueue(self, event: Envelope) -> int:
        """Store an event to be published; its number."""
        number = self._store.next_number()
        self._state.outbox[number] = event
        return number

    def get(self, kind: type[Kind]) -> Kind:
        """This transaction's copy of what the store was given.

        Raises:
            LookupError: it was given nothing of this type.
        """
        for offer in self._state.offers:
            if isinstance(offer, kind):
                return offer
        raise LookupError(f"this store was given no {kind.__name__}: MemoryStore({kind.__name__}(...))")


class MemoryStore:
    """A participant's state in memory: `MemoryStore(Shelf())` lets its handlers `ctx.get(Shelf)`.

    Args:
        offers: business objects; each transaction works on deep copies, so a rolled back one leaves no trace.
    """

    def __init__(self, *offers: Any) -> None:
        self._state = _State(offers)
        self._one_at_a_time = asyncio.Lock()
        self._numbers = 0

    def get(self, kind: type[Kind]) -> Kind:
        """A business object as it stands now.

        Raises:
            LookupError: there is none of this type.
        """
        return MemoryTransaction(self, self._state).get(kind)

    def next_number(self) -> int:
        """A number for an outbox row; never given twice."""
        self._numbers += 1
        return self._numbers

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[MemoryTransaction]:
        """A transaction: kept at the end, dropped by an exception."""
        async with self._one_at_a_time:
            kept = self._state
            state = _State(deepcopy(kept.offers), dict(kept.rows), dict(kept.outbox))
            yield MemoryTransaction(self, state)
            self._state = state

    async def unsent(self, limit: int) -> Sequence[tuple[int, Envelope]]:
        """Outbox rows that were not published yet, oldest first."""
        return list(self._state.outbox.items())[:limit]

    async def mark_sent(self, numbers: Sequence[int]) -> None:
        """Remove outbox rows that the broker has confirmed."""
        async with self._one_at_a_time:
            for number in numbers:
                self._state.outbox.pop(number, None)

    async def forget_older_than(self, age: timedelta) -> int:
        """Remove inbox rows not changed for `age`; returns how many. See `ports.Store` for how old is old enough."""
        oldest = datetime.now(UTC) - age
        async with self._one_at_a_time:
            old = [key for key, (_, changed) in self._state.rows.items() if changed <= oldest]
            for key in old:
                del self._state.rows[key]
        return len(old)
