"""The recorder's part for the event store: appends every message that passes over the broker, in batches.

In this order: commit, acknowledge. A crash in between brings the batch again, and what is there already is not stored
a second time. Nobody waits for it: it has a queue of its own, which drops its oldest when it is full.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.adapters.rabbitmq.consumer import PAUSE, Consumer, acknowledge, give_back, is_gone
from orchestrator.adapters.rabbitmq.gate import Gate
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.stored import read_stored
from orchestrator.adapters.sql.event_store import SqlEventStore
from orchestrator.adapters.sql.ledger import SqlLedger
from orchestrator.errors import LedgerOutdatedError, MessageError, StoreUnavailableError
from orchestrator.service.records import milliseconds
from orchestrator.together import stop
from workers.turning import again_and_again

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from aio_pika.abc import AbstractIncomingMessage, AbstractRobustConnection
    from sqlalchemy.ext.asyncio import AsyncEngine

    from orchestrator.settings import Settings
    from orchestrator.stored import StoredMessage

log = logging.getLogger(__name__)

PREFETCH = 1_000
"""Messages in hand at once: one batch is written while the next one comes in."""
BATCH, BATCH_BYTES = 500, 8_000_000
"""Most messages, and most bytes of bodies, of one transaction."""
LINGER = timedelta(milliseconds=50)
"""How long a batch waits for more: at a low rate a message is in the store so much later."""
TEND_EVERY = timedelta(minutes=1)
AWAY = (StoreUnavailableError, LedgerOutdatedError)


class MessageRecorder:
    """Appends what comes.

    Args:
        engine: of the database in which the ledger and the event store lie.
        queue: another than the store's own, for a second store that somebody keeps beside it.

    Attributes:
        counts: stored; repeated (it was there); unreadable (parking has it); differing (an id with another body).
    """

    def __init__(self, settings: Settings, engine: AsyncEngine, *, queue: str = "") -> None:
        self.counts = Counter[str]()
        self.gate = Gate(self._has_store, what="the database")
        self._settings = settings
        self._names = Names(settings.name_prefix)
        self._queue = queue or self._names.store
        self._ledger = SqlLedger(engine, settings.seal)
        self._store = SqlEventStore(engine, settings.seal)
        self._arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()

    @asynccontextmanager
    async def consuming(self, connection: AbstractRobustConnection) -> AsyncGenerator[Consumer]:
        """Take messages while the block runs; then those in hand are stored, or go back.

        Raises:
            TopologyError: the broker has no queue for the event store.
            LedgerOutdatedError: the tables are of another version.
        """
        try:
            await self._ledger.prepare()
        except StoreUnavailableError as error:
            log.warning("the database is away (%s): messages wait in their queue", error)
        async with Consumer(connection, self._queue, self.take, prefetch=PREFETCH) as consumer, self.gate:
            self.gate.holds(consumer)
            self._consumer = consumer
            keeping = asyncio.create_task(self._keep())
            try:
                yield consumer
                await self._drain(consumer)
            finally:
                await stop(keeping)

    @property
    def waiting(self) -> int:
        """How many are in hand and not in a batch yet."""
        return self._arrived.qsize()

    async def is_healthy(self) -> bool:
        """Whether the queue is consumed, or paused on purpose."""
        return await self._consumer.is_healthy()

    async def take(self, message: AbstractIncomingMessage) -> None:
        """Put it into the next batch."""
        self._arrived.put_nowait(message)

    async def go_on(self) -> None:
        """Forget what is old, again and again, until cancelled."""
        await again_and_again("the event store", self.tend, TEND_EVERY)

    async def tend(self) -> None:
        """Forget what is older than it is to be kept."""
        await self._ledger.prepare()
        before = milliseconds(datetime.now(UTC) - self._settings.event_keep)
        while await self._store.forget(stored_before_ms=before):
            pass

    async def _keep(self) -> None:
        while True:
            batch = await self._gathered()
            try:
                await self._store_all(batch)
            except Exception:
                log.exception("a batch of %d messages could not be stored; each is tried by itself", len(batch))
                await self._store_each(batch)
            for _ in batch:
                self._arrived.task_done()

    async def _gathered(self) -> list[AbstractIncomingMessage]:
        """The next batch: what is there, and what comes within a moment."""
        batch = [await self._arrived.get()]
        size = len(batch[0].body)
        until = asyncio.get_running_loop().time() + LINGER.total_seconds()
        try:
            async with asyncio.timeout_at(until):
                while len(batch) < BATCH and size < BATCH_BYTES:
                    batch.append(await self._arrived.get())
                    size += len(batch[-1].body)
        except TimeoutError:
            pass
        return batch

    async def _store_all(self, batch: Sequence[AbstractIncomingMessage]) -> None:
        """Store a batch, then acknowledge it as one. While the database is away it stays in hand, then goes back."""
        batch = [message for message in batch if not is_gone(message)]
        if not batch:
            return
        messages = self._read(batch)
        while await self.gate.opened():
            try:
                await self._ledger.prepare()
                await self._append(messages, given=len(batch))
            except AWAY as error:
                log.warning("the recorder waits for the database: %s", error)
                self.gate.close()
                continue
            # Of one channel: each was handed over before the last one.
            await acknowledge(batch[-1], all_before=True)
            return
        for message in batch:
            await give_back(message)

    async def _store_each(self, batch: Sequence[AbstractIncomingMessage]) -> None:
        """One that cannot be stored keeps no other from it, and is not lost: it comes again."""
        for message in batch:
            try:
                await self._append(self._read([message]), given=1)
            except Exception:
                log.exception("message %s could not be stored and goes back", message.message_id)
                await asyncio.sleep(PAUSE)
                await give_back(message)
            else:
                await acknowledge(message)

    async def _append(self, messages: Sequence[StoredMessage], *, given: int) -> None:
        """Store what could be read of so many, and count them all."""
        appended = await self._store.append(messages)
        read = len(messages)
        self.counts.update(stored=appended.stored, repeated=read - appended.stored, unreadable=given - read)
        if appended.differing:
            self.counts["differing"] += len(appended.differing)
            log.warning("messages came with ids that others had before, the first ones stay: %s", appended.differing)

    def _read(self, batch: Sequence[AbstractIncomingMessage]) -> list[StoredMessage]:
        now_ms = milliseconds(datetime.now(UTC))
        found: list[StoredMessage] = []
        for message in batch:
            try:
                found.append(read_stored(message, self._names, self._settings, now_ms))
            except MessageError as error:
                log.warning("a message to %s is not kept, its taker parks it: %s", message.exchange, error)
        return found

    async def _drain(self, consumer: Consumer) -> None:
        """Store what is in hand, unless the database is away: then it goes back when the channel closes."""
        await consumer.pause()
        if not self.gate.is_open:
            return
        try:
            async with asyncio.timeout(self._settings.drain_timeout.total_seconds()):
                await self._arrived.join()
        except TimeoutError:
            log.warning("%d messages go back to the queue of the event store", self._arrived.qsize())

    async def _has_store(self) -> bool:
        await self._ledger.prepare()
        await self._store.look()
        return True
