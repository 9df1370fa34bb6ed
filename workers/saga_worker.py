"""A saga worker: relay, workflow, actions and reply desk on one Temporal client, so that sagas start in place.

Whole by `open_worker`; as an addition to a Temporal worker that somebody has already by `saga_plugin`.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.rabbitmq.courier import RabbitCourier
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.pace import Pace
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.rabbitmq.replies import ReplyDesk
from orchestrator.adapters.rabbitmq.topology import check_topology
from orchestrator.adapters.temporal.attributes import ensure_search_attribute
from orchestrator.adapters.temporal.connecting import connect, retention_of
from orchestrator.adapters.temporal.gateway import TemporalExecutions
from orchestrator.adapters.temporal.performing import Stage
from orchestrator.adapters.temporal.worker import SagaPlugin, saga_worker
from orchestrator.contracts.catalogue import Catalogue
from orchestrator.saga.handlers import Handlers
from orchestrator.service.codecs import codecs_of_sagas
from orchestrator.service.holding import HoldingExecutions
from orchestrator.service.recording import RecordingCourier, RecordingExecutions
from orchestrator.service.records import Status
from orchestrator.service.remembering import RememberingExecutions
from orchestrator.service.reply_contracts import ReplyContracts
from orchestrator.service.routing import Routes
from orchestrator.service.tracing import TracingCourier, TracingExecutions
from workers.ledger import open_board, open_buffer, open_gauges, open_reader
from workers.measuring import meter_of, open_measuring, tell_of
from workers.reconciler import reconciling
from workers.relay import Relay
from workers.tracing import around_of, open_tracing
from workers.upkeep import upkeep

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from aio_pika.abc import AbstractRobustConnection
    from temporalio.client import Client

    from orchestrator.contracts.codecs.table import Codecs
    from orchestrator.saga.definition import Saga
    from orchestrator.service.buffering import LedgerBuffer
    from orchestrator.service.ports import Courier, Executions, LedgerReader
    from orchestrator.service.switches import SwitchBoard
    from orchestrator.service.tracing import Tracing
    from orchestrator.settings import Settings
    from workers.measuring import Measuring


@dataclass(frozen=True, slots=True)
class Running:
    """A worker that is open: what health checks look at."""

    client: Client
    executions: TemporalExecutions
    relay: Relay
    desk: ReplyDesk
    stage: Stage
    buffer: LedgerBuffer
    measuring: Measuring | None

    async def is_ready(self) -> bool:
        """Whether messages are consumed and Temporal answers."""
        if not (self.relay.gate.is_open and self.desk.gate.is_open):
            return False
        healthy = await self.relay.is_healthy() and await self.desk.is_healthy()
        return healthy and await self.executions.is_available()


@asynccontextmanager
async def open_worker(sagas: Sequence[Saga], settings: Settings, ports: Mapping[type, Any]) -> AsyncGenerator[Running]:
    """A saga worker that works while the block runs; at its end work in hand is finished first.

    Args:
        sagas: what to run.
        settings: where the servers are.
        ports: objects by type, for actions' `ctx.get(Port)`.

    Raises:
        EngineUnavailableError: Temporal does not answer.
        TopologyError: the broker lacks something; run `saga topology apply`.
    """
    async with _opened(await connect(settings), sagas, settings, ports) as parts:
        client, lines = parts.client, parts.lines
        async with (
            reconciling(settings, client, lines.tracing, tell=tell_of(lines.measuring)),
            upkeep(settings, client),
            saga_worker(client, parts.stage, settings, lines.buffer.give),
            parts.relaying() as relay,
        ):
            parts.measure(relay)
            executions = TemporalExecutions(client, settings)
            yield Running(client, executions, relay, parts.desk, parts.stage, lines.buffer, lines.measuring)
            # First no new events, then (leaving the blocks) work in hand, then the replies that it waits for.
            await relay.drain(settings.drain_timeout)


@asynccontextmanager
async def saga_plugin(
    client: Client, sagas: Sequence[Saga], settings: Settings, ports: Mapping[type, Any] | None = None
) -> AsyncGenerator[SagaPlugin]:
    """What makes a Temporal worker that you have run sagas too; relay and reply desk work while the block runs.

    Open your worker inside the block, on the same client and on the settings' task queue:
    `Worker(client, task_queue=settings.task_queue, plugins=[plugin], ...)`.

    Args:
        client: the worker's.
        sagas: what to run.
        settings: where the broker is; its address of Temporal is not used.
        ports: objects by type, for actions' `ctx.get(Port)`.

    Raises:
        TopologyError: the broker lacks something; run `saga topology apply`.
    """
    async with _opened(client, sagas, settings, ports or {}) as parts, parts.relaying() as relay:
        yield SagaPlugin(parts.stage, client, parts.lines.buffer.give)
        await relay.drain(settings.drain_timeout)


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines to ledger and broker, open."""

    measuring: Measuring | None
    tracing: Tracing | None
    buffer: LedgerBuffer
    reader: LedgerReader
    board: SwitchBoard
    publisher: Publisher
    connection: AbstractRobustConnection

    def traced(self, executions: Executions) -> Executions:
        """The same, told of in spans unless tracing is off."""
        return executions if self.tracing is None else TracingExecutions(executions, self.tracing)

    def stage(self, courier: Courier, handlers: Handlers, ports: Mapping[type, Any]) -> Stage:
        """What performs attempts; they and their messages are told of in spans unless tracing is off."""
        tracing = self.tracing
        return Stage(
            handlers=handlers,
            courier=courier if tracing is None else TracingCourier(courier, tracing),
            ports=ports,
            why_held=partial(self.board.why_held, "commands"),
            around=around_of(tracing, self.measuring),
            meter=meter_of(self.measuring),
        )


