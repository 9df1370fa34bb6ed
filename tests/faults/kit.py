"""What tests of faults share: workers as processes of their own, hooks, books, and what recovery cost."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import SecretStr
from temporalio.service import RPCError, RPCStatusCode

from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.temporal.connecting import connect
from orchestrator.messages import Envelope
from tests.faults.world import FOLDER, SAGAS
from tests.rabbitmq_kit import Corner, corner
from workers.participants import books

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from temporalio.client import Client, WorkflowHandle

PROJECT = Path(__file__).resolve().parents[2]


@dataclass
class World:
    """A corner of the real servers with the sagas of `world.py`, and the worker processes that were started in it."""

    corner: Corner
    client: Client
    folder: Path
    run: str
    url: str
    workers: list[asyncio.subprocess.Process] = field(default_factory=list[asyncio.subprocess.Process])

    def hook(self, name: str, command: str) -> None:
        """From now on the first attempt that comes to this point does so."""
        (self.folder / "hooks" / name).write_text(command)

    def go(self, name: str) -> None:
        """Let whoever waits at this hook go on."""
        (self.folder / "hooks" / f"{name}.go").touch()

    async def reached(self, name: str) -> None:
        """Wait until somebody has come to this hook."""
        while not (self.folder / "reached" / name).exists():
            await asyncio.sleep(0.01)

    @property
    def attempts(self) -> list[tuple[str, str, str, int]]:
        """Step, direction, execution and process of every attempt, in order."""
        file = self.folder / "attempts"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(step, way, execution, int(pid)) for step, way, execution, pid in map(str.split, lines)]

    def times(self, step: str, direction: str = "do") -> int:
        """How often an attempt was made."""
        return sum(1 for name, way, *_ in self.attempts if (name, way) == (step, direction))

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

    async def ask(self, saga: str, number: int = 1) -> str:
        """Publish the event that starts a saga; the execution's id."""
        key = f"{self.run}-{number}"
        event = Envelope(id=f"{saga}-{key}", source="test", type=f"{saga}.asked", body=b'{"key": "%s"}' % key.encode())
        async with Publisher.open(self.corner.settings) as publisher:
            await publisher.publish(event, exchange=self.corner.names.events, routing_key=event.type)
        return f"{saga}:{key}"

    async def ask_many(self, saga: str, numbers: Sequence[int]) -> list[str]:
        """The same for many, over one connection."""
        async with Publisher.open(self.corner.settings) as publisher:
            for number in numbers:
                key = f"{self.run}-{number}"
                body = b'{"key": "%s"}' % key.encode()
                event = Envelope(id=f"{saga}-{key}", source="test", type=f"{saga}.asked", body=body)
                await publisher.publish(event, exchange=self.corner.names.events, routing_key=event.type)
        return [f"{saga}:{self.run}-{number}" for number in numbers]

    def handle(self, execution: str) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(execution)

    async def result(self, execution: str) -> dict[str, Any]:
        """Its result, whatever happens to the server meanwhile."""
        while True:
            try:
                found: dict[str, Any] = await self.handle(execution).result()
                return found
            except RPCError as error:
                if error.status not in (RPCStatusCode.NOT_FOUND, RPCStatusCode.UNAVAILABLE, RPCStatusCode.CANCELLED):
                    raise
            await asyncio.sleep(0.05)

    async def words(self, executions: Sequence[str]) -> Counter[str]:
        """How many ended under which word."""
        results = await asyncio.gather(*(self.result(one) for one in executions))
        return Counter(result["word"] for result in results)

    async def effects(self) -> list[tuple[str, str, str]]:
        """Step, direction and order of each effect in the books."""
        engine = open_engine(self.url)
        try:
            return [(one.what, one.direction, one.order_id) for one in await books.read_run(engine, self.run)]
        finally:
            await engine.dispose()

    async def balance(self, executions: Sequence[str], words: Counter[str], steps: Sequence[str]) -> None:
        """Books and statuses agree to the unit: no double, nothing left over, nothing missing."""
        effects = Counter(await self.effects())
        assert set(effects.values()) <= {1}, effects
        standing = Counter[str]()
        for (_, direction, order), times in effects.items():
            standing[order] += times if direction == "do" else -times
        held = Counter(standing[one.partition(":")[2]] for one in executions)
        assert held == +Counter({len(steps): words["Completed"], 0: len(executions) - words["Completed"]})
        while await self.corner.depth(self.corner.names.ingress):
            await asyncio.sleep(0.05)  # copies of events whose execution has ended meanwhile
        assert await self.corner.depth(self.corner.names.parking) == 0


async def killed(process: asyncio.subprocess.Process) -> None:
    """Wait for a process that kills itself, and see that it did."""
    assert await process.wait() == -signal.SIGKILL


@asynccontextmanager
async def world(folder: Path, **changes: Any) -> AsyncGenerator[World]:
    """A world without workers; those that a test starts are killed at the end."""
    run = f"f{secrets.token_hex(4)}"
    for name in ("hooks", "reached"):
        (folder / name).mkdir()
    url = f"sqlite:///{folder / 'books.db'}"
    plans = [saga.plan for saga in SAGAS]
    async with corner(plans, task_queue=f"faults-{run}", database_url=SecretStr(url), **changes) as place:
        made = World(place, await connect(place.settings), folder, run, url)
        try:
            yield made
        finally:
            for process in made.workers:
                if process.returncode is None:
                    process.kill()
                await process.wait()


class Cost:
    """Prints what a fault cost: `with Cost("worker killed") as cost: ...`."""

    def __init__(self, what: str, goal: float | None = None) -> None:
        self.what, self.goal, self.seconds = what, goal, 0.0

    def __enter__(self) -> Self:
        self._begun = time.monotonic()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.seconds = time.monotonic() - self._begun
        if kind is None:
            goal = "" if self.goal is None else f" (to reach: {self.goal:g} s)"
            print(f"\nrecovery: {self.what}: {self.seconds:.2f} s{goal}")  # noqa: T201 - the report
