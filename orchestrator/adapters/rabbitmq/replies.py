"""The reply desk: brings each reply to whoever waits for it in this process, else to its execution.

Every process has a queue of its own and shares one with all others. A reply to a process that died, or that nobody
fetched within `REPLY_TTL`, ends in the shared queue.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import defaultdict
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.adapters.rabbitmq.consumer import Consumer, give_back
from orchestrator.adapters.rabbitmq.gate import Gate
from orchestrator.adapters.rabbitmq.ladder import next_step, read_trail
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.pace import Pace
from orchestrator.adapters.rabbitmq.parking import Why
from orchestrator.adapters.rabbitmq.settling import Settler
from orchestrator.adapters.rabbitmq.wire import from_amqp
from orchestrator.contracts.codecs.table import JSON_ONLY
from orchestrator.contracts.protocol import Reply, read_reply
from orchestrator.errors import EngineUnavailableError, MalformedMessageError, MessageError, OrchestratorError
from orchestrator.service.about import about
from orchestrator.service.ports import Delivery
from orchestrator.service.reply_contracts import ReplyContracts, failure
from orchestrator.service.routing import fault, no_execution

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from typing import Self

    from aio_pika.abc import AbstractIncomingMessage, AbstractRobustChannel, AbstractRobustConnection
    from aio_pika.abc import AbstractRobustQueue as Queue

    from orchestrator.adapters.rabbitmq.publisher import Publisher
    from orchestrator.contracts.codecs.table import Codecs
    from orchestrator.service.ports import Executions
    from orchestrator.service.routing import Park
    from orchestrator.settings import Settings

log = logging.getLogger(__name__)

REPLY_TTL = timedelta(seconds=10)
"""How long a reply may lie in a process's own queue before it goes to the shared one."""
QUEUE_EXPIRES = timedelta(hours=1)
"""A process's own queue is deleted when nobody has consumed it for so long."""


@dataclass(slots=True)
class ReplyCounts:
    """What became of the replies; `consumed` is the sum of the others plus those in hand.

    Attributes:
        handed: to a waiter in this process.
        answered: to a running execution.
        ignored: their execution had ended.
        retried, parked: put off, given up.
        returned: passed on or given back, or the connection was lost before they were settled: they come again.
    """

    consumed: int = 0
    handed: int = 0
    answered: int = 0
    ignored: int = 0
    retried: int = 0
    parked: int = 0
    returned: int = 0


