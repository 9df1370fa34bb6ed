"""Goes on with what people began: operations get their end, bulks their items, though whoever asked is gone.

Every worker does this, and `saga reconciler`; of several processes one at a time settles, and one does each bulk.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from orchestrator.adapters.sql.databases import make_folder, writing_to
from orchestrator.adapters.sql.ledger_keeper import SqlLedgerKeeper
from orchestrator.service.settling import Settling
from orchestrator.service.turns import in_turn
from orchestrator.together import stop, together
from workers.operating import open_service
from workers.turning import again_and_again

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from temporalio.client import Client

    from orchestrator.service.bulk_records import Bulk
    from orchestrator.service.turns import Turns
    from orchestrator.service.use_cases import Service
    from orchestrator.settings import Settings

SETTLE_EVERY, BULKS_EVERY = timedelta(seconds=2), timedelta(seconds=1)
SETTLING = "settling"


@dataclass(slots=True)
class Upkeep:
    """Turns of one process. `bulks`: those that it is doing, or tried to."""

    service: Service
    turns: Turns
    settling: Settling
    bulks: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, asyncio.Task[None]])

    async def settle(self) -> None:
        """Bring operations on, unless another process does."""
        if await self.settling.is_any_open():
            await in_turn(self.turns, self.service.world.clock, SETTLING, self.settling.settle_all)

    async def begin_bulks(self) -> None:
        """Go on with every bulk that runs; what one of them raises is raised, and it is begun anew the next time."""
        ended = [self.bulks.pop(name) for name, task in list(self.bulks.items()) if task.done()]
        for bulk in await self.service.running.running():
            if bulk.id not in self.bulks:
                self.bulks[bulk.id] = asyncio.create_task(self._go_on(bulk))
        for task in ended:
            task.result()

    async def _go_on(self, bulk: Bulk) -> None:
        work = partial(self.service.running.run, bulk)
        await in_turn(self.turns, self.service.world.clock, f"bulk:{bulk.id}", work)

    async def stop(self) -> None:
        """Stop what is under way; the next process goes on with it."""
        await stop(*self.bulks.values())


@asynccontextmanager
async def open_upkeep(settings: Settings, client: Client) -> AsyncGenerator[Upkeep]:
    """The turns of this process; nothing is done by itself yet. Errors: see `open_service`."""
    async with writing_to(settings.ledger) as engine, open_service((), settings, client) as service:
        made = Upkeep(service, SqlLedgerKeeper(engine), Settling(service.world, service.operating))
        try:
            yield made
        finally:
            await made.stop()


@asynccontextmanager
async def upkeep(settings: Settings, client: Client) -> AsyncGenerator[None]:
    """Turn after turn, while the block runs. A ledger that is away, or not made yet, is waited for."""
    make_folder(settings.ledger)
    task = asyncio.create_task(again_and_again("upkeep", partial(_go_on, settings, client), BULKS_EVERY))
    try:
        yield
    finally:
        await stop(task)


async def _go_on(settings: Settings, client: Client) -> None:
    async with open_upkeep(settings, client) as made:
        settling = again_and_again("settling operations", made.settle, SETTLE_EVERY)
        await together([settling, again_and_again("going on with bulks", made.begin_bulks, BULKS_EVERY)])
