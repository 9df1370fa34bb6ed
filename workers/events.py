"""The event store of a process, for those who ask it."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.resending import RabbitResender
from orchestrator.adapters.rabbitmq.stream import StreamEvents
from orchestrator.adapters.sql.databases import reading_from, writing_to
from orchestrator.adapters.sql.event_reader import SqlEventReader
from orchestrator.adapters.sql.migrating import check_version
from orchestrator.adapters.sql.noted_messages import SqlNotedMessages
from orchestrator.adapters.sql.read_models import SqlReadModels
from orchestrator.adapters.sql.register import SqlRegister
from orchestrator.service.events import Events
from orchestrator.service.noting import Noting
from orchestrator.service.projecting import Projecting
from orchestrator.service.resending import Resending
from workers.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from orchestrator.service.resending import Resender
    from orchestrator.settings import Settings


@asynccontextmanager
async def open_events(settings: Settings) -> AsyncGenerator[Events]:
    """Reading it needs the database alone: Temporal, RabbitMQ and the recorder may be away.

    Raises:
        LedgerOutdatedError: the tables are of another version; run `saga ledger migrate`.
        StoreUnavailableError: the database is away.
    """
    async with reading_from(settings.ledger) as engine:
        await check_version(engine)
        yield Events(SqlEventReader(engine, settings.seal))


@asynccontextmanager
async def open_stream(settings: Settings) -> AsyncGenerator[Events]:
    """The broker's stream, read as the store is; the database may be away.

    Raises:
        BrokerUnavailableError: the broker is away.
    """
    async with StreamEvents.open(settings) as stream:
        yield Events(stream)


@asynccontextmanager
async def open_projecting(settings: Settings, *, stream: bool = False) -> AsyncGenerator[Projecting]:
    """What makes read models of it: it has nothing that sends. Errors: see `open_events` and `open_stream`."""
    async with writing_to(settings.ledger) as engine:
        await check_version(engine)
        opened = open_stream if stream else open_events
        async with opened(settings) as events:
            yield Projecting(events, SqlReadModels(engine, settings.seal))


@asynccontextmanager
async def open_noting(settings: Settings) -> AsyncGenerator[Noting]:
    """What makes the ledger's messages of it, likewise without a broker. Errors: see `open_events`."""
    async with writing_to(settings.ledger) as engine:
        await check_version(engine)
        yield Noting(SqlNotedMessages(engine, settings.seal))


@asynccontextmanager
async def open_resending(settings: Settings, *, sends: bool) -> AsyncGenerator[Resending]:
    """What publishes events of the store again; unless it `sends`, it only says what it would.

    Raises:
        BrokerUnavailableError: it is to send, and the broker is away. Others: see `open_events`.
    """
    async with writing_to(settings.ledger) as engine, AsyncExitStack() as stack:
        events = await stack.enter_async_context(open_events(settings))
        sender: Resender = RabbitResender(None, Names(settings.name_prefix))
        if sends:
            sender = await stack.enter_async_context(RabbitResender.open(settings))
        yield Resending(events, sender, SqlRegister(engine, settings.seal), SystemClock())
