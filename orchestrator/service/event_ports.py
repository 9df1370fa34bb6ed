"""What the event store is to those who write it and those who read it. Implemented over SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.stored import Contents, Kind, StoredMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which messages are wanted; empty = whichever.

    Attributes:
        correlation_id, execution_id: with the events that the ledger knows the executions took: those say neither.
        types, kind, source: as stored.
        ids: of messages, or their identities: the ledger names events by these.
        since_ms, until_ms: recorded at or after, and before.
        sagas: those a caller is limited to; None = all.
    """

    correlation_id: str = ""
    execution_id: str = ""
    types: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    kind: Kind | None = None
    source: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    sagas: frozenset[str] | None = None

    def fits(self, message: StoredMessage) -> bool:
        """Whether a message is wanted, by what it says itself: which executions took it only the ledger knows."""
        return all(
            (
                not self.correlation_id or message.correlation_id == self.correlation_id,
                not self.execution_id or message.execution_id == self.execution_id,
                not self.types or message.type in self.types,
                self.kind is None or message.kind == self.kind,
                not self.source or message.source == self.source,
                self.since_ms is None or message.stored_ms >= self.since_ms,
                self.until_ms is None or message.stored_ms < self.until_ms,
                self.sagas is None or message.saga in self.sagas,
            )
        )


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch: `stored` are new, the others were there.

    `differing`: identities that were there with another body: somebody used an id twice.
    """

    stored: int
    differing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages of a source that are missing between two that are there: sequences `first` to `last`."""

    source: str
    first: int
    last: int
    noticed_ms: int

    @property
    def missing(self) -> int:
        """How many."""
        return self.last - self.first + 1


class EventStore(Protocol):
    """Takes messages, and keeps them as they are. Every method raises `StoreUnavailableError`."""

    async def append(self, messages: Sequence[StoredMessage]) -> Appended:
        """Store those that are not there yet, all in one transaction."""
        ...

    async def look(self) -> None:
        """See that messages can be stored."""
        ...

    async def forget(self, *, stored_before_ms: int, limit: int = 5_000) -> int:
        """Remove the oldest of what was stored before; how many. Nothing younger can be removed."""
        ...


class EventReader(Protocol):
    """The event store as people ask for it. Every method raises `StoreUnavailableError`."""

    async def page(
        self,
        wanted: EventFilter,
        *,
        after: int = 0,
        limit: int = 50,
        newest_first: bool = False,
        contents: Contents = "none",
    ) -> Sequence[StoredMessage]:
        """Messages by number, beginning behind `after` (before it, the newest first; 0 = at the end)."""
        ...

    async def count(self, wanted: EventFilter, *, cap: int) -> int:
        """How many there are; counting stops at `cap`."""
        ...

    async def gaps(self, *, source: str = "", limit: int = 100) -> Sequence[Gap]:
        """Where sequences of a source are missing between others, by source and sequence."""
        ...
