"""Bulks as records, and the port that keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.service.access import Caller

BulkWord: TypeAlias = Literal["retry", "suspend", "resume", "cancel", "abandon", "release"]
BulkState: TypeAlias = Literal["running", "suspended", "cancelled", "completed", "partially_completed", "failed"]
ItemState: TypeAlias = Literal["waiting", "done", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """One operation on many executions. `caller`: as whom its items are done. `rate`: items a second at most."""

    id: str
    caller: Caller
    word: BulkWord
    reason: str
    key: str
    rate: float
    state: BulkState
    total: int
    created_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkItem:
    """One execution of a bulk. `round`: how often failed items were tried anew; the first is 1."""

    number: int
    execution_id: str
    state: ItemState = "waiting"
    round: int = 1
    operation_id: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class BulkCounts:
    """How far it is: the four add up to the total."""

    waiting: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def total(self) -> int:
        """All items."""
        return self.waiting + self.done + self.failed + self.skipped


class Bulks(Protocol):
    """Keeps bulks. Every method raises `StoreUnavailableError`."""

    async def create(self, bulk: Bulk, ids: Sequence[str]) -> Bulk:
        """Store it with its items, numbered from 1. If this actor's key is known, that bulk is returned."""
        ...

    async def find(self, bulk_id: str) -> Bulk | None:
        """A bulk."""
        ...

    async def by_key(self, actor: str, key: str) -> Bulk | None:
        """The bulk that was begun under a key of an actor."""
        ...

    async def running(self) -> tuple[Bulk, ...]:
        """Those that are to be gone on with, the oldest first."""
        ...

    async def set_state(self, bulk_id: str, state: BulkState) -> None:
        """Store how far it is."""
        ...

    async def next_waiting(self, bulk_id: str) -> BulkItem | None:
        """The first item that waits."""
        ...

    async def settle(self, bulk_id: str, item: BulkItem, state: ItemState, *, text: str, operation_id: str) -> None:
        """Store an item's result."""
        ...

    async def renew_failed(self, bulk_id: str) -> int:
        """Let failed items wait again, one round further; how many."""
        ...

    async def counts(self, bulk_id: str) -> BulkCounts:
        """How far it is."""
        ...

    async def items(
        self, bulk_id: str, state: ItemState | None = None, *, after: int = 0, limit: int = 200
    ) -> tuple[BulkItem, ...]:
        """Items by number, beginning behind `after`."""
        ...
