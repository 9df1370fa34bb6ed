"""What operates executions in a process: the service layer over Temporal, the ledger and the authors' code."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.adapters.sql.answers import SqlAnswers
from orchestrator.adapters.sql.bulks import SqlBulks
from orchestrator.adapters.sql.databases import open_engine, open_reading_engine
from orchestrator.adapters.sql.ledger_reader import SqlLedgerReader
from orchestrator.adapters.sql.migrating import check_version
from orchestrator.adapters.sql.register import SqlRegister
from orchestrator.adapters.sql.switches import SqlSwitches
from orchestrator.adapters.sql.tokens import SqlTokens
from orchestrator.adapters.temporal.live import TemporalLive
from orchestrator.saga.handlers import Handlers
from orchestrator.service.bulk import Bulking
from orchestrator.service.bulk_running import BulkRunning
from orchestrator.service.once import Once
from orchestrator.service.operating import Operating, World
from orchestrator.service.reading import Reading
from orchestrator.service.subjects import Subjects
from orchestrator.service.switches import Switching
from orchestrator.service.tokens import Issuing
from orchestrator.service.trail import Trail
from orchestrator.service.use_cases import Service

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from temporalio.client import Client

    from orchestrator.saga.definition import Saga
    from orchestrator.settings import Settings


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """The present moment in UTC."""
        return datetime.now(UTC)

    async def sleep(self, length: timedelta) -> None:
        """Let time pass; a length that is not positive is none."""
        await asyncio.sleep(max(0.0, length.total_seconds()))


@asynccontextmanager
async def open_reading(settings: Settings) -> AsyncGenerator[Reading]:
    """What reads executions, from the ledger alone: neither Temporal nor RabbitMQ need be there.

    Raises:
        LedgerOutdatedError: the ledger's tables are of another version; run `saga ledger migrate`.
        StoreUnavailableError: the ledger is away.
    """
    engine = open_reading_engine(settings.ledger)
    try:
        await check_version(engine)
        yield Reading(SqlLedgerReader(engine, settings.seal), SystemClock())
    finally:
        await engine.dispose()


@asynccontextmanager
async def open_service(sagas: Sequence[Saga], settings: Settings, client: Client) -> AsyncGenerator[Service]:
    """The service layer of this process.

    Raises:
        LedgerOutdatedError: the ledger's tables are of another version; run `saga ledger migrate`.
        StoreUnavailableError: the ledger is away.
    """
    writing, reading = open_engine(settings.ledger), open_reading_engine(settings.ledger)
    try:
        await check_version(writing)
        live, ledger = TemporalLive(client, settings), SqlLedgerReader(reading, settings.seal)
        world = World(
            live=live,
            ledger=ledger,
            register=SqlRegister(writing, settings.seal),
            clock=SystemClock(),
            subjects=Subjects(live, ledger),
            handlers=Handlers.of(saga.handlers for saga in sagas),
            quiet=2 * settings.task_timeout,
        )
        register, clock = world.register, world.clock
        bulks = SqlBulks(writing, settings.seal)
        yield Service(
            world=world,
            reading=Reading(ledger, clock),
            trail=Trail(register),
            operating=Operating(world),
            bulking=Bulking(world, bulks),
            running=BulkRunning(world, bulks),
            switching=Switching(SqlSwitches(writing, settings.seal), register, clock),
            issuing=Issuing(SqlTokens(writing), register, clock),
            once=Once(SqlAnswers(writing, settings.seal), clock),
        )
    finally:
        await reading.dispose()
        await writing.dispose()
