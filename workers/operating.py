"""What operates executions in a process: the service layer over Temporal, the ledger and the authors' code."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from orchestrator.adapters.sql.accounts import SqlAccounts
from orchestrator.adapters.sql.answers import SqlAnswers
from orchestrator.adapters.sql.bulks import SqlBulks
from orchestrator.adapters.sql.databases import reading_from, writing_to
from orchestrator.adapters.sql.event_reader import SqlEventReader
from orchestrator.adapters.sql.figures import SqlFigures
from orchestrator.adapters.sql.ledger import SqlLedger
from orchestrator.adapters.sql.ledger_reader import SqlLedgerReader
from orchestrator.adapters.sql.migrating import check_version
from orchestrator.adapters.sql.personal import SqlPersonal
from orchestrator.adapters.sql.register import SqlRegister
from orchestrator.adapters.sql.sessions import SqlSessions
from orchestrator.adapters.sql.shared_writes import SharedWrites
from orchestrator.adapters.sql.switches import SqlSwitches
from orchestrator.adapters.sql.tokens import SqlTokens
from orchestrator.adapters.temporal.gateway import TemporalExecutions
from orchestrator.adapters.temporal.live import TemporalLive
from orchestrator.adapters.temporal.reaching import ReachedExecutions, ReachedLive
from orchestrator.cli.desk import Doors, Records
from orchestrator.saga.handlers import Handlers
from orchestrator.service.accounts import LOCAL, LocalAccounts
from orchestrator.service.buffering import LedgerBuffer
from orchestrator.service.bulk import Bulking
from orchestrator.service.bulk_reading import BulkReading
from orchestrator.service.bulk_running import BulkRunning
from orchestrator.service.definitions import Definitions
from orchestrator.service.entering import Entering
from orchestrator.service.events import Events
from orchestrator.service.figures import Figuring
from orchestrator.service.once import Once
from orchestrator.service.operating import Operating, World
from orchestrator.service.personal import Personal
from orchestrator.service.reading import Reading
from orchestrator.service.recording import RecordingExecutions
from orchestrator.service.sessions import Lasting, Sessioning, Source
from orchestrator.service.starting import Starting
from orchestrator.service.subjects import Subjects
from orchestrator.service.switches import Switching
from orchestrator.service.tokens import Issuing
from orchestrator.service.trail import Trail
from orchestrator.service.use_cases import Service
from workers.clock import SystemClock
from workers.parked import parked_cases
from workers.provider import provider_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from sqlalchemy.ext.asyncio import AsyncEngine
    from temporalio.client import Client

    from orchestrator.saga.definition import Saga
    from orchestrator.service.operations import Clock
    from orchestrator.service.parked_cases import ParkedCases
    from orchestrator.service.ports import Executions
    from orchestrator.settings import Settings


@asynccontextmanager
async def open_reading(settings: Settings) -> AsyncGenerator[Records]:
    """What reads executions and what was done to them, from the ledger alone: Temporal and RabbitMQ may be away.

    Raises:
        LedgerOutdatedError: the ledger's tables are of another version; run `saga ledger migrate`.
        StoreUnavailableError: the ledger is away.
    """
    async with reading_from(settings.ledger) as engine:
        await check_version(engine)
        reading = Reading(SqlLedgerReader(engine, settings.seal), SystemClock())
        seal = settings.seal
        yield Records(reading, Trail(SqlRegister(engine, seal)), BulkReading(SqlBulks(engine, seal)))


@asynccontextmanager
async def open_switching(settings: Settings) -> AsyncGenerator[Switching]:
    """Kill switches, over the ledger's database alone: Temporal may be away. Errors: see `open_reading`."""
    async with writing_to(settings.ledger) as engine:
        await check_version(engine)
        seal = settings.seal
        yield Switching(SqlSwitches(engine, seal), SqlRegister(engine, seal), SystemClock())


@asynccontextmanager
async def open_bulking(settings: Settings) -> AsyncGenerator[Bulking]:
    """Bulks, begun and ordered, over the ledger's database alone: Temporal may be away. Errors: see `open_reading`."""
    async with writing_to(settings.ledger) as engine, reading_from(settings.ledger) as reading:
        seal = settings.seal
        await check_version(engine)
        writes = SharedWrites(engine, seal)
        register, bulks = SqlRegister(engine, seal, writes), SqlBulks(engine, seal, writes)
        yield Bulking(bulks, SqlLedgerReader(reading, seal), register, SystemClock())