class ReplyDesk:
    """Open it with `async with ReplyDesk.open(settings, connection, publisher, executions) as desk`.

    Args:
        settings: prefix, limits, patience.
        publisher: for ladder and parking.
        executions: takes the replies that nobody here waits for.
        contracts: what replies look like; unless given, anything that is JSON is handed on.
        codecs: which of them travel otherwise than as JSON.
        pace: how fast one execution gets messages; the relay's, so that both together keep it.
        worker_id: routing key of this process's replies; fresh and random unless given.
    """

    def __init__(
        self,
        settings: Settings,
        publisher: Publisher,
        executions: Executions,
        *,
        contracts: ReplyContracts | None = None,
        codecs: Codecs = JSON_ONLY,
        pace: Pace | None = None,
        worker_id: str | None = None,
    ) -> None:
        self.worker_id = worker_id or secrets.token_hex(8)
        self.counts = ReplyCounts()
        self.gate = Gate(executions.is_available)
        self._settings = settings
        self._executions = executions
        self._contracts = contracts or ReplyContracts()
        self._codecs = codecs
        self._pace = pace or Pace()
        self._names = Names(settings.name_prefix)
        self._settler = Settler(publisher, self._names, self._names.replies)
        self._waiting: defaultdict[str, list[asyncio.Future[Reply]]] = defaultdict(list)
        self._consumers: tuple[Consumer, ...] = ()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: Settings,
        connection: AbstractRobustConnection,
        publisher: Publisher,
        executions: Executions,
        *,
        contracts: ReplyContracts | None = None,
        codecs: Codecs = JSON_ONLY,
        pace: Pace | None = None,
        worker_id: str | None = None,
    ) -> AsyncGenerator[Self]:
        """A desk that takes replies until the end of the block; then those in hand go back to the broker.

        `connection` is for consuming, never the publisher's.

        Raises:
            TopologyError: the broker lacks the exchanges or the shared queue.
        """
        desk = cls(settings, publisher, executions, contracts=contracts, codecs=codecs, pace=pace, worker_id=worker_id)
        own_name = desk._names.reply_queue(desk.worker_id)
        own = Consumer(connection, own_name, desk._take_own, prefetch=settings.prefetch, open_queue=desk._declare_own)
        shared = Consumer(connection, desk._names.replies, desk._take_shared, prefetch=settings.prefetch)
        # Our own queue is never paused: whoever waits here must get the reply even while the engine is away.
        desk.gate.holds(shared)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(own)
            await stack.enter_async_context(shared)
            await stack.enter_async_context(desk.gate)
            desk._consumers = (own, shared)
            yield desk

    @contextmanager
    def expect(self, command_id: str) -> Generator[asyncio.Future[Reply]]:
        """A future that gets the reply to `command_id`. Begin before the command is published.

        Several may wait for one command; each gets the reply. It is never cancelled or failed by the desk.
        """
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[command_id].append(future)
        try:
            yield future
        finally:
            self._waiting[command_id].remove(future)
            if not self._waiting[command_id]:
                del self._waiting[command_id]

    async def drain(self, within: timedelta) -> None:
        """Take no more replies; let those in hand end for at most `within`."""
        for consumer in self._consumers:
            await consumer.drain(within if self.gate.is_open else None)

    async def is_healthy(self) -> bool:
        """Whether both queues are consumed."""
        return all([await consumer.is_healthy() for consumer in self._consumers])

    async def _declare_own(self, channel: AbstractRobustChannel) -> Queue:
        queue = await channel.declare_queue(
            self._names.reply_queue(self.worker_id),
            durable=True,
            arguments={
                "x-queue-type": "classic",
                "x-message-ttl": int(REPLY_TTL.total_seconds() * 1000),
                "x-dead-letter-exchange": self._names.replies_late,
                "x-expires": int(QUEUE_EXPIRES.total_seconds() * 1000),
            },
        )
        await queue.bind(self._names.replies, routing_key=self.worker_id)
        return queue

    async def _take_own(self, message: AbstractIncomingMessage) -> None:
        await self._take(message, own=True)

    async def _take_shared(self, message: AbstractIncomingMessage) -> None:
        await self._take(message, own=False)

    async def _take(self, message: AbstractIncomingMessage, *, own: bool) -> None:
        self.counts.consumed += 1
        outcome = "returned"
        try:
            outcome = await self._settle(message, own=own)
        finally:
            setattr(self.counts, outcome, getattr(self.counts, outcome) + 1)

    async def _settle(self, message: AbstractIncomingMessage, *, own: bool) -> str:
        try:
            reply = self._read(message, self._codecs)
        except MessageError as error:
            return await self._refuse_unread(message, error, own=own)
        with about(reply.execution, reply.correlation_id, step=reply.step, direction=reply.direction):
            return await self._settle_reply(message, reply, own=own)

    async def _settle_reply(self, message: AbstractIncomingMessage, reply: Reply, *, own: bool) -> str:
        try:
            reply = self._contracts.read(reply)
            if self._hand_over(reply):
                return _if(await self._settler.acknowledge(message), "handed")
            delivery = await self._answer(reply, own=own)
        except MessageError as error:
            return await self._refuse(message, reply, error, own=own)
        except Exception as error:
            log.exception("could not hand the reply of %s to %s", reply.step, reply.execution)
            return await self._put_off(message, fault(reply.execution, error).otherwise, reply.execution)
        match delivery:
            case None:
                return await self._return(message, own=own)
            case Delivery.MISSING:
                return await self._put_off(message, no_execution(reply.execution), reply.execution)
            case _:
                word = "ignored" if delivery is Delivery.ENDED else "answered"
                return _if(await self._settler.acknowledge(message), word)

    async def _refuse_unread(self, message: AbstractIncomingMessage, error: MessageError, *, own: bool) -> str:
        """Park a reply that cannot be read; if all but its body can, its step is told."""
        try:
            reply = self._read(message, self._codecs.unread())
        except MessageError:
            return _if(await self._settler.park(message, Why(error.reason, str(error))), "parked")
        return await self._refuse(message, reply, error, own=own)

    async def _refuse(self, message: AbstractIncomingMessage, reply: Reply, error: MessageError, *, own: bool) -> str:
        """Park a reply that cannot be used, once its step was told: it would wait for another one in vain."""
        told = failure(reply, error)
        if not self._hand_over(told):
            try:
                if await self._answer(told, own=own) is None:
                    return await self._return(message, own=own)
            except OrchestratorError as second:
                log.warning("could not tell %s of an unusable reply: %s", reply.execution, second)
        why = Why(error.reason, str(error), (reply.execution,))
        return _if(await self._settler.park(message, why), "parked")

    async def _return(self, message: AbstractIncomingMessage, *, own: bool) -> str:
        """Pass it on to where it may wait for the engine, or back to there."""
        if not own:
            return _if(await give_back(message), "returned")
        exchange, key = self._names.replies_late, self.worker_id
        return _if(await self._settler.pass_on(message, exchange=exchange, routing_key=key), "returned")

    def _read(self, message: AbstractIncomingMessage, codecs: Codecs) -> Reply:
        envelope = from_amqp(message, max_body_bytes=self._settings.max_body_bytes, codecs=codecs)
        if not envelope.causation_id:
            # A foreign participant may know AMQP only: there this id pairs the two as well.
            envelope = replace(envelope, causation_id=message.correlation_id or "")
        reply = read_reply(envelope)
        if not reply.command_id:
            raise MalformedMessageError("the reply does not name its command: send ce-causationid, the command's id")
        return reply

    def _hand_over(self, reply: Reply) -> bool:
        waiting = [future for future in self._waiting.get(reply.command_id, ()) if not future.done()]
        for future in waiting:
            future.set_result(reply)
        return bool(waiting)

    async def _answer(self, reply: Reply, *, own: bool) -> Delivery | None:
        """Tell the execution. None: not now, and this queue must not wait for it, or has waited too long.

        The engine may be away, or the execution may have had enough for a while.
        """
        if own and not self._pace.may(reply.workflow):
            return None  # who waits for a reply in this queue must not wait behind a flood of those nobody waits for
        if not own:
            await asyncio.sleep(self._pace.wait(reply.workflow))
        while self.gate.is_open if own else await self.gate.opened():
            try:
                return await self._executions.answer(reply)
            except EngineUnavailableError:
                self.gate.close()
        return None

    async def _put_off(self, message: AbstractIncomingMessage, otherwise: Park, execution: str) -> str:
        now = datetime.now(UTC)
        trail = read_trail(message, self._names, now)
        step = next_step(trail, now=now, patience=self._settings.missing_patience)
        if step is not None:
            return _if(await self._settler.put_off(message, step), "retried")
        why = Why(otherwise.reason, otherwise.text, (execution,))
        return _if(await self._settler.park(message, why), "parked")


def _if(settled: bool, outcome: str) -> str:  # noqa: FBT001 - reads as "if settled, parked"
    """The outcome that is counted: a message whose channel was gone comes again."""
    return outcome if settled else "returned"
