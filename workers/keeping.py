"""`saga reconciler`: the ledger kept true, and what people began gone on with, in a process of its own."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from orchestrator.adapters.temporal.connecting import connect
from orchestrator.adapters.temporal.gateway import TemporalExecutions
from orchestrator.errors import LedgerOutdatedError, StoreUnavailableError
from workers.ledger import open_gauges, open_reader
from workers.measuring import open_measuring, tell_of
from workers.reconciler import reconciling
from workers.tracing import open_tracing
from workers.upkeep import upkeep

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from orchestrator.service.ports import LedgerReader
    from orchestrator.settings import Settings
    from workers.measuring import Measuring


class Answering(Protocol):
    """What may be away."""

    async def is_available(self) -> bool:
        """Whether it answers."""
        ...


@dataclass(frozen=True, slots=True)
class Keeping:
    """A reconciler that is open: what health checks look at."""

    engine: Answering
    ledger: LedgerReader
    measuring: Measuring | None

    async def is_ready(self) -> bool:
        """Whether the ledger and Temporal answer."""
        try:
            await self.ledger.freshness()
        except (StoreUnavailableError, LedgerOutdatedError):
            return False
        return await self.engine.is_available()


@asynccontextmanager
async def open_keeping(settings: Settings) -> AsyncGenerator[Keeping]:
    """A reconciler at work while the block runs; a ledger that is away is waited for.

    What it finds that others were killed before they told it, it tells as spans and counts, as they would have.

    Raises:
        EngineUnavailableError: Temporal does not answer.
    """
    client = await connect(settings)
    async with (
        open_measuring(settings, "saga reconciler") as measuring,
        open_tracing(settings, "saga reconciler") as tracing,
        reconciling(settings, client, tracing, tell=tell_of(measuring)),
        upkeep(settings, client),
        open_reader(settings) as reader,
        open_gauges(settings) as gauges,
    ):
        if measuring is not None:
            measuring.ledger(gauges)
            measuring.spans(tracing)
        yield Keeping(TemporalExecutions(client, settings), reader, measuring)
