"""The reconciler's process: one pass after the other. Several may run; one at a time has its turn."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, get_args

from orchestrator.adapters.sql.databases import make_folder, reading_from, writing_to
from orchestrator.adapters.sql.ledger import STALE, SqlLedger
from orchestrator.adapters.sql.ledger_keeper import SqlLedgerKeeper
from orchestrator.adapters.sql.ledger_reader import SqlLedgerReader
from orchestrator.adapters.temporal.survey import TemporalSurvey
from orchestrator.service.reconciling import Reconciler
from orchestrator.service.records import IN_FLIGHT, Status
from orchestrator.service.tracing import TracingLedger
from orchestrator.together import stop
from workers.turning import again_and_again

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from temporalio.client import Client

    from orchestrator.service.changes import Tell
    from orchestrator.service.reconciling import PassCounts
    from orchestrator.service.tracing import Tracing
    from orchestrator.settings import Settings

log = logging.getLogger(__name__)

TURN, DEEP_TURN, STALE_TURN = "reconciler-turn", "reconciler-deep-turn", "reconciler-stale-turn"
STALE_EVERY = timedelta(minutes=1)
"""How soon a deep pass follows the one before it while the ledger is known to have gaps."""
AT_ONCE = 500
"""So many executions are forgotten in one transaction."""
ENDED = tuple(status for status in get_args(Status) if status not in IN_FLIGHT)


class Reconciling:
    """Passes over one ledger, in turns that are shared with other processes by the ledger itself."""

    def __init__(self, reconciler: Reconciler, ledger: SqlLedger, keeper: SqlLedgerKeeper, settings: Settings) -> None:
        self._reconciler = reconciler
        self._ledger = ledger
        self._keeper = keeper
        self._settings = settings

    async def take_turn(self) -> PassCounts | None:
        """One pass, if no other process has had one within the pause; deep if one is due, or the ledger has gaps."""
        settings = self._settings
        await self._ledger.prepare()
        if not await self._claim(TURN, settings.reconcile_every.total_seconds()):
            return None
        is_due = await self._claim(DEEP_TURN, settings.reconcile_deep_every.total_seconds())
        # What a worker could not hand over is written as soon as it can be, not when the next deep pass happens to be.
        return await self.go_through(deep=is_due or await self._has_gaps())

    async def _has_gaps(self) -> bool:
        return bool(await self._keeper.mark(STALE)) and await self._claim(STALE_TURN, STALE_EVERY.total_seconds())

    async def go_through(self, *, deep: bool) -> PassCounts:
        """One pass now, whoever has a turn; after a deep one, what is too old is forgotten."""
        await self._ledger.prepare()
        counts = await self._reconciler.go_through(_now, deep=deep)
        if deep:
            await self._forget()
        return counts

    async def _forget(self) -> None:
        for status in ENDED:
            before = _now() - self._settings.keeps(status)
            while await self._keeper.forget((status,), ended_before=before, now=_now(), limit=AT_ONCE) == AT_ONCE:
                pass

    async def go_on(self) -> None:
        """Turn after turn, until cancelled; while ledger or Temporal are away it waits for them."""
        await again_and_again("the reconciler", self._tell, self._settings.reconcile_every)

    async def _tell(self) -> None:
        counts = await self.take_turn()
        if counts is not None and (counts.repaired or counts.gone or counts.unknown):
            log.warning("reconciled: %s", counts)

    async def _claim(self, name: str, seconds: float) -> bool:
        now = _now()
        # A little less than the pause: a process that comes back after exactly the pause has its turn.
        until = datetime.fromtimestamp(now.timestamp() + seconds * 0.9, UTC)
        return await self._keeper.claim(name, now=now, until=until)


@asynccontextmanager
async def open_reconciling(
    settings: Settings, client: Client, tracing: Tracing | None = None, *, tell: Tell | None = None
) -> AsyncGenerator[Reconciling]:
    """A reconciler of the ledger that the settings name; it does nothing by itself yet.

    What it repairs is told as spans too, if there is `tracing`; `tell` gets what it changed.
    """
    make_folder(settings.ledger)
    async with writing_to(settings.ledger) as engine, reading_from(settings.ledger) as reading:
        seal = settings.seal
        writer, keeper = SqlLedger(engine, seal, tell=tell), SqlLedgerKeeper(engine)
        reconciler = Reconciler(
            TemporalSurvey(client, settings.task_queue),
            writer=writer if tracing is None else TracingLedger(writer, tracing),
            reader=SqlLedgerReader(reading, seal),
            keeper=keeper,
        )
        yield Reconciling(reconciler, writer, keeper, settings)


@asynccontextmanager
async def reconciling(
    settings: Settings, client: Client, tracing: Tracing | None = None, *, tell: Tell | None = None
) -> AsyncGenerator[None]:
    """Passes, while the block runs."""
    async with open_reconciling(settings, client, tracing, tell=tell) as made:
        task = asyncio.create_task(made.go_on())
        try:
            yield
        finally:
            await stop(task)


def _now() -> datetime:
    return datetime.now(UTC)
