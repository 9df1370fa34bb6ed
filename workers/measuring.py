"""What is measured in a process, by its settings. What parts count for themselves is read when somebody asks."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from orchestrator.adapters.telemetry.meter import OtelMeter
from orchestrator.adapters.telemetry.readable import resource_of
from orchestrator.errors import LedgerOutdatedError, StoreUnavailableError
from orchestrator.service import metrics
from orchestrator.service.figures import FRESH
from orchestrator.service.metering import Metering
from orchestrator.service.meters import SILENCE
from orchestrator.together import stop, together

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence

    from orchestrator.adapters.rabbitmq.gate import Gate
    from orchestrator.adapters.rabbitmq.replies import ReplyCounts
    from orchestrator.adapters.sql.gauges import SqlGauges
    from orchestrator.service.buffering import LedgerBuffer
    from orchestrator.service.changes import Tell
    from orchestrator.service.meters import Meter, Metric, Reading
    from orchestrator.service.tracing import Tracing
    from orchestrator.settings import Settings
    from workers.message_recorder import MessageRecorder
    from workers.relay import RelayCounts

log = logging.getLogger(__name__)
LOOK_EVERY_S = 0.5
"""How often the event loop's lag is looked at, seconds."""


@dataclass(slots=True)
class _Asked:
    """What is asked for when somebody asks us. Nothing is known while the ledger is away."""

    ask: Callable[[], Awaitable[Sequence[Reading]]]
    readings: Sequence[Reading] = ()

    async def refresh(self) -> None:
        try:
            self.readings = await self.ask()
        except (StoreUnavailableError, LedgerOutdatedError) as error:
            log.warning("metrics of the ledger are left out: %s", error)
            self.readings = ()


@dataclass(slots=True)
class Measuring:
    """The measuring of one process."""

    meter: OtelMeter
    metering: Metering
    _asked: list[_Asked] = field(default_factory=list[_Asked])
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _fresh_until: float = 0.0

    async def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        loop = asyncio.get_running_loop()
        async with self._asking:
            if loop.time() >= self._fresh_until:
                await together(one.refresh() for one in self._asked)
                self._fresh_until = loop.time() + FRESH.total_seconds()
        return self.meter.text()

    def ask(self, metric: Metric, ask: Callable[[], Awaitable[Sequence[Reading]]]) -> None:
        """A gauge that takes asking somebody else: it is asked for with all others, at most once in `FRESH`."""
        asked = _Asked(ask)
        self._asked.append(asked)
        self.meter.observe(metric, lambda: asked.readings)

    def ledger(self, gauges: SqlGauges) -> None:
        """Tell what waits in the ledger."""
        self.ask(metrics.EXECUTIONS_OPEN, gauges.open_executions)
        self.ask(metrics.PARKED_WAITING, gauges.parked_messages)

    def spans(self, tracing: Tracing | None) -> None:
        """Tell of spans that are lost."""
        if tracing is not None:
            self.meter.observe(metrics.SPANS_DROPPED, lambda: [(tracing.tracer.dropped, ())])

    def relay(self, counts: RelayCounts) -> None:
        """Tell what becomes of events."""
        self.meter.observe(metrics.RELAY_RECEIVED, lambda: [(counts.consumed, ())])
        self._outcomes(metrics.RELAY_MESSAGES, counts, but=("consumed",))

    def replies(self, counts: ReplyCounts) -> None:
        """Tell what becomes of replies."""
        self.meter.observe(metrics.REPLIES_RECEIVED, lambda: [(counts.consumed, ())])
        self._outcomes(metrics.REPLIES, counts, but=("consumed",))

    def consuming(self, **gates: Gate) -> None:
        """Tell which parts take messages."""
        self.meter.observe(metrics.CONSUMING, lambda: [(gate.is_open, (part,)) for part, gate in gates.items()])

    def event_store(self, recorder: MessageRecorder) -> None:
        """Tell what becomes of messages for the event store."""
        counts = recorder.counts
        self.meter.observe(metrics.STORED_MESSAGES, lambda: [(number, (word,)) for word, number in counts.items()])
        self.meter.observe(metrics.STORE_BACKLOG, lambda: [(recorder.waiting, ())])

    def buffer(self, buffer: LedgerBuffer, capacity: int) -> None:
        """Tell what becomes of what is given to the ledger."""
        counts = buffer.counts
        about_messages = ("messages", "messages_dropped")
        self.meter.observe(metrics.LEDGER_GIVEN, lambda: [(counts.given, ())])
        self._outcomes(metrics.LEDGER_CHANGES, counts, but=("given", "transactions", *about_messages))
        self.meter.observe(
            metrics.LEDGER_MESSAGES,
            lambda: [(counts.messages, ("written",)), (counts.messages_dropped, ("dropped",))],
        )
        self.meter.observe(metrics.LEDGER_TRANSACTIONS, lambda: [(counts.transactions, ())])
        self.meter.observe(metrics.LEDGER_WAITING, lambda: [(buffer.waiting, ())])
        self.meter.observe(metrics.LEDGER_CAPACITY, lambda: [(capacity, ())])
        self.meter.observe(metrics.LEDGER_AWAY, lambda: [(buffer.is_away, ())])

    def _outcomes(self, metric: Metric, counts: Any, *, but: tuple[str, ...]) -> None:
        """Each field of some counts as an outcome."""
        names = [one.name for one in fields(counts) if one.name not in but]

        def read() -> Iterator[Reading]:
            return ((getattr(counts, name), (name,)) for name in names)

        self.meter.observe(metric, read)


def tell_of(measuring: Measuring | None) -> Tell | None:
    """What the ledger's writer is to tell of its changes."""
    return None if measuring is None else measuring.metering.take


def meter_of(measuring: Measuring | None) -> Meter:
    """Where a part may count."""
    return SILENCE if measuring is None else measuring.meter


@asynccontextmanager
async def open_measuring(settings: Settings, service: str) -> AsyncGenerator[Measuring | None]:
    """Measuring while the block runs; None without a port at which somebody could ask.

    Args:
        settings: the port.
        service: what this process is.
    """
    if settings.health_port == 0:
        yield None
        return
    meter = OtelMeter(resource_of(service, settings.trace_environment or ""))
    looking = asyncio.create_task(_look_at_the_loop(meter))
    try:
        yield Measuring(meter, Metering(meter))
    finally:
        await stop(looking)
        meter.close()


async def _look_at_the_loop(meter: Meter) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LOOK_EVERY_S
        await asyncio.sleep(LOOK_EVERY_S)
        meter.record(metrics.LOOP_LAG, max(0.0, loop.time() - due))
