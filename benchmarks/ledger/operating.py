"""Many open executions on a real Temporal: compared by the reconciler, and tried again in one bulk.

They are parked since their second step's code is missing. The first bulk finds it missing still, so all park again; by
the time of the last one it is there, and all of them end.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from pydantic import SecretStr

from benchmarks.broker import corner
from benchmarks.further.counting import Count, placed
from benchmarks.rows.messages import OrderPlaced
from benchmarks.rows.ours import trigger_of
from benchmarks.servers import note
from orchestrator import ActionContext, Saga, action, step
from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.rabbitmq.courier import RabbitCourier
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.rabbitmq.replies import ReplyDesk
from orchestrator.adapters.temporal.connecting import connect
from orchestrator.adapters.temporal.gateway import TemporalExecutions
from orchestrator.adapters.temporal.performing import Stage
from orchestrator.adapters.temporal.worker import saga_worker
from orchestrator.errors import EngineUnavailableError, HandlerMissingError
from orchestrator.saga.handlers import Handlers
from orchestrator.service.access import Caller, Role
from orchestrator.service.bulk import BulkWish
from orchestrator.service.reconciling import GRACE
from orchestrator.service.records import Filter
from workers.ledger import open_buffer
from workers.operating import open_service
from workers.reconciler import open_reconciling

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from temporalio.client import Client

    from orchestrator.saga.handlers import Handler
    from orchestrator.service.bulk_records import Bulk
    from orchestrator.service.reconciling import PassCounts
    from orchestrator.service.use_cases import Service
    from orchestrator.settings import Settings
    from workers.reconciler import Reconciling

AT_ONCE = 32
SPARE = 100
"""Executions that the worker could keep in memory beside them all: else it is replays that would be measured."""
TELL_EVERY_S = 15.0
ROUNDS = 3
SUSPENDED_AT = 0.3
"""The bulk is suspended when so many of its items are done."""
PARKED = Filter(statuses=("parked",))
WHO = Caller(actor="benchmark", role=Role.ADMIN)
WHY = "the missing code was deployed"


async def early(order_placed: OrderPlaced, ctx: ActionContext) -> None:  # noqa: ARG001 - what a step of an order takes
    """What is done before it is noticed."""
    ctx.get(Count).made[ctx.idempotency_key] = 1


async def late(order_placed: OrderPlaced, ctx: ActionContext) -> None:  # noqa: ARG001
    """What is missing at first."""
    made = ctx.get(Count).made
    made[ctx.idempotency_key] = made.get(ctx.idempotency_key, 0) + 1


SAGA = Saga(
    "bench-late",
    step(action(brief=True)(early), no_undo="it only counts"),
    step(action(brief=True)(late), no_undo="it only counts"),
    starts_on=OrderPlaced,
    key="order_id",
    version=1,
)


class Deployed(Handlers):
    """The code of a worker that is deployed in two parts."""

    is_whole = False

    def __getitem__(self, name: str) -> Handler:
        """The handler of this name, if it is there already."""
        if "late" in name and not self.is_whole:
            raise HandlerMissingError(name)
        return super().__getitem__(name)


@asynccontextmanager
async def carrying(settings: Settings, client: Client) -> AsyncGenerator[RabbitCourier]:
    """What carries the alerts of those that park to the broker."""
    async with (
        Publisher.open(settings) as publisher,
        connected(settings, purpose="replies") as connection,
        ReplyDesk.open(settings, connection, publisher, TemporalExecutions(client, settings)) as desk,
    ):
        yield RabbitCourier(publisher, desk, Names(settings.name_prefix))


class Crowd:
    """The executions, and the ledgers that show them: the first is the worker's own, others are rebuilt."""

    def __init__(self, client: Client, settings: Settings, count: int) -> None:
        self._client = client
        self._settings = settings
        self._count = count
        self.run = f"late{int(time.time())}"

    async def open(self) -> float:
        """Start them all; seconds until the ledger shows every one of them parked."""
        began, slots = time.monotonic(), asyncio.Semaphore(AT_ONCE)
        executions = TemporalExecutions(self._client, self._settings)

        async def begin(number: int) -> None:
            async with slots:
                order = placed(self.run, number)
                envelope, payload = trigger_of(order)
                await executions.start(SAGA.plan, SAGA.plan.execution_id(order.order_id), envelope, payload)

        async with open_service([SAGA], self._settings, self._client) as service:
            shown = asyncio.create_task(self._shown(service, PARKED))
            await asyncio.gather(*(begin(number) for number in range(self._count)))
            await shown
        note.print(f"{self._count} executions are parked ({time.monotonic() - began:.0f} s)")
        return time.monotonic() - began

    async def _shown(self, service: Service, wanted: Filter) -> None:
        async def number() -> int:
            return (await service.world.ledger.counts([wanted], cap=self._count + 1))[0].number

        await self._reached(number, self._count, f"executions are {wanted.statuses[0]}")

    async def _reached(self, number: Callable[[], Awaitable[int]], wanted: int, what: str) -> None:
        """Wait until a number is reached, and tell how far it is."""
        told = time.monotonic()
        while (found := await number()) < wanted:
            if time.monotonic() > told + TELL_EVERY_S:
                told = time.monotonic()
                note.print(f"{found} of {self._count} {what}")
            await asyncio.sleep(0.5)

    async def compare(self, settings: Settings) -> list[float]:
        """Seconds of passes that ask after every open row; those before them rebuild what is missing."""
        rounds = list[float]()
        async with open_reconciling(settings, self._client) as made:
            await asyncio.sleep(GRACE.total_seconds())  # what has just changed is not asked after
            while len(rounds) < ROUNDS:
                seconds, counts = await _passed(made)
                if (counts.repaired, counts.unknown) == (0, 0):  # else it did more than to compare
                    rounds.append(seconds)
                if counts.compared > self._count or (rounds and counts.compared != self._count):
                    raise AssertionError(counts)
        return rounds

    async def retry(self, settings: Settings) -> dict[str, list[float]]:
        """One bulk over all of them, suspended and resumed once: how many items it does not account for."""
        async with open_service([SAGA], settings, self._client) as service:
            began = time.monotonic()
            seen = await service.bulking.preview(WHO, "retry", PARKED)
            wish = BulkWish(word="retry", wanted=PARKED, reason=WHY, key=settings.ledger, token=seen.token, rate=1_000)
            bulk = await service.bulking.begin(WHO, wish)
            stopper = asyncio.create_task(self._suspend(service, bulk.id))
            await _gone_on_with(service, bulk)
            waited = await stopper
            await service.bulking.order(WHO, bulk.id, "resume", WHY)
            telling = asyncio.create_task(
                self._reached(partial(self._done, service, bulk.id), self._count, "items are done")
            )
            await _gone_on_with(service, bulk)
            telling.cancel()
            ended, counts = await service.bulking.look(WHO, bulk.id)
            seconds = time.monotonic() - began
            note.print(f"a bulk of {counts.total} ({seconds:.0f} s): {counts}", markup=False, highlight=False)
        if (ended.state, counts.done, waited > 0) != ("completed", self._count, True):
            raise AssertionError((ended, counts, waited))
        return {"bulk_unaccounted": [self._count - counts.done], "bulk_items_a_second": [self._count / seconds]}

    async def _suspend(self, service: Service, bulk_id: str) -> int:
        """Suspend it on the way; how many items wait then."""
        await self._reached(partial(self._done, service, bulk_id), int(SUSPENDED_AT * self._count), "items are done")
        await service.bulking.order(WHO, bulk_id, "suspend", "the code is looked at again")
        return (await service.bulking.look(WHO, bulk_id))[1].waiting

    async def _done(self, service: Service, bulk_id: str) -> int:
        return (await service.bulking.look(WHO, bulk_id))[1].done

    async def ended(self, settings: Settings) -> None:
        """Wait until every one of them has ended, by the worker's own ledger."""
        async with open_service([SAGA], settings, self._client) as service:
            await self._shown(service, Filter(statuses=("completed",)))


