"""The relay: takes events from the broker to the executions that want them. It decides nothing else.

A message is acknowledged only when the engine has it, or when it stands in the retry ladder or in parking. It also
looks after the queue of events that nobody is bound for, so that each of them meets one of these ends as well.
"""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from orchestrator.adapters.rabbitmq.consumer import Consumer, give_back
from orchestrator.adapters.rabbitmq.gate import Gate
from orchestrator.adapters.rabbitmq.ladder import next_step, read_trail
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.pace import Pace
from orchestrator.adapters.rabbitmq.parking import Why
from orchestrator.adapters.rabbitmq.settling import Settler
from orchestrator.adapters.rabbitmq.turns import Turns
from orchestrator.adapters.rabbitmq.wire import from_amqp
from orchestrator.contracts.codecs.table import JSON_ONLY
from orchestrator.contracts.protocol import is_for_others, may_be_unheard
from orchestrator.errors import EngineUnavailableError, MessageError, UnknownMessageTypeError
from orchestrator.service.about import about
from orchestrator.service.ports import Delivery
from orchestrator.service.routing import Ack, Deliver, Park, Retry, fault, settlement, start_instead

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from datetime import timedelta
    from typing import Self

    from aio_pika.abc import AbstractIncomingMessage, AbstractRobustConnection

    from orchestrator.adapters.rabbitmq.ladder import Trail
    from orchestrator.adapters.rabbitmq.publisher import Publisher
    from orchestrator.contracts.catalogue import Catalogue
    from orchestrator.contracts.codecs.table import Codecs
    from orchestrator.messages import Envelope
    from orchestrator.service.ports import Executions
    from orchestrator.service.routing import Routes, Settlement, Target
    from orchestrator.settings import Settings

    Settle: TypeAlias = Callable[[AbstractIncomingMessage], Awaitable[str]]

log = logging.getLogger(__name__)

UNBOUND = (
    "nor is any queue bound for it. Check how it is spelled; if a saga is to want it, declare it there, run "
    "`saga topology apply` with the workers' --sagas and send this again; if nobody need listen, send it with header "
    "`saga-optional: true`"
)
"""What to do about an event that nobody wants."""


