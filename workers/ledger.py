"""The ledger of a process: opened, made ready, and with a buffer in front of it."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestrator.adapters.sql.databases import make_folder, reading_from, writing_to
from orchestrator.adapters.sql.gauges import SqlGauges
from orchestrator.adapters.sql.ledger import SqlLedger
from orchestrator.adapters.sql.ledger_reader import SqlLedgerReader
from orchestrator.adapters.sql.switches import SqlSwitches
from orchestrator.errors import StoreUnavailableError
from orchestrator.service.buffering import LedgerBuffer
from orchestrator.service.switches import SwitchBoard
from orchestrator.service.tracing import TracingLedger

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from orchestrator.service.changes import Tell
    from orchestrator.service.tracing import Tracing
    from orchestrator.settings import Settings

log = logging.getLogger(__name__)
SWITCHES_READ_EVERY = timedelta(seconds=1)
"""How soon a worker heeds a switch, at the latest."""


@asynccontextmanager
async def open_buffer(
    settings: Settings, tracing: Tracing | None = None, *, tell: Tell | None = None
) -> AsyncGenerator[LedgerBuffer]:
    """A buffer in front of the ledger. A ledger that is away does not keep sagas from running.

    What is written there is told as spans too, if there is `tracing`; `tell` gets what it changed.

    Raises:
        LedgerOutdatedError: its tables are of another version; run `saga ledger migrate`.
    """
    make_folder(settings.ledger)
    async with writing_to(settings.ledger) as engine:
        ledger = SqlLedger(engine, settings.seal, tell=tell)
        try:
            await ledger.prepare()
        except StoreUnavailableError as error:
            log.warning("the ledger is away (%s): sagas run, what they do is written when it is back", error)
        writer = ledger if tracing is None else TracingLedger(ledger, tracing)
        async with LedgerBuffer(writer, limit=settings.ledger_buffer) as buffer:
            yield buffer


@asynccontextmanager
async def open_reader(settings: Settings) -> AsyncGenerator[SqlLedgerReader]:
    """The ledger for those who ask it; opened after the buffer, which makes its tables."""
    async with reading_from(settings.ledger) as engine:
        yield SqlLedgerReader(engine, settings.seal)


@asynccontextmanager
async def open_gauges(settings: Settings) -> AsyncGenerator[SqlGauges]:
    """What waits in the ledger, for metrics; opened after the buffer, which makes its tables."""
    async with reading_from(settings.ledger) as engine:
        yield SqlGauges(engine)


@asynccontextmanager
async def open_board(settings: Settings) -> AsyncGenerator[SwitchBoard]:
    """The switches as this process knows them; opened after the buffer, which makes the ledger's tables."""
    async with (
        reading_from(settings.ledger) as engine,
        SwitchBoard(SqlSwitches(engine, settings.seal), SWITCHES_READ_EVERY) as board,
    ):
        yield board
