"""What tests of faults share: workers as processes of their own, hooks, books, and what recovery cost."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sqlite3
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, select
from temporalio.api.enums.v1 import EventType, TimeoutType
from temporalio.service import RPCError, RPCStatusCode

from orchestrator.adapters.rabbitmq.names import RETRY_STEPS
from orchestrator.adapters.rabbitmq.participants import ParticipantServer
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.sql.databases import open_reading_engine
from orchestrator.adapters.sql.inbox import open_store
from orchestrator.adapters.sql.ledger_tables import executions as table
from orchestrator.adapters.temporal.connecting import connect
from orchestrator.errors import PublishError
from orchestrator.messages import Envelope
from orchestrator.service.snapshots import STATUSES
from tests.faults.proxy import Proxy, proxy
from tests.faults.world import FOLDER, SAGAS, STORE, open_bench
from tests.rabbitmq_kit import Corner, corner
from workers.participants import books
from workers.saga_worker import Running, open_worker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence

    from temporalio.client import Client, WorkflowHandle

PROJECT = Path(__file__).resolve().parents[2]
AWAY = (
    RPCStatusCode.NOT_FOUND,  # not started yet
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
)
ASKED_AT_ONCE = 50
"""Executions that are asked for at once, or whose end is waited for: each is a call that a server holds open."""
NAMED_AT_ONCE = 10_000
"""Executions in one statement: databases take some 32,000 values in one."""
LEAVE_S = 60
"""How long a worker may take to leave at the end of a test."""
OFTEN = {"reconcile_every": timedelta(seconds=1)}
"""The ledger is compared with Temporal so often that a test need not wait for it."""


class Attempt(NamedTuple):
    """An attempt that was begun, and by which process."""

    step: str
    way: str
    execution: str
    pid: int
    number: int


@dataclass
class World:
    """A corner of the real servers with the sagas of `world.py`, and the worker processes that were started in it."""

    corner: Corner
    client: Client
    folder: Path
    run: str
    url: str
    workers: list[asyncio.subprocess.Process] = field(default_factory=list[asyncio.subprocess.Process])
    asked: list[str] = field(default_factory=list[str])
    """Executions whose event the broker has confirmed."""
    ended: set[str] = field(default_factory=set[str])
    republished: int = 0
    """Publishes without a confirm, which were tried again."""
    read: dict[str, Counter[tuple[str, str, str]]] = field(default_factory=dict[str, "Counter[tuple[str, str, str]]"])
    """The effects that each database had when its books were read last."""

    @property
    def broker_port(self) -> int:
        return urlsplit(self.corner.settings.rabbitmq_url.get_secret_value()).port or 0

    def broker_by(self, way: Proxy) -> SecretStr:
        """The broker's address by a proxy before it."""
        return SecretStr(through(self.corner.settings.rabbitmq_url.get_secret_value(), way))

    def hook(self, name: str, command: str) -> None:
        """From now on the first attempt that comes to this point does so."""
        (self.folder / "hooks" / name).write_text(command)

    def always(self, name: str, command: str) -> Path:
        """From now on every attempt that comes to this point does so, while the file is there."""
        file = self.folder / "always" / name
        file.write_text(command)
        return file

    def go(self, name: str) -> None:
        """Let whoever waits at this hook go on."""
        (self.folder / "hooks" / f"{name}.go").touch()

    async def reached(self, name: str) -> None:
        """Wait until somebody has come to this hook."""
        while not (self.folder / "reached" / name).exists():
            await asyncio.sleep(0.01)

    @property
    def attempts(self) -> list[Attempt]:
        """Every attempt that was begun, in order."""
        file = self.folder / "attempts"
        lines = file.read_text().splitlines() if file.exists() else []
        return [
            Attempt(step, way, execution, int(pid), int(number))
            for step, way, execution, pid, number in map(str.split, lines)
        ]

    @property
    def repeats(self) -> int:
        """Attempts that were begun again, because a worker left without telling how they went."""
        begun = Counter(attempt._replace(pid=0) for attempt in self.attempts)
        return begun.total() - len(begun)

    def times(self, step: str, direction: str = "do") -> int:
        """How often an attempt was made."""
        return sum(1 for one in self.attempts if (one.step, one.way) == (step, direction))

    @asynccontextmanager
    async def before(self, server: str) -> AsyncGenerator[tuple[Proxy, dict[str, Any]]]:
        """A proxy before the broker or the engine while the block runs, and the settings that lead there."""
        if server == "broker":
            async with proxy("127.0.0.1", self.broker_port) as way:
                yield way, {"rabbitmq_url": self.broker_by(way)}
        else:
            port = self.corner.settings.temporal_address.rpartition(":")[2]
            async with proxy("127.0.0.1", int(port)) as way:
                yield way, {"temporal_address": f"127.0.0.1:{way.listens_on}"}

    @asynccontextmanager
    async def working(self, **changes: Any) -> AsyncGenerator[Running]:
        """A worker in this process, while the block runs: quicker than `start`, for what it survives."""
        settings = self.corner.settings.model_copy(update=changes)
        async with open_bench(settings) as ports, open_worker(SAGAS, settings, ports) as running:
            yield running

    @asynccontextmanager
    async def serving(self, url: str = "", **changes: Any) -> AsyncGenerator[ParticipantServer]:
        """The participant in this process, while the block runs; its books in another database if one is given."""
        settings = self.corner.settings.model_copy(update=changes)
        async with (
            open_store(url or self.url, STORE) as store,
            ParticipantServer.open(STORE, store, settings) as server,
        ):
            yield server

    async def stand_still(self, worker: asyncio.subprocess.Process) -> None:
        """Stop a worker (SIGSTOP) at a moment at which it holds no lock of the file of books and ledger."""
        while True:
            worker.send_signal(signal.SIGSTOP)
            try:
                with closing(sqlite3.connect(make_url(self.url).database or "", timeout=0)) as file:
                    file.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError:
                worker.send_signal(signal.SIGCONT)
                await asyncio.sleep(0.02)

    async def start(self, **variables: str) -> asyncio.subprocess.Process:
        """A worker process; returns when it is ready."""
        settings = self.corner.settings
        number = len(self.workers)
        environment = {
            **os.environ,
            FOLDER: str(self.folder),
            "SAGA_NAME_PREFIX": settings.name_prefix,
            "SAGA_TASK_QUEUE": settings.task_queue,
            "SAGA_RABBITMQ_URL": settings.rabbitmq_url.get_secret_value(),
            "SAGA_TEMPORAL_ADDRESS": settings.temporal_address,
            "SAGA_DATABASE_URL": self.url,
            "SAGA_RECONCILE_EVERY": str(settings.reconcile_every.total_seconds()),
            **variables,
        }
        log = self.folder / f"worker-{number}.log"
        arguments = ("worker", "--sagas", "tests.faults.world:SAGAS", "--ports", "tests.faults.world:open_bench")
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "workers", *arguments, cwd=PROJECT, env=environment, stdout=output, stderr=output
            )
        self.workers.append(process)
        while "is ready" not in log.read_text():
            if process.returncode is not None:
                raise AssertionError(log.read_text())
            await asyncio.sleep(0.02)
        return process

    def event(self, saga: str, number: int) -> Envelope:
        """The event that starts a saga; the same number gives the same event."""
        key = f"{self.run}-{number}"
        return Envelope(id=f"{saga}-{key}", source="test", type=f"{saga}.asked", body=b'{"key": "%s"}' % key.encode())

    async def ask(self, saga: str, number: int = 1) -> str:
        """Publish the event that starts a saga; the execution's id."""
        [execution] = await self.ask_many(saga, [number])
        return execution

    async def ask_many(self, saga: str, numbers: Sequence[int]) -> list[str]:
        """The same for many, over one connection."""
        async with Publisher.open(self.corner.settings) as publisher:
            return [await self.ask_by(publisher, saga, number) for number in numbers]

    async def ask_side_by_side(self, saga: str, numbers: Sequence[int]) -> list[str]:
        """The same for very many: some wait for their confirm at once."""
        executions: list[str] = []
        async with Publisher.open(self.corner.settings) as publisher:
            for first in range(0, len(numbers), ASKED_AT_ONCE):
                some = numbers[first : first + ASKED_AT_ONCE]
                executions += await asyncio.gather(*(self.ask_by(publisher, saga, number) for number in some))
        return executions

    async def ask_by(self, publisher: Publisher, saga: str, number: int) -> str:
        """Publish until the broker has confirmed, each time the same event."""
        event = self.event(saga, number)
        while True:
            try:
                await publisher.publish(event, exchange=self.corner.names.events, routing_key=event.type)
            except PublishError:
                self.republished += 1
                await asyncio.sleep(0.05)
            else:
                self.asked.append(f"{saga}:{self.run}-{number}")
                return self.asked[-1]

    @asynccontextmanager
    async def load(self, *sagas: str, open_at_once: int = 8) -> AsyncGenerator[dict[str, list[str]]]:
        """Customers who start one saga after the other while the block runs. After it all have ended.

        Gives the executions of each saga. The block begins when the first attempts have.
        """
        asked: dict[str, list[str]] = {saga: [] for saga in sagas}
        is_over = asyncio.Event()
        async with Publisher.open(self.corner.settings) as publisher:

            async def customer(saga: str, numbers: Iterator[int]) -> None:
                while not is_over.is_set():
                    asked[saga].append(await self.ask_by(publisher, saga, next(numbers)))
                    await self.result(asked[saga][-1])

            async with asyncio.TaskGroup() as group:
                for place, saga in enumerate(sagas):
                    numbers = count(100_000 * place)  # the books know orders, not sagas
                    for _ in range(open_at_once):
                        group.create_task(customer(saga, numbers))
                await self.begun(20)
                yield asked
                is_over.set()

    async def begun(self, more: int) -> None:
        """Wait until so many more attempts were begun."""
        before = len(self.attempts)
        while len(self.attempts) < before + more:
            await asyncio.sleep(0.02)

    async def has_begun(self, pid: int) -> None:
        """Wait until this process has begun an attempt."""
        while pid not in {attempt.pid for attempt in self.attempts}:
            await asyncio.sleep(0.05)

    @property
    def open(self) -> list[str]:
        """Executions that were asked for and have not been seen to end."""
        return [one for one in self.asked if one not in self.ended]

    def handle(self, execution: str) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(execution)

    async def lost_tasks(self, execution: str) -> int:
        """How many of its workflow tasks were not reported in time."""
        history = await self.handle(execution).fetch_history()
        lost = TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE
        return sum(event.workflow_task_timed_out_event_attributes.timeout_type == lost for event in history.events)

    async def kinds(self, execution: str) -> list[str]:
        """The events of its history, by kind."""
        history = await self.handle(execution).fetch_history()
        return [EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in history.events]

    async def was_lost(self, execution: str, steps: Sequence[str]) -> None:
        """A run of this execution was performed and never reported; and everything agrees."""
        assert await self.lost_tasks(execution) > 0
        await self.balance([execution], await self.words([execution]), steps)

    async def heartbeats(self, execution: str) -> int:
        """How many of its workflow tasks were reported only to be kept alive, with what was done by then or nothing."""
        events = (await self.handle(execution).fetch_history()).events
        told = [event for event in events if event.event_type != EventType.EVENT_TYPE_MARKER_RECORDED]
        pairs = [(before.event_type, after.event_type) for before, after in pairwise(told)]
        return pairs.count((EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED))

    async def result(self, execution: str) -> dict[str, Any]:
        """Its result, whatever happens to the server meanwhile."""
        while True:
            try:
                found: dict[str, Any] = await self.handle(execution).result()
                self.ended.add(execution)
                return found
            except RPCError as error:
                if error.status not in AWAY:
                    raise
            await asyncio.sleep(0.05)

    async def words(self, executions: Sequence[str]) -> Counter[str]:
        """How many ended under which word."""
        slots = asyncio.Semaphore(ASKED_AT_ONCE)

        async def word(execution: str) -> str:
            async with slots:
                return str((await self.result(execution))["word"])

        return Counter(await asyncio.gather(*map(word, executions)))

    async def effects(self, url: str = "") -> list[tuple[str, str, str]]:
        """Step, direction and order of each effect in the books."""
        engine = open_reading_engine(url or self.url)
        try:
            return [(one.what, one.direction, one.order_id) for one in await books.read_run(engine, self.run)]
        finally:
            await engine.dispose()

    async def balance(
        self, executions: Sequence[str], words: Counter[str], steps: Sequence[str], *, url: str = "", parked: int = 0
    ) -> None:
        """Books, broker, ledger and Temporal agree to the unit: no double, nothing left over, nothing missing."""
        names = self.corner.names
        for queue in self.queues:
            while await self.corner.depth(queue):
                await asyncio.sleep(0.05)  # copies of messages whose execution has ended meanwhile
        assert await self.corner.depth(names.parking) == parked
        while (ledger := await self.ledger_words(executions)) != words:
            assert ledger.total() <= words.total(), ledger
            await asyncio.sleep(0.1)
        # The books come last: a copy that lay in a queue until now must have had no effect either.
        effects = self.read[url] = Counter(await self.effects(url))
        assert set(effects.values()) <= {1}, effects
        standing = Counter[str]()
        for (_, direction, order), times in effects.items():
            standing[order] += times if direction == "do" else -times
        held = Counter(standing[one.partition(":")[2]] for one in executions)
        assert held == +Counter({len(steps): words["Completed"], 0: len(executions) - words["Completed"]})

    @property
    def queues(self) -> list[str]:
        """Whatever could still have an effect lies in one of them."""
        names = self.corner.names
        work = [names.ingress, names.replies, names.command_queue(STORE.name)]
        return [*work, *map(names.retry_queue, RETRY_STEPS)]

    async def leave(self) -> None:
        """See that nobody held a copy that no queue showed when the books were read.

        A queue counts what is ready, not what its consumers hold; when they are gone it has all of it back. So workers
        end in good order, and then the queues are empty, and the books as they were.
        """
        for worker in self.workers:
            if worker.returncode is None:
                worker.terminate()
        for worker in self.workers:
            await asyncio.wait_for(worker.wait(), LEAVE_S)
        left = {queue: found for queue in self.queues if (found := await self.corner.left_in(queue))}
        assert not left, f"consumers held copies: {left}"
        for url, effects in self.read.items():
            assert Counter(await self.effects(url)) == effects, "the books have changed since they were read"

    async def all_balance(self, asked: Mapping[str, Sequence[str]], *, url: str = "") -> None:
        """Every saga of three steps ended whole or undone, the trades that end in 5 undone; and everything agrees."""
        for saga, executions in asked.items():
            refused = [one for one in executions if saga == "trade" and one.endswith("5")]
            assert await self.words(refused) == +Counter(Compensated=len(refused))
            assert set(await self.words(executions)) <= {"Completed", "Compensated"}
        every = [one for executions in asked.values() for one in executions]
        await self.balance(every, await self.words(every), ("c1", "c2", "c3"), url=url)

    async def ledger_words(self, executions: Sequence[str]) -> Counter[str]:
        """How many stand in the ledger under which word, of those whose end it knows from Temporal."""
        engine = open_reading_engine(self.corner.settings.ledger)
        try:
            async with engine.connect() as connection:
                words = {status: word for word, status in STATUSES.items()}
                found = Counter[str]()
                for first in range(0, len(executions), NAMED_AT_ONCE):
                    some = table.c.execution_id.in_(executions[first : first + NAMED_AT_ONCE])
                    wanted = select(table.c.status).where(some, table.c.confirmed)
                    found.update(words[status] for status in (await connection.execute(wanted)).scalars())
                return found
        finally:
            await engine.dispose()