@dataclass(slots=True)
class RelayCounts:
    """What became of the messages; `consumed` is the sum of the others plus those in hand.

    A message for several executions counts once, under the first of these words that is true of one of them.

    Attributes:
        retried: put off, it comes again. `parked`: a person must look at it.
        started, delivered, duplicate, ignored: what the engine said; a replay that is for others is ignored too.
        unheard: nobody is bound for it, and nobody need be.
        returned: given back, or the connection was lost before it was settled: it comes again.
    """

    consumed: int = 0
    retried: int = 0
    parked: int = 0
    started: int = 0
    delivered: int = 0
    duplicate: int = 0
    ignored: int = 0
    unheard: int = 0
    returned: int = 0


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A message that was understood: its envelope, its payload, and whom it is for."""

    envelope: Envelope
    payload: Any
    targets: tuple[Target, ...]


class Relay:
    """Open it with `async with Relay.open(...) as relay`.

    Args:
        routes: which sagas want which message types.
        catalogue: what those messages look like.
        executions: the engine.
        codecs: which of those message types travel otherwise than as JSON.
        pace: how fast one execution gets messages; the reply desk's, so that both together keep it.
    """

    def __init__(
        self,
        settings: Settings,
        publisher: Publisher,
        *,
        routes: Routes,
        catalogue: Catalogue,
        executions: Executions,
        codecs: Codecs = JSON_ONLY,
        pace: Pace | None = None,
    ) -> None:
        self.counts = RelayCounts()
        self.gate = Gate(executions.is_available)
        self._settings = settings
        self._routes = routes
        self._catalogue = catalogue
        self._executions = executions
        self._codecs, self._unread = codecs, codecs.unread()
        self._names = Names(settings.name_prefix)
        self._settler = Settler(publisher, self._names, self._names.ingress)
        self._unrouted = Settler(publisher, self._names, self._names.unrouted_queue)
        self._turns = Turns(pace or Pace())
        self._consumers: tuple[Consumer, ...] = ()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: Settings,
        connection: AbstractRobustConnection,
        publisher: Publisher,
        *,
        routes: Routes,
        catalogue: Catalogue,
        executions: Executions,
        codecs: Codecs = JSON_ONLY,
        pace: Pace | None = None,
    ) -> AsyncGenerator[Self]:
        """A relay that takes events until the end of the block; then those in hand go back to the broker.

        `connection` is for consuming, never the publisher's.

        Raises:
            TopologyError: the broker lacks the queue.
        """
        relay = cls(
            settings, publisher, routes=routes, catalogue=catalogue, executions=executions, codecs=codecs, pace=pace
        )
        ways = {relay._names.ingress: relay._settle, relay._names.unrouted_queue: relay._settle_unrouted}
        async with AsyncExitStack() as stack:
            for queue, settle in ways.items():
                consumer = Consumer(connection, queue, partial(relay._take, settle), prefetch=settings.prefetch)
                relay.gate.holds(consumer)
                relay._consumers += (await stack.enter_async_context(consumer),)
            await stack.enter_async_context(relay.gate)
            yield relay

    async def drain(self, within: timedelta) -> None:
        """Take no more events; let those in hand end for at most `within`."""
        for consumer in self._consumers:
            await consumer.drain(within if self.gate.is_open else None)

    async def is_healthy(self) -> bool:
        """Whether both queues are consumed, or paused on purpose."""
        return all([await consumer.is_healthy() for consumer in self._consumers])

    async def _take(self, settle: Settle, message: AbstractIncomingMessage) -> None:
        self.counts.consumed += 1
        outcome = "returned"
        try:
            outcome = await settle(message)
        finally:
            setattr(self.counts, outcome, getattr(self.counts, outcome) + 1)

    async def _settle(self, message: AbstractIncomingMessage) -> str:
        try:
            envelope = self._envelope(message, self._codecs)
            if is_for_others(envelope.headers):
                return "ignored" if await self._settler.acknowledge(message) else "returned"
            arrival = self._read(envelope)
        except MessageError as error:
            parked = await self._settler.park(message, Why(error.reason, str(error)))
            return "parked" if parked else "returned"
        trail = read_trail(message, self._names, datetime.now(UTC))
        verdicts: list[tuple[Target, Settlement]] = []
        for target in arrival.targets:
            if target.execution_id in trail.settled:
                continue
            verdict = await self._tell(target, arrival)
            if verdict is None:
                await give_back(message)
                return "returned"
            verdicts.append((target, verdict))
        return await self._carry_out(message, trail, verdicts)

    async def _settle_unrouted(self, message: AbstractIncomingMessage) -> str:
        """A message that no queue is bound for: ours all the same, or of no interest to anybody, or a mistake."""
        try:
            # Its body is not looked into: what nobody wants may travel in a way that nobody here reads.
            envelope = self._envelope(message, self._unread)
        except MessageError as error:
            return await self._park_unrouted(message, error)
        if envelope.type in self._routes.types:
            # Published before its saga was applied to the broker, or by another routing key than its type.
            return await self._settle(message)
        if may_be_unheard(envelope.headers) or self._settings.unrouted_events == "ignore":
            return "unheard" if await self._unrouted.acknowledge(message) else "returned"
        return await self._park_unrouted(message, UnknownMessageTypeError(envelope.type, remedy=UNBOUND))

    async def _park_unrouted(self, message: AbstractIncomingMessage, error: MessageError) -> str:
        return "parked" if await self._unrouted.park(message, Why(error.reason, str(error))) else "returned"

    def _read(self, envelope: Envelope) -> _Arrival:
        payload = self._catalogue.validate(envelope.type, envelope.body, envelope.version)
        targets = self._routes.find(envelope.type, payload)
        if not targets:
            raise UnknownMessageTypeError(envelope.type)
        newest = self._catalogue.newest(envelope.type)
        # The body stays as it came; from here on the version is that of the payload beside it.
        return _Arrival(envelope if envelope.version == newest else replace(envelope, version=newest), payload, targets)

    def _envelope(self, message: AbstractIncomingMessage, codecs: Codecs) -> Envelope:
        return from_amqp(message, max_body_bytes=self._settings.max_body_bytes, codecs=codecs)

    async def _tell(self, target: Target, arrival: _Arrival) -> Settlement | None:
        """Tell one execution, waiting while the engine is away. None: that takes too long."""
        async with self._turns.of(target.execution_id):
            with about(target.execution_id, arrival.envelope.correlation_id):
                return await self._told(target, arrival)

    async def _told(self, target: Target, arrival: _Arrival) -> Settlement | None:
        while await self.gate.opened():
            try:
                return settlement(await self._hand_over(target, arrival), target)
            except EngineUnavailableError:
                self.gate.close()
            except MessageError as error:
                return Park(error.reason, str(error))
            except Exception as error:
                log.exception("could not hand %s to %s", arrival.envelope.type, target.execution_id)
                return fault(target.execution_id, error)
        return None

    async def _hand_over(self, target: Target, arrival: _Arrival) -> Delivery:
        envelope, payload = arrival.envelope, arrival.payload
        if isinstance(target, Deliver):
            delivery = await self._executions.deliver(target.execution_id, envelope, payload)
            start = start_instead(target, envelope.type)
            if delivery is not Delivery.MISSING or start is None:
                return delivery
        return await self._executions.start(target.plan, target.execution_id, envelope, payload)

    async def _carry_out(
        self, message: AbstractIncomingMessage, trail: Trail, verdicts: Sequence[tuple[Target, Settlement]]
    ) -> str:
        now = datetime.now(UTC)
        patience = self._settings.missing_patience
        steps = [
            next_step(trail, now=now, patience=None if verdict.endless else patience)
            for _, verdict in verdicts
            if isinstance(verdict, Retry)
        ]
        soonest = min(filter(None, steps), key=lambda step: step.delay, default=None)
        if soonest is not None:
            settled = tuple(target.execution_id for target, verdict in verdicts if _is_settled(verdict))
            outcome, done = "retried", await self._settler.put_off(message, soonest, settled=settled)
        elif (why := _why_parked(verdicts)) is not None:
            outcome, done = "parked", await self._settler.park(message, why)
        else:
            outcome, done = _word(verdicts), await self._settler.acknowledge(message)
        return outcome if done else "returned"


def _is_settled(verdict: Settlement) -> bool:
    return not isinstance(verdict, Retry | Park)


def _why_parked(verdicts: Sequence[tuple[Target, Settlement]]) -> Why | None:
    """One reason for all targets that want it parked; None if there is none."""
    found = {
        target.execution_id: verdict.otherwise if isinstance(verdict, Retry) else verdict
        for target, verdict in verdicts
        if isinstance(verdict, Retry | Park)
    }
    if not found:
        return None
    first = next(iter(found.values()))
    return Why(first.reason, "; ".join(dict.fromkeys(park.text for park in found.values())), tuple(found))


def _word(verdicts: Sequence[tuple[Target, Settlement]]) -> str:
    """The counter of a message that every target took."""
    said = {verdict.outcome if isinstance(verdict, Ack) else "ignored" for _, verdict in verdicts}
    return next((word for word in ("started", "delivered", "duplicate") if word in said), "ignored")
