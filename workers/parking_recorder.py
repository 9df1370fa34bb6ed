"""The recorder's part for parked messages: copies them into the ledger, and sends back what people redrive."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.adapters.rabbitmq.consumer import Consumer, acknowledge, give_back
from orchestrator.adapters.rabbitmq.gate import Gate
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.parked import read_parked
from orchestrator.adapters.sql.ledger import SqlLedger
from orchestrator.adapters.sql.parked_store import SqlParkedStore
from orchestrator.errors import LedgerOutdatedError, PublishError, StoreUnavailableError
from orchestrator.service.parked_arrivals import arrival_of
from orchestrator.service.parked_redriving import Redriving
from orchestrator.service.records import milliseconds
from workers.clock import SystemClock
from workers.parked import lease_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aio_pika.abc import AbstractIncomingMessage, AbstractRobustConnection
    from sqlalchemy.ext.asyncio import AsyncEngine

    from orchestrator.service.parked_ports import Redriver
    from orchestrator.settings import Settings

log = logging.getLogger(__name__)
EVERY = timedelta(seconds=5)
"""How often it looks for redrives that nobody is sending."""
FORGET_EVERY = timedelta(minutes=10)
PREFETCH = 10
"""Parked messages in hand at once: each may be as large as the broker allows."""
AWAY = (StoreUnavailableError, LedgerOutdatedError)


class ParkingRecorder:
    """Copies parked messages, and tends to redrives.

    Args:
        engine: of the ledger. `redriver`: sends; on another connection than the one that consumes.
    """

    def __init__(self, settings: Settings, engine: AsyncEngine, redriver: Redriver) -> None:
        self.gate = Gate(self._has_ledger, what="the ledger")
        self._settings = settings
        self._names = Names(settings.name_prefix)
        self._ledger = SqlLedger(engine, settings.seal)
        self._store = SqlParkedStore(engine, settings.seal)
        self._redriving = Redriving(self._store, redriver, SystemClock(), lease=lease_of(settings))
        self._forget_at = 0.0

    @asynccontextmanager
    async def consuming(self, connection: AbstractRobustConnection) -> AsyncGenerator[Consumer]:
        """Take messages while the block runs; then those in hand are stored, or go back.

        Raises:
            TopologyError: the broker has no parking queue.
            LedgerOutdatedError: the ledger's tables are of another version.
        """
        try:
            await self._ledger.prepare()
        except StoreUnavailableError as error:
            log.warning("the ledger is away (%s): parked messages wait in their queue", error)
        async with Consumer(connection, self._names.parking, self.take, prefetch=PREFETCH) as consumer, self.gate:
            self.gate.holds(consumer)
            self._consumer = consumer
            yield consumer
            await consumer.drain(self._settings.drain_timeout if self.gate.is_open else None)

    async def is_healthy(self) -> bool:
        """Whether the parking queue is consumed, or paused on purpose."""
        return await self._consumer.is_healthy()

    async def take(self, message: AbstractIncomingMessage) -> None:
        """Store a parked message, then acknowledge it. While the ledger is away it stays in hand, then goes back."""
        arrival = arrival_of(read_parked(message, self._names))
        while await self.gate.opened():
            try:
                await self._ledger.prepare()
                await self._store.record(arrival, milliseconds(datetime.now(UTC)))
            except AWAY as error:
                log.warning("the recorder waits for the ledger: %s", error)
                self.gate.close()
            else:
                await acknowledge(message)
                return
        await give_back(message)

    async def tend(self) -> None:
        """Send what nobody is sending, forget what is old, and say that a recorder is at work."""
        await self._ledger.prepare()
        now = datetime.now(UTC)
        await self._store.mark_recorded(milliseconds(now))
        await self._redriving.go_on()
        loop = asyncio.get_running_loop()
        if loop.time() >= self._forget_at:
            while await self._store.forget(decided_before_ms=milliseconds(now - self._settings.parked_keep)):
                pass
            self._forget_at = loop.time() + FORGET_EVERY.total_seconds()

    async def go_on(self) -> None:
        """Tend again and again, until cancelled; while ledger or broker are away it waits for them."""
        while True:
            try:
                await self.tend()
            except (*AWAY, PublishError) as error:
                log.warning("the recorder waits: %s", error)
            except Exception:
                log.exception("the recorder could not tend to what is redriven; it tries again")
            await asyncio.sleep(EVERY.total_seconds())

    async def _has_ledger(self) -> bool:
        await self._ledger.prepare()
        await self._store.mark_recorded(milliseconds(datetime.now(UTC)))
        return True