@asynccontextmanager
async def _lines(settings: Settings, codecs: Codecs) -> AsyncGenerator[_Lines]:
    async with (
        open_measuring(settings, "saga worker") as measuring,
        open_tracing(settings, "saga worker") as tracing,
        # Opened before the others and so closed after them: what is done while they stop is written too.
        open_buffer(settings, tracing, tell=tell_of(measuring)) as buffer,
        open_reader(settings) as reader,
        open_board(settings) as board,
        open_gauges(settings) as gauges,
        Publisher.open(settings, purpose="saga worker", codecs=codecs) as publisher,
        connected(settings, purpose="saga worker") as connection,
    ):
        if measuring is not None:
            measuring.ledger(gauges)
            measuring.spans(tracing)
        yield _Lines(measuring, tracing, buffer, reader, board, publisher, connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What a worker works with, open. Relay and desk keep one `pace` together."""

    client: Client
    sagas: Sequence[Saga]
    settings: Settings
    lines: _Lines
    executions: Executions
    codecs: Codecs
    pace: Pace
    desk: ReplyDesk
    stage: Stage

    def measure(self, relay: Relay) -> None:
        """Have told what the parts count for themselves."""
        measuring = self.lines.measuring
        if measuring is not None:
            measuring.relay(relay.counts)
            measuring.replies(self.desk.counts)
            measuring.consuming(relay=relay.gate, replies=self.desk.gate)
            measuring.buffer(self.lines.buffer, self.settings.ledger_buffer)

    def relaying(self) -> AbstractAsyncContextManager[Relay]:
        """The relay, while the block runs."""
        return Relay.open(
            self.settings,
            self.lines.connection,
            self.lines.publisher,
            routes=Routes.of(saga.plan for saga in self.sagas),
            catalogue=Catalogue(model for saga in self.sagas for model in saga.events.values()),
            executions=HoldingExecutions(self.executions, self.lines.board),
            codecs=self.codecs,
            pace=self.pace,
        )


@asynccontextmanager
async def _opened(
    client: Client, sagas: Sequence[Saga], settings: Settings, ports: Mapping[type, Any]
) -> AsyncGenerator[_Parts]:
    await check_topology(settings, [saga.plan for saga in sagas])
    await ensure_search_attribute(client)
    handlers, contracts, pace = Handlers.of(saga.handlers for saga in sagas), ReplyContracts.of(sagas), Pace()
    codecs = codecs_of_sagas(sagas, settings)
    async with _lines(settings, codecs) as lines:
        executions = lines.traced(RecordingExecutions(TemporalExecutions(client, settings), lines.buffer))
        async with ReplyDesk.open(
            settings, lines.connection, lines.publisher, executions, contracts=contracts, codecs=codecs, pace=pace
        ) as desk:
            carried = RabbitCourier(lines.publisher, desk, Names(settings.name_prefix))
            stage = lines.stage(RecordingCourier(carried, lines.buffer), handlers, ports)
            yield _Parts(
                client=client,
                sagas=sagas,
                settings=settings,
                lines=lines,
                executions=RememberingExecutions(
                    executions,
                    lines.reader,
                    engine_keeps=await retention_of(client),
                    ledger_keeps=min(map(settings.keeps, get_args(Status))),
                ),
                codecs=codecs,
                pace=pace,
                desk=desk,
                stage=stage,
            )
