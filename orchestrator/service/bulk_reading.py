"""Bulks as they are: from what keeps them alone, so Temporal may be away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import OperationNotFoundError
from orchestrator.service.access import Permission
from orchestrator.service.records import saga_of

if TYPE_CHECKING:
    from orchestrator.service.access import Caller
    from orchestrator.service.bulk_records import Bulk, BulkCounts, BulkItem, Bulks, ItemState


@dataclass(frozen=True, slots=True)
class BulkItems:
    """A page of items, those of sagas that the caller may not see left out. `following`: number to go on behind."""

    items: tuple[BulkItem, ...]
    following: int | None


class BulkReading:
    """The use cases that only look. Every method raises `DeniedError` and `StoreUnavailableError`."""

    def __init__(self, bulks: Bulks) -> None:
        self._bulks = bulks

    async def recent(
        self, caller: Caller, *, before: tuple[int, str] | None = None, limit: int = 50
    ) -> tuple[Bulk, ...]:
        """Those that the caller began, or that touch no saga that they may not touch, the newest first.

        `before` = (created_ms, id) of the last one of the page before.
        """
        caller.require(Permission.BULK)
        return await self._bulks.recent(caller, before=before, limit=limit)

    async def look(self, caller: Caller, bulk_id: str) -> tuple[Bulk, BulkCounts]:
        """A bulk, and how far it is.

        Raises:
            OperationNotFoundError: there is none, or none that this caller may see.
        """
        return await self._seen(caller, bulk_id), await self._bulks.counts(bulk_id)

    async def items(
        self, caller: Caller, bulk_id: str, state: ItemState | None = None, *, after: int = 0, limit: int = 50
    ) -> BulkItems:
        """Its items by number, beginning behind `after`.

        Raises:
            OperationNotFoundError: see `look`.
        """
        await self._seen(caller, bulk_id)
        found = await self._bulks.items(bulk_id, state, after=after, limit=limit)
        visible = tuple(item for item in found if caller.may(Permission.READ, saga_of(item.execution_id)))
        return BulkItems(visible, found[-1].number if len(found) == limit else None)

    async def _seen(self, caller: Caller, bulk_id: str) -> Bulk:
        caller.require(Permission.BULK)
        found = await self.find(bulk_id)
        if not await self._bulks.is_seen_by(caller, bulk_id):
            raise OperationNotFoundError(bulk_id)
        return found

    async def find(self, bulk_id: str) -> Bulk:
        """A bulk.

        Raises:
            OperationNotFoundError: there is none.
        """
        bulk = await self._bulks.find(bulk_id)
        if bulk is None:
            raise OperationNotFoundError(bulk_id)
        return bulk
