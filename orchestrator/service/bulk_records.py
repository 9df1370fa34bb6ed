"""Bulks as records, and the port that keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from orchestrator.service.access import Caller
    from orchestrator.service.auditing import AuditEntry
    from orchestrator.service.subjects import Subject

BulkWord: TypeAlias = Literal["compensate", "retry", "suspend", "resume", "cancel", "abandon", "release"]
BulkState: TypeAlias = Literal["running", "suspended", "cancelled", "completed", "partially_completed", "failed"]
ItemState: TypeAlias = Literal["waiting", "done", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """One operation on many executions.

    Attributes:
        caller: as whom its items are done. `rate`: items a second at most.
        override: compensations go past the point of no return.
    """

    id: str
    caller: Caller
    word: BulkWord
    reason: str
    key: str
    rate: float
    state: BulkState
    total: int
    created_ms: int
    override: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkItem:
    """One execution of a bulk. `round`: how often failed items were tried anew; the first is 1."""

    number: int
    execution_id: str
    state: ItemState = "waiting"
    round: int = 1
    operation_id: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An operation as part of a bulk.

    Attributes:
        bulk: its id; empty = of none.
        subject: its execution as it was seen a moment ago; None = look.
        is_new: nothing was found under its key a moment ago, so that is looked for again only if it is refused.
    """

    bulk: str = ""
    subject: Subject | None = None
    is_new: bool = False


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

    async def create(self, bulk: Bulk, ids: Sequence[str], entry: AuditEntry) -> Bulk:
        """Store it with its items, numbered from 1, and its audit entry, in one transaction.

        If this actor's key is known, nothing is stored and that bulk is returned.
        """
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

    async def recent(self, seen_by: Caller, *, before: tuple[int, str] | None = None, limit: int) -> tuple[Bulk, ...]:
        """Those that `is_seen_by` a caller, the newest first, beginning behind `before` = (created_ms, id)."""
        ...

    async def is_seen_by(self, caller: Caller, bulk_id: str) -> bool:
        """Whether they began it, or all of its executions, one at least, are of sagas that they may touch."""
        ...

    async def end(self, bulk_id: str, state: BulkState) -> None:
        """Store the end of one that is running; another one stays as it is."""
        ...

    async def move(self, bulk_id: str, states: Collection[BulkState], state: BulkState, entry: AuditEntry) -> bool:
        """Store an order with its audit entry; False, and nothing stored, if the bulk is in none of `states`."""
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