@asynccontextmanager
async def open_doors(settings: Settings) -> AsyncGenerator[Doors]:
    """Tokens and accounts, over the ledger's database alone: Temporal may be away. Errors: see `open_reading`."""
    async with writing_to(settings.ledger) as engine, reading_from(settings.ledger) as reading:
        await check_version(engine)
        register, clock = SqlRegister(engine, settings.seal), SystemClock()
        accounts = LocalAccounts(SqlAccounts(engine, reading), register, clock)
        yield Doors(Issuing(SqlTokens(engine), register, clock), accounts)


@asynccontextmanager
async def open_service(sagas: Sequence[Saga], settings: Settings, client: Client) -> AsyncGenerator[Service]:
    """The service layer of this process. `client` may be one that connects later: reading needs no Temporal.

    Raises:
        LedgerOutdatedError: the ledger's tables are of another version; run `saga ledger migrate`.
        StoreUnavailableError: the ledger is away.
    """
    async with writing_to(settings.ledger) as writing, reading_from(settings.ledger) as reading:
        await check_version(writing)
        buffer = LedgerBuffer(SqlLedger(writing, settings.seal), limit=settings.ledger_buffer)
        async with buffer:
            executions = RecordingExecutions(ReachedExecutions(TemporalExecutions(client, settings)), buffer)
            stores = _Stores(writing, reading, settings)
            parked = parked_cases(settings, sagas, writing, reading)
            world = _world(sagas, settings, client, reading, stores)
            figuring = Figuring(SqlFigures(reading, settings.seal), world.clock)
            yield _service(sagas, world, executions, stores, parked=parked, figuring=figuring)


class _Stores:
    """What the service layer keeps beside the ledger."""

    def __init__(self, engine: AsyncEngine, reading: AsyncEngine, settings: Settings) -> None:
        seal = settings.seal
        writes = SharedWrites(engine, seal)
        self.register = SqlRegister(engine, seal, writes)
        self.bulks = SqlBulks(engine, seal, writes)
        self.switches = SqlSwitches(engine, seal)
        self.answers = SqlAnswers(engine, seal)
        self.tokens = SqlTokens(engine)
        self.accounts = SqlAccounts(engine, reading)
        self.sessions = SqlSessions(engine, reading)
        self.lasting = Lasting(settings.session_lasts, settings.session_idle)
        self.personal = SqlPersonal(engine, reading, seal)
        self.provider = provider_of(settings)
        self.events = SqlEventReader(reading, seal)


def _world(sagas: Sequence[Saga], settings: Settings, client: Client, reading: AsyncEngine, stores: _Stores) -> World:
    live, ledger = ReachedLive(TemporalLive(client, settings)), SqlLedgerReader(reading, settings.seal)
    return World(
        live=live,
        ledger=ledger,
        register=stores.register,
        clock=SystemClock(),
        subjects=Subjects(live, ledger),
        handlers=Handlers.of(saga.handlers for saga in sagas),
        quiet=2 * settings.task_timeout,
    )


def _service(
    sagas: Sequence[Saga],
    world: World,
    executions: Executions,
    stores: _Stores,
    *,
    parked: ParkedCases,
    figuring: Figuring,
) -> Service:
    register, clock = world.register, world.clock
    reading = Reading(world.ledger, clock)
    definitions = Definitions(sagas, reading)
    return Service(
        world=world,
        reading=reading,
        figuring=figuring,
        trail=Trail(register),
        events=Events(stores.events),
        operating=Operating(world),
        bulking=Bulking(stores.bulks, world.ledger, register, clock),
        running=BulkRunning(world, stores.bulks),
        switching=Switching(stores.switches, register, clock, sagas),
        definitions=definitions,
        starting=Starting(world, definitions, executions, stores.switches),
        parked=parked,
        issuing=Issuing(stores.tokens, register, clock),
        entering=_entering(stores, clock),
        once=Once(stores.answers, clock),
        personal=Personal(stores.personal),
    )


def _entering(stores: _Stores, clock: Clock) -> Entering:
    accounts = LocalAccounts(stores.accounts, stores.register, clock)
    sources: dict[str, Source] = {LOCAL: accounts}
    if stores.provider is not None:
        sources[stores.provider.issuer] = stores.provider
    return Entering(accounts, Sessioning(stores.sessions, clock, sources, stores.lasting), clock, stores.provider)
