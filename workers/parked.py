"""The use cases of parked messages, wired: for the command line, and for whoever serves them to others."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from orchestrator.adapters.rabbitmq.parked import RabbitRedriver, attributes_of, data_of
from orchestrator.adapters.sql.databases import reading_from, writing_to
from orchestrator.adapters.sql.migrating import check_version
from orchestrator.adapters.sql.parked_reader import SqlParkedReader
from orchestrator.adapters.sql.parked_store import SqlParkedStore
from orchestrator.adapters.sql.register import SqlRegister
from orchestrator.contracts.catalogue import Catalogue
from orchestrator.messages import Message, reply_of
from orchestrator.service.parked_cases import ParkedCases
from orchestrator.service.parked_deciding import ParkedDeciding
from orchestrator.service.parked_editing import EditRules
from orchestrator.service.parked_reading import ParkedReading
from orchestrator.service.parked_redriving import LEASE, Redriving
from workers.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from sqlalchemy.ext.asyncio import AsyncEngine

    from orchestrator.saga.definition import Saga
    from orchestrator.service.parked_ports import Redriver
    from orchestrator.settings import Settings


@asynccontextmanager
async def open_parked(
    settings: Settings, sagas: Sequence[Saga] = (), *, sends: bool = False
) -> AsyncGenerator[ParkedCases]:
    """The use cases, over ledger and broker.

    Args:
        settings: where ledger and broker are.
        sagas: their messages are known to edits.
        sends: whether redrives are sent from here; unless so the recorder sends them, and no broker is needed.

    Raises:
        LedgerOutdatedError: the ledger's tables are of another version; run `saga ledger migrate`.
        StoreUnavailableError: the ledger is away.
        BrokerUnavailableError: it is to send, and the broker is away.
    """
    async with AsyncExitStack() as stack:
        writing = await stack.enter_async_context(writing_to(settings.ledger))
        reading = await stack.enter_async_context(reading_from(settings.ledger))
        await check_version(writing)
        redriver = await stack.enter_async_context(RabbitRedriver.open(settings)) if sends else None
        yield parked_cases(settings, sagas, writing, reading, redriver=redriver)


def parked_cases(
    settings: Settings,
    sagas: Sequence[Saga],
    writing: AsyncEngine,
    reading: AsyncEngine,
    *,
    redriver: Redriver | None = None,
) -> ParkedCases:
    """The use cases over a ledger that is open; unless there is a `redriver` the recorder sends what is redriven."""
    clock, seal = SystemClock(), settings.seal
    reader, store = SqlParkedReader(reading, seal), SqlParkedStore(writing, seal)
    deciding = ParkedDeciding(
        reader,
        store,
        SqlRegister(writing, seal),
        clock,
        rules=EditRules(catalogue_of(sagas), attributes_of, data_of, settings.max_body_bytes),
        redriving=Redriving(store, redriver, clock, lease=lease_of(settings)) if redriver else None,
    )
    return ParkedCases(ParkedReading(reader, clock), deciding)


def lease_of(settings: Settings) -> timedelta:
    """How long a process has to send what it claimed."""
    return max(LEASE, 3 * settings.publish_timeout)


def catalogue_of(sagas: Sequence[Saga]) -> Catalogue:
    """Every message that these sagas send or take; of versions that differ, the newest."""
    by_type: dict[str, type[Message]] = {}
    for saga in sorted(sagas, key=lambda saga: saga.version, reverse=True):
        for model in _messages(saga):
            by_type.setdefault(model.message_type, model)
    return Catalogue(by_type.values())


def _messages(saga: Saga) -> Iterator[type[Message]]:
    yield from saga.events.values()
    for handler in saga.handlers.values():
        result: Any = handler.function.result
        if handler.lane != "command":
            continue
        yield result
        reply = reply_of(result)
        if issubclass(reply, Message):
            yield reply