def through(url: str, way: Proxy) -> str:
    """The same address, by a proxy."""
    parts = urlsplit(url)
    return url.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{way.listens_on}")


async def killed(process: asyncio.subprocess.Process) -> None:
    """Wait for a process that kills itself, and see that it did."""
    assert await process.wait() == -signal.SIGKILL


@asynccontextmanager
async def world(folder: Path, url: str = "", **changes: Any) -> AsyncGenerator[World]:
    """A world without workers; those that a test starts end with it. `url`: where books and ledger lie."""
    run = f"f{secrets.token_hex(4)}"
    for name in ("hooks", "reached", "always"):
        (folder / name).mkdir()
    url = url or f"sqlite:///{folder / 'books.db'}"
    plans = [saga.plan for saga in SAGAS]
    defaults: dict[str, Any] = {"task_queue": f"faults-{run}", "database_url": SecretStr(url), **OFTEN}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER, str(folder))
        async with corner(plans, **{**defaults, **changes}) as place:
            made = World(place, await connect(place.settings), folder, run, url)
            try:
                yield made
                await made.leave()
            finally:
                for process in made.workers:
                    if process.returncode is None:
                        process.kill()
                    await process.wait()


QUIET = pytest.mark.filterwarnings("ignore:Cannot find activity to cancel")
"""The SDK says so, and means no harm, when a run's task is lost while the run is under way."""
COSTS: list[str] = []
"""What the faults of this run cost: told again at its end."""


class Cost:
    """Tells what a fault cost: `with Cost("worker killed") as cost: ...`."""

    def __init__(self, what: str, goal: float | None = None) -> None:
        self.what, self.goal = what, goal

    def __enter__(self) -> Self:
        self.begun = time.monotonic()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        seconds = time.monotonic() - self.begun
        if kind is None:
            goal = "" if self.goal is None else f" (to reach: {self.goal:g} s)"
            COSTS.append(f"{seconds:6.2f} s  {self.what}{goal}")
            print(f"\nrecovery: {self.what}: {seconds:.2f} s{goal}")  # noqa: T201 - the report
