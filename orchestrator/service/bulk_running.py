"""Does the items of bulks, a few at once, until nothing waits or somebody stops it.

Everything is in the ledger's database: a process that is killed leaves a bulk that the next one goes on with, and no
item is done twice, since its operations are found by their keys. `bulk_items` does one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from orchestrator.service.abreast import Abreast
from orchestrator.service.bulk_items import BulkItems

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from orchestrator.service.bulk_records import Bulk, BulkCounts, BulkItem, Bulks, BulkState
    from orchestrator.service.operating import World
    from orchestrator.service.operations import OperationRecord

AT_ONCE = 16
"""Items of one bulk that are under way at the same time."""
PAGE = 200
LOOK_EVERY = timedelta(seconds=0.1)
"""How long a bulk that was stopped may begin further items."""


class BulkRunning:
    """What does the work of bulks."""

    def __init__(self, world: World, bulks: Bulks) -> None:
        self._world = world
        self._bulks = bulks
        self._items = BulkItems(world)

    async def running(self) -> tuple[Bulk, ...]:
        """Those that are to be gone on with, the oldest first."""
        return await self._bulks.running()

    async def run(self, bulk: Bulk) -> None:
        """Do what is waiting until nothing is or somebody stops it. It may be killed at any time, and run again.

        Raises:
            EngineUnavailableError, StoreUnavailableError: a server is away; what was not done waits; run it again.
        """
        pause = timedelta(seconds=1 / bulk.rate)
        async with Abreast(AT_ONCE) as under_way:
            async for item, asked in self._waiting(bulk):
                await under_way.begin(self._do(bulk, item, asked))
                await self._world.clock.sleep(pause)
        counts = await self._bulks.counts(bulk.id)
        if not counts.waiting:
            await self._bulks.end(bulk.id, _ending(counts))

    async def _waiting(self, bulk: Bulk) -> AsyncIterator[tuple[BulkItem, Sequence[OperationRecord]]]:
        """Items to do, each with what it was asked for already, as long as the bulk may go on."""
        after, may_go_on = 0, self._look_now_and_then(bulk.id)
        while page := await self._bulks.items(bulk.id, "waiting", after=after, limit=PAGE):
            asked = await self._items.asked(bulk, page)
            for item in page:
                if not await may_go_on():
                    return
                yield item, asked[item.number]
            after = page[-1].number

    def _look_now_and_then(self, bulk_id: str) -> Callable[[], Awaitable[bool]]:
        """Whether a bulk may go on, as the ledger said a moment ago."""
        looked = self._world.clock.now() - LOOK_EVERY

        async def may_go_on() -> bool:
            nonlocal looked
            now = self._world.clock.now()
            if now - looked < LOOK_EVERY:
                return True
            looked = now
            bulk = await self._bulks.find(bulk_id)
            return bulk is not None and bulk.state == "running"

        return may_go_on

    async def _do(self, bulk: Bulk, item: BulkItem, asked: Sequence[OperationRecord]) -> None:
        done = await self._items.do(bulk, item, asked)
        await self._bulks.settle(bulk.id, item, done.state, text=done.text, operation_id=done.operation_id)


def _ending(counts: BulkCounts) -> BulkState:
    if counts.failed == 0:
        return "completed"
    return "partially_completed" if counts.done or counts.skipped else "failed"
