"""What tests of the event store share: messages, a store in memory, and one on either database."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from orchestrator.adapters.sql.databases import open_engine, open_reading_engine
from orchestrator.adapters.sql.event_reader import SqlEventReader
from orchestrator.adapters.sql.event_store import SqlEventStore
from orchestrator.errors import PublishUnknownError
from orchestrator.messages import short_hash
from orchestrator.sealing import OPEN, Seal
from orchestrator.service.event_ports import Appended, EventFilter, EventReader, EventStore, Gap
from orchestrator.service.noting import Noted
from orchestrator.stored import Contents, StoredMessage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

T0 = 1_700_000_000_000


def stored(number: int = 1, **changes: Any) -> StoredMessage:
    """A command that an execution sent."""
    given: dict[str, Any] = {
        "source": "/shop",
        "message_id": f"m{number}",
        "type": "payments.charge",
        "kind": "command",
        "way": "out",
        "execution_id": "shop:1",
        "step": "charge",
        "call": "do",
        "attempt": 1,
        "correlation_id": "c1",
        "at_ms": T0 + number,
        "stored_ms": T0 + number,
        "size": 2,
        "headers": {"saga-step": "charge"},
        "body": b"{}",
        **changes,
    }
    hashes = {
        "identity": short_hash(given["source"], given["message_id"]),
        "body_hash": short_hash(given["type"], str(given["body"])),
    }
    return StoredMessage(**{**hashes, **given})


@dataclass
class MemoryEvents:
    """A store and its reader in memory. `linked`: identities of the events that an execution took."""

    rows: list[StoredMessage] = field(default_factory=list[StoredMessage])
    linked: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    last: int = 0

    async def append(self, messages: Sequence[StoredMessage]) -> Appended:
        known = {one.identity: one for one in self.rows}
        before, differing = len(self.rows), set[str]()
        for one in messages:
            first = known.get(one.identity)
            if first is None:
                self.last += 1
                known[one.identity] = replace(one, number=self.last)
                self.rows.append(known[one.identity])
            elif first.body_hash != one.body_hash:
                differing.add(one.identity)
        return Appended(len(self.rows) - before, tuple(sorted(differing)))

    async def look(self) -> None:
        """It is there."""

    async def forget(self, *, stored_before_ms: int, limit: int = 5_000) -> int:
        old = [one for one in self.rows if one.stored_ms < stored_before_ms][:limit]
        self.rows = [one for one in self.rows if one not in old]
        return len(old)

    async def page(
        self,
        wanted: EventFilter,
        *,
        after: int = 0,
        limit: int = 50,
        newest_first: bool = False,
        contents: Contents = "none",
    ) -> Sequence[StoredMessage]:
        found = [one for one in self.rows if self._fits(one, wanted)]
        if newest_first:
            found = [one for one in reversed(found) if not after or one.number < after]
        else:
            found = [one for one in found if one.number > after]
        return [one.with_only(contents) for one in found[:limit]]

    async def count(self, wanted: EventFilter, *, cap: int) -> int:
        return min(cap, sum(self._fits(one, wanted) for one in self.rows))

    async def gaps(self, *, source: str = "", limit: int = 100) -> Sequence[Gap]:
        found: list[Gap] = []
        for name in sorted({one.source for one in self.rows if source in ("", one.source)}):
            some = [one for one in self.rows if one.source == name and one.place is not None]
            some.sort(key=lambda one: one.place or 0)
            for one, two in pairwise(some):
                first, last = (one.place or 0) + 1, (two.place or 0) - 1
                if first <= last:
                    found.append(Gap(name, first, last, two.stored_ms))
        return found[:limit]

    def _fits(self, one: StoredMessage, wanted: EventFilter) -> bool:
        taken = self.linked.get(wanted.execution_id or wanted.correlation_id, set())
        return all(
            (
                not wanted.correlation_id or one.correlation_id == wanted.correlation_id or one.identity in taken,
                not wanted.execution_id or one.execution_id == wanted.execution_id or one.identity in taken,
                not wanted.types or one.type in wanted.types,
                not wanted.ids or one.message_id in wanted.ids or one.identity in wanted.ids,
                not wanted.kind or one.kind == wanted.kind,
                not wanted.source or one.source == wanted.source,
                wanted.since_ms is None or one.stored_ms >= wanted.since_ms,
                wanted.until_ms is None or one.stored_ms < wanted.until_ms,
                wanted.sagas is None or one.saga in wanted.sagas,
            )
        )


@dataclass
class MemoryModels:
    """Read models in memory."""

    kept: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])

    async def replace(self, projection: str, rows: Mapping[str, Any]) -> None:
        self.kept[projection] = rows

    async def rows(self, projection: str) -> Mapping[str, Any]:
        return self.kept.get(projection, {})


@dataclass
class HandNoted:
    """The ledger's messages, made anew by hand: for whom it was asked."""

    asked: list[frozenset[str] | None] = field(default_factory=list[frozenset[str] | None])

    async def rebuild(self, sagas: frozenset[str] | None) -> Noted:
        self.asked.append(sagas)
        return Noted(3, 21)


@dataclass
class HandSender:
    """Where events are sent again, by hand: message, new id, and whether it reaches participants.

    Attributes:
        breaks_at: the broker goes away before this one.
        odd: types of which it says that they cannot be sent.
    """

    sent: list[tuple[str, str, bool]] = field(default_factory=list[tuple[str, str, bool]])
    breaks_at: int | None = None
    odd: tuple[str, ...] = ()
    is_open: bool = True

    def why_not(self, message: StoredMessage) -> str:
        return "odd" if message.type in self.odd else ""

    async def send(self, message: StoredMessage, message_id: str, *, reaches: bool) -> None:
        assert self.is_open
        if len(self.sent) == self.breaks_at:
            raise PublishUnknownError("the connection was closed")
        self.sent.append((message.message_id, message_id, reaches))


@dataclass
class EventBench:
    """A store, from both sides."""

    store: EventStore
    reader: EventReader


@asynccontextmanager
async def on_sql(url: str, seal: Seal = OPEN) -> AsyncGenerator[EventBench]:
    engine, reading = open_engine(url), open_reading_engine(url)
    try:
        yield EventBench(SqlEventStore(engine, seal), SqlEventReader(reading, seal))
    finally:
        await engine.dispose()
        await reading.dispose()