async def _passed(made: Reconciling) -> tuple[float, PassCounts]:
    """A deep pass: how long it took, in seconds, and what it did."""
    began = time.monotonic()
    counts = await made.go_through(deep=True)
    seconds = time.monotonic() - began
    note.print(f"a pass of {seconds:.1f} s: {counts}", markup=False, highlight=False)
    return seconds, counts


async def _gone_on_with(service: Service, bulk: Bulk) -> None:
    """As workers do: what could not be asked for now waits, and is asked for again."""
    while True:
        try:
            return await service.running.run(bulk)
        except EngineUnavailableError as error:
            note.print(f"the bulk waits: {error}")


async def measure(settings: Settings, ledgers: Mapping[str, str], count: int) -> dict[str, dict[str, list[float]]]:
    """Figures by ledger. The first ledger is that of the worker."""
    of = {name: settings.model_copy(update={"ledger_url": SecretStr(url)}) for name, url in ledgers.items()}
    first, *_ = of.values()
    roomy = first.model_copy(update={"executions_in_memory": count + SPARE})
    client, counted = await connect(settings), Count()
    code = Deployed(Handlers.of([SAGA.handlers])._found)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    found: dict[str, dict[str, list[float]]] = {}
    async with (
        corner(first, [SAGA.plan]),
        carrying(first, client) as courier,
        open_buffer(first) as buffer,
        saga_worker(client, Stage(handlers=code, courier=courier, ports={Count: counted}), roomy, buffer.give),
    ):
        crowd = Crowd(client, first, count)
        opened_s = await crowd.open()
        for name, its in of.items():
            found[name] = {"reconcile_s": await crowd.compare(its), "opened_s": [opened_s]}
            code.is_whole = its is [*of.values()][-1]
            found[name] |= await crowd.retry(its)
        await crowd.ended(first)
    if len(counted.made) != 2 * count:  # one of which a lost workflow task was performed again kept its key
        raise AssertionError(f"{len(counted.made)} of {2 * count} effects")
    return found
