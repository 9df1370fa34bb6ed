"""The event store of a process, for those who ask it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from orchestrator.adapters.sql.databases import open_engine, open_reading_engine
from orchestrator.adapters.sql.event_reader import SqlEventReader
from orchestrator.adapters.sql.migrating import check_version
from orchestrator.adapters.sql.read_models import SqlReadModels
from orchestrator.service.events import Events
from orchestrator.service.projecting import Projecting

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from orchestrator.settings import Settings


@asynccontextmanager
async def open_events(settings: Settings) -> AsyncGenerator[Events]:
    """Reading it needs the database alone: Temporal, RabbitMQ and the recorder may be away.

    Raises:
        LedgerOutdatedError: the tables are of another version; run `saga ledger migrate`.
        StoreUnavailableError: the database is away.
    """
    engine = open_reading_engine(settings.ledger)
    try:
        await check_version(engine)
        yield Events(SqlEventReader(engine, settings.seal))
    finally:
        await engine.dispose()


@asynccontextmanager
async def open_projecting(settings: Settings) -> AsyncGenerator[Projecting]:
    """What makes read models of it: it has no broker, so nothing can be sent. Errors: see `open_events`."""
    engine = open_engine(settings.ledger)
    try:
        async with open_events(settings) as events:
            yield Projecting(events, SqlReadModels(engine, settings.seal))
    finally:
        await engine.dispose()
