"""Does the items of bulks, a few at once, until nothing waits or somebody stops it.

Everything is in the ledger's database: a process that is killed leaves a bulk that the next one goes on with, and no
item is done twice, since its operation is found by its key.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestrator.errors import (
    EngineUnavailableError,
    ExecutionNotFoundError,
    RefusedCommandError,
    StoreUnavailableError,
)
from orchestrator.service.about import ids
from orchestrator.service.abreast import Abreast
from orchestrator.service.operating import REFUSALS, Operating
from orchestrator.service.operations import Instruction
from orchestrator.service.requests import Abandon, Cancel, Compensate, Release, Resume, Retry, Suspend
from orchestrator.together import together

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from orchestrator.service.bulk_records import Bulk, BulkCounts, BulkItem, Bulks, BulkState, BulkWord, ItemState
    from orchestrator.service.operating import World
    from orchestrator.service.requests import Request

log = logging.getLogger(__name__)

AT_ONCE = 16
"""Items of one bulk that are under way at the same time."""
PAGE = 200
_PLAIN: dict[BulkWord, type[Suspend | Resume | Cancel | Abandon | Release]] = {
    "suspend": Suspend,
    "resume": Resume,
    "cancel": Cancel,
    "abandon": Abandon,
    "release": Release,
}


class BulkRunning:
    """What does the work of bulks."""

    def __init__(self, world: World, bulks: Bulks) -> None:
        self._world = world
        self._bulks = bulks
        self._operating = Operating(world)

    async def running(self) -> tuple[Bulk, ...]:
        """Those that are to be gone on with, the oldest first."""
        return await self._bulks.running()

    async def run_all(self) -> None:
        """Go on with every bulk that is running, side by side. Errors: see `run`."""
        await together(map(self.run, await self.running()))

    async def run(self, bulk: Bulk) -> None:
        """Do what is waiting until nothing is or somebody stops it. It may be killed at any time, and run again.

        Raises:
            EngineUnavailableError, StoreUnavailableError: a server is away; what was not done waits; run it again.
        """
        pause = timedelta(seconds=1 / bulk.rate)
        async with Abreast(AT_ONCE) as under_way:
            async for item in self._waiting(bulk):
                await under_way.begin(self._do(bulk, item))
                await self._world.clock.sleep(pause)
        counts = await self._bulks.counts(bulk.id)
        if not counts.waiting:
            await self._bulks.end(bulk.id, _ending(counts))

    async def _waiting(self, bulk: Bulk) -> AsyncIterator[BulkItem]:
        """Items to do, as long as the bulk may go on."""
        after = 0
        while page := await self._bulks.items(bulk.id, "waiting", after=after, limit=PAGE):
            for item in page:
                if await self._state(bulk.id) != "running":
                    return
                yield item
            after = page[-1].number

    async def _do(self, bulk: Bulk, item: BulkItem) -> None:
        state, text, operation_id = await self._done(bulk, item)
        await self._bulks.settle(bulk.id, item, state, text=text, operation_id=operation_id)

    async def _done(self, bulk: Bulk, item: BulkItem) -> tuple[ItemState, str, str]:
        """What became of an item, why, and by which operation."""
        try:
            given = await self._instruction(bulk, item)
            record = await self._operating.operate(bulk.caller, item.execution_id, given, bulk=bulk.id)
        except RefusedCommandError as error:
            return "skipped", str(error), ""
        except (EngineUnavailableError, StoreUnavailableError):
            raise
        except REFUSALS as error:
            return "failed", str(error), ""
        except Exception as error:
            log.exception("item %s of bulk %s", item.number, bulk.id, extra=ids(item.execution_id))
            return "failed", f"a fault of the orchestrator: {type(error).__name__}", ""
        if record.state == "accepted":
            raise EngineUnavailableError(record.text)
        return "failed" if record.state == "failed" else "done", record.text, record.id

    async def _instruction(self, bulk: Bulk, item: BulkItem) -> Instruction:
        key = f"{bulk.id}:{item.number}:{item.round}"
        # A process that was killed may have asked already; what it asked for is not asked of the ledger again.
        known = await self._world.register.by_key(bulk.caller.actor, key)
        request = known.request if known else await self._request(bulk, item)
        return Instruction(request=request, reason=bulk.reason, key=key)

    async def _request(self, bulk: Bulk, item: BulkItem) -> Request:
        if bulk.word == "compensate":
            # The whole of it, as its plan is now; past the pivot only if those who began it had the right and said so.
            plan = await self._operating.plan(bulk.caller, item.execution_id)
            return Compensate(plan=plan.hash, override=bulk.override)
        if bulk.word != "retry":
            return _PLAIN[bulk.word]()
        detail = await self._world.ledger.find(item.execution_id)
        if detail is None:
            raise ExecutionNotFoundError(item.execution_id)
        return Retry(step=detail.row.failed_step or "none")

    async def _state(self, bulk_id: str) -> BulkState | None:
        bulk = await self._bulks.find(bulk_id)
        return None if bulk is None else bulk.state


def _ending(counts: BulkCounts) -> BulkState:
    if counts.failed == 0:
        return "completed"
    return "partially_completed" if counts.done or counts.skipped else "failed"
