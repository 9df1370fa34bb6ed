"""A saga worker: relay, workflow, actions and reply desk on one Temporal client, so that sagas start in place."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.rabbitmq.courier import RabbitCourier
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.pace import Pace
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.rabbitmq.replies import ReplyDesk
from orchestrator.adapters.rabbitmq.topology import check_topology
from orchestrator.adapters.temporal.connecting import connect
from orchestrator.adapters.temporal.gateway import TemporalExecutions
from orchestrator.adapters.temporal.performing import Stage
from orchestrator.adapters.temporal.worker import ensure_search_attribute, saga_worker
from orchestrator.contracts.catalogue import Catalogue
from orchestrator.saga.handlers import Handlers
from orchestrator.service.holding import HoldingExecutions
from orchestrator.service.recording import RecordingCourier, RecordingExecutions
from orchestrator.service.reply_contracts import ReplyContracts
from orchestrator.service.routing import Routes
from workers.ledger import open_board, open_buffer
from workers.reconciler import reconciling
from workers.relay import Relay

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from aio_pika.abc import AbstractRobustConnection
    from temporalio.client import Client

    from orchestrator.saga.definition import Saga
    from orchestrator.service.buffering import LedgerBuffer
    from orchestrator.service.ports import Executions
    from orchestrator.settings import Settings


@dataclass(frozen=True, slots=True)
class Running:
    """A worker that is open: what health checks look at, and what a `SagaPlugin` beside it needs (`stage`)."""

    client: Client
    executions: TemporalExecutions
    relay: Relay
    desk: ReplyDesk
    stage: Stage
    buffer: LedgerBuffer

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
    await check_topology(settings, [saga.plan for saga in sagas])
    client = await connect(settings)
    await ensure_search_attribute(client)
    executions = TemporalExecutions(client, settings)
    async with (
        # Opened first and so closed last: what is done while the others stop is written too.
        open_buffer(settings) as buffer,
        open_board(settings) as board,
        Publisher.open(settings, purpose="saga worker") as publisher,
        connected(settings, purpose="saga worker") as connection,
    ):
        recording, pace = RecordingExecutions(executions, buffer), Pace()
        async with _desk(settings, connection, publisher, sagas=sagas, executions=recording, pace=pace) as desk:
            courier = RecordingCourier(RabbitCourier(publisher, desk, Names(settings.name_prefix)), buffer)
            handlers, why_held = Handlers.of(saga.handlers for saga in sagas), partial(board.why_held, "commands")
            stage = Stage(handlers=handlers, courier=courier, ports=ports, why_held=why_held)
            held = HoldingExecutions(recording, board)
            async with (
                reconciling(settings, client),
                saga_worker(client, stage, settings, buffer.give),
                _relay(settings, connection, publisher, sagas=sagas, executions=held, pace=pace) as relay,
            ):
                yield Running(client, executions, relay, desk, stage, buffer)
                # First no new events, then (leaving the blocks) work in hand, then the replies that it waits for.
                await relay.drain(settings.drain_timeout)


def _desk(
    settings: Settings,
    connection: AbstractRobustConnection,
    publisher: Publisher,
    *,
    sagas: Sequence[Saga],
    executions: Executions,
    pace: Pace,
) -> AbstractAsyncContextManager[ReplyDesk]:
    contracts = ReplyContracts.of(sagas)
    return ReplyDesk.open(settings, connection, publisher, executions, contracts=contracts, pace=pace)


def _relay(
    settings: Settings,
    connection: AbstractRobustConnection,
    publisher: Publisher,
    *,
    sagas: Sequence[Saga],
    executions: Executions,
    pace: Pace,
) -> AbstractAsyncContextManager[Relay]:
    return Relay.open(
        settings,
        connection,
        publisher,
        routes=Routes.of(saga.plan for saga in sagas),
        catalogue=Catalogue(model for saga in sagas for model in saga.events.values()),
        executions=executions,
        pace=pace,
    )
