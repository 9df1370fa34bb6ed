"""A soak: orders at a steady pace, everything killed in turn, the books checked every minute and at the end.

    python -m tests.faults.soak --minutes 30

Servers and processes are its own, in `.local/soak`: Temporal, RabbitMQ, two saga workers, three participants. One
after the other is killed (-9), or a worker stopped by SIGTERM, and started again at once; 5 to 15 seconds after all
take messages again the next one is. Every minute
the participants' books are held against the outcome of every order that has ended, and an order that ended wrongly
ends the soak. At the end every order has ended, or stands in the ledger as stuck or parked, for a person; the books of
those that have ended balance to the unit, the ledger says of each what Temporal says, and nothing lies in any queue
but parking, where events lie that came for an order that was being undone.
Exit 0 only then, and only if everything was killed at least once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import secrets
import shutil
import signal
import sys
import time
import traceback
from collections import Counter, defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, NoReturn

import aio_pika
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from rich.console import Console
from sqlalchemy import select
from temporalio.service import RPCError

from deploy.local import down, up
from orchestrator.adapters.rabbitmq.management import open_management
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.rabbitmq.topology import apply_topology
from orchestrator.adapters.sql.databases import open_reading_engine
from orchestrator.adapters.sql.ledger_tables import executions
from orchestrator.adapters.temporal.connecting import connect
from orchestrator.errors import PublishError
from orchestrator.service.snapshots import STATUSES
from orchestrator.settings import Settings, load_settings
from sagas import SAGAS
from tests.faults.servers import kill_server, start_server
from workers.demo_accounting import Accounting, account
from workers.demo_orders import DemoOrder, Wish, make_orders
from workers.demo_processes import COMMANDS, PARTICIPANTS, environment_of
from workers.participants import books

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / ".local" / "soak"
WORKERS = ("worker-1", "worker-2")
PROCESSES = (*WORKERS, *PARTICIPANTS)
SERVERS = ("temporal", "rabbitmq")
VICTIMS = (*PROCESSES, *SERVERS, "worker-1 (SIGTERM)")
OPEN_AT_MOST = 40
"""Orders open at once: beyond, the shop waits."""
NEEDS_PERSON = {"stuck", "parked"}
PATIENCE_S = 300.0
"""How long the last orders may take, once nothing is killed any more."""


@dataclass
class Bought:
    """An order and what became of it; times are monotonic."""

    order: DemoOrder
    published: float = 0.0
    ended: float = 0.0
    word: str = ""


@dataclass
class Kill:
    """One kill, and which orders were open then."""

    victim: str
    at: float
    open: list[Bought]
    back: float = 0.0

    @property
    def is_over(self) -> bool:
        """Whether all processes took messages again before the end."""
        return bool(self.back)

    def recovery(self) -> float:
        """Seconds until all orders that were open had ended, but for those that wait for a person."""
        return max((one.ended for one in self.open if one.ended), default=self.at) - self.at


@dataclass
class Soak:
    settings: Settings
    run: str
    bought: list[Bought] = field(default_factory=list[Bought])
    kills: list[Kill] = field(default_factory=list[Kill])
    running: dict[str, asyncio.subprocess.Process] = field(default_factory=dict[str, asyncio.subprocess.Process])
    restarts: Counter[str] = field(default_factory=Counter[str])
    parked: int = 0
    """Messages in parking at the end: events of orders that were undone before they wanted them."""
    repeated: int = 0
    """Publishes that were tried again, with the same id."""

    # -- processes -----------------------------------------------------------------------------------------------

    def url(self, name: str) -> str:
        return f"sqlite:///{FOLDER}/{'worker' if name in WORKERS else name}.db"

    @property
    def urls(self) -> set[str]:
        return {self.url(name) for name in PROCESSES}

    async def start(self, name: str) -> None:
        command = COMMANDS["worker" if name in WORKERS else name]
        environment = {**os.environ, **environment_of(self.settings), "SAGA_DATABASE_URL": self.url(name)}
        with (FOLDER / f"{name}.log").open("ab") as log:
            self.running[name] = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "workers", *command, cwd=PROJECT, env=environment, stdout=log, stderr=log
            )

    async def until_all_consume(self) -> None:
        """Wait until both workers and all participants take messages."""
        names = Names(self.settings.name_prefix)
        wanted = {names.ingress: len(WORKERS), **{names.command_queue(name): 1 for name in PARTICIPANTS}}
        while any([await self._consumers(queue) < count for queue, count in wanted.items()]):
            await asyncio.sleep(0.5)

    async def _consumers(self, queue: str) -> int:
        """How many take messages of a queue; none while the broker is away."""
        try:
            # A robust connection and its channels remember what they have seen; a fresh one asks.
            async with await aio_pika.connect(self.settings.rabbitmq_url.get_secret_value(), timeout=5) as connection:
                channel = await connection.channel()
                declared = await channel.declare_queue(queue, passive=True, timeout=5)
                return declared.declaration_result.consumer_count or 0
        except (*CONNECTION_EXCEPTIONS, TimeoutError):
            return 0

    async def supervise(self) -> None:
        """Start again what has ended, as a service manager would."""
        while True:
            for name, process in tuple(self.running.items()):
                if process.returncode is not None:
                    self.restarts[name] += 1
                    await self.start(name)
            await asyncio.sleep(0.5)

    # -- load ----------------------------------------------------------------------------------------------------

    @property
    def open(self) -> list[Bought]:
        return [one for one in self.bought if not one.ended]

    @property
    def ended(self) -> list[Bought]:
        return [one for one in self.bought if one.ended]

    async def buy(self, orders: Iterable[DemoOrder], pace: float) -> None:
        """Publish orders, so many a second, each until it is confirmed."""
        client = await connect(self.settings)
        due = time.monotonic()
        async with asyncio.TaskGroup() as watching, Publisher.open(self.settings, purpose="soak shop") as publisher:
            for order in orders:
                due = max(due + 1 / pace, time.monotonic() - 1)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                while len(self.open) >= OPEN_AT_MOST:
                    await asyncio.sleep(0.05)
                one = Bought(order)
                await self._publish(publisher, one)
                self.bought.append(one)
                watching.create_task(self._watch(client, one))

    async def _publish(self, publisher: Publisher, one: Bought) -> None:
        event = one.order.envelope()
        while True:
            try:
                exchange = Names(self.settings.name_prefix).events
                await publisher.publish(event, exchange=exchange, routing_key=event.type)
            except PublishError:
                self.repeated += 1
                await asyncio.sleep(0.5)
            else:
                one.published = time.monotonic()
                return

    async def _watch(self, client: Any, one: Bought) -> None:
        while not one.ended:
            try:
                result = await client.get_workflow_handle(one.order.execution_id).result()
            except RPCError:  # not started yet, or Temporal is away
                await asyncio.sleep(0.3)
            else:
                one.word, one.ended = result["word"], time.monotonic()

    # -- kills ---------------------------------------------------------------------------------------------------

    async def kill(self, dice: random.Random) -> None:
        """Kill everything in turn, in an order that the dice decide anew each round."""
        while True:
            for victim in dice.sample(VICTIMS, len(VICTIMS)):
                await asyncio.sleep(dice.uniform(5, 15))
                kill = Kill(victim, time.monotonic(), self.open)
                if victim in SERVERS:
                    kill_server(FOLDER, victim)
                    await start_server(FOLDER, victim)
                else:
                    name, _, how = victim.partition(" ")
                    while (process := self.running[name]).returncode is not None:
                        await asyncio.sleep(0.1)  # it ended because a server was away, and is being started again
                    process.send_signal(signal.SIGTERM if how else signal.SIGKILL)
                    # A SIGTERM may come before the process has begun to listen for it.
                    wanted = {0, -signal.SIGTERM} if how else {-signal.SIGKILL}
                    assert await process.wait() in wanted, f"{victim}: {process.returncode}"
                self.kills.append(kill)
                await self.until_all_consume()
                kill.back = time.monotonic()

    # -- books ---------------------------------------------------------------------------------------------------

    async def account(self) -> Accounting:
        """The accounting of every order that has ended."""
        ended = self.ended
        words = {one.order.execution_id: one.word for one in ended}
        ids = {one.order.placed.order_id for one in ended}
        entries: list[books.Effect] = []
        for url in self.urls:
            engine = open_reading_engine(url)
            try:
                entries += [effect for effect in await books.read_run(engine, self.run) if effect.order_id in ids]
            finally:
                await engine.dispose()
        orders = [one.order for one in ended]
        return account(orders, words, entries, published=len(ended), seconds=0.0)

    async def check_minutely(self, console: Console) -> None:
        minute = 0
        begun = time.monotonic()
        while True:
            minute += 1
            await asyncio.sleep(max(0.0, begun + 60 * minute - time.monotonic()))
            made = await self.account()
            assert made.balances, made
            console.print(
                f"minute {minute}: {len(self.bought)} published, {made.completed} completed, {made.compensated}"
                f" compensated, {len(self.open)} open, {len(self.kills)} kills; books balance"
            )

    async def ledger_words(self, *, ended: bool = True) -> dict[str, str]:
        """What the ledger says of the orders of this run: of those whose end Temporal has confirmed, or the others."""
        engine = open_reading_engine(self.url("worker-1"))
        try:
            async with engine.connect() as connection:
                rows = await connection.execute(
                    select(executions.c.execution_id, executions.c.status).where(
                        executions.c.execution_id.like(f"fulfil-order:{self.run}-%"), executions.c.confirmed == ended
                    )
                )
                return {row.execution_id: row.status for row in rows}
        finally:
            await engine.dispose()

    async def depths(self) -> dict[str, int]:
        """Messages in every queue that has some, but for parking."""
        async with open_management(self.settings) as management:
            assert management is not None
            queues = await management.queues()
        parking = Names(self.settings.name_prefix).parking
        self.parked = int(queues[parking].get("messages") or 0)
        return {name: one["messages"] for name, one in queues.items() if one.get("messages") and name != parking}

    async def settle(self) -> None:
        """Everything agrees: waits for what comes by itself, and fails if it does not."""
        words = {one.order.execution_id: STATUSES[one.word] for one in self.ended}
        held = await self.ledger_words(ended=False)
        open_ones = {one.order.execution_id: held.get(one.order.execution_id) for one in self.open}
        assert set(open_ones.values()) <= NEEDS_PERSON, open_ones
        try:
            async with asyncio.timeout(PATIENCE_S):
                while await self.ledger_words() != words:
                    await asyncio.sleep(2)
                while await self.depths():
                    await asyncio.sleep(2)
        except TimeoutError:
            wrong = {name: word for name, word in words.items() if (await self.ledger_words()).get(name) != word}
            raise AssertionError(f"ledger: {wrong}; queues: {await self.depths()}") from None


@asynccontextmanager
async def soaking(run: str, console: Console) -> AsyncGenerator[Soak]:
    """Servers and processes at work, while the block runs."""
    down(FOLDER, console)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    up(FOLDER, console)
    settings = load_settings(FOLDER)
    await apply_topology(settings, [saga.plan for saga in SAGAS])
    soak = Soak(settings, run)
    try:
        for name in PROCESSES:
            await soak.start(name)
        await soak.until_all_consume()
        yield soak
    finally:
        for process in soak.running.values():
            if process.returncode is None:
                process.kill()
            await process.wait()
        down(FOLDER, console)


async def run_soak(minutes: float, seed: int, pace: float, console: Console) -> dict[str, Any]:
    run = f"s{secrets.token_hex(4)}"
    dice = random.Random(seed)
    async with soaking(run, console) as soak:
        begun = time.monotonic()
        orders = make_orders(run, Wish(int(minutes * 60 * pace)), seed)

        async def until_over() -> None:
            async with asyncio.timeout(minutes * 60), asyncio.TaskGroup() as group:
                group.create_task(soak.check_minutely(console))
                group.create_task(soak.kill(dice))

        supervising = asyncio.create_task(soak.supervise())
        buying = asyncio.create_task(soak.buy(_while(orders, begun + minutes * 60), pace))
        try:
            await _first_of(until_over(), buying, supervising)
            await asyncio.wait({buying}, timeout=PATIENCE_S)  # those for a person stay open
            if buying.done():
                buying.result()
            await soak.settle()
            made = await soak.account()  # when nothing lies in a queue that could have an effect
            assert made.balances, made
        finally:
            for task in (supervising, buying):
                task.cancel()
            await asyncio.wait({supervising, buying}, timeout=10)
        assert {kill.victim for kill in soak.kills} == set(VICTIMS), "not everything was killed"
        return report(soak, made, minutes, seed)


def _while(orders: Sequence[DemoOrder], end: float) -> Iterable[DemoOrder]:
    for order in orders:
        if time.monotonic() > end:
            return
        yield order


async def _first_of(killing: Any, buying: asyncio.Task[None], supervising: asyncio.Task[None]) -> None:
    """Until the time is over; a fault of the shop or of the supervisor ends it at once."""
    task = asyncio.ensure_future(killing)
    done, _ = await asyncio.wait({task, buying, supervising}, return_when=asyncio.FIRST_EXCEPTION)
    try:
        for one in done:
            if one is not task:
                one.result()
        if task in done:
            task.result()
    except TimeoutError:
        return  # as planned
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def report(soak: Soak, made: Accounting, minutes: float, seed: int) -> dict[str, Any]:
    """The figures, as a document."""
    latency = sorted(one.ended - one.published for one in soak.ended)
    by_victim = defaultdict[str, list[Kill]](list)
    for kill in soak.kills:
        if kill.is_over:
            by_victim[kill.victim].append(kill)
    return {
        "minutes": minutes,
        "seed": seed,
        "orders": len(soak.bought),
        "for_a_person": len(soak.open),
        "completed": made.completed,
        "compensated": made.compensated,
        "aborted": made.aborted,
        "lost": made.lost,
        "double_effects": made.double_effects,
        "leftover_effects": made.leftover_effects,
        "publishes_repeated": soak.repeated,
        "messages_parked": soak.parked,
        "kills": len(soak.kills),
        "latency_s": {
            "p50": round(median(latency), 2),
            "p99": round(quantiles(latency, n=100)[98], 2),
            "max": round(latency[-1], 2),
        },
        "recovery_s": {
            victim: {
                "kills": len(kills),
                "median": round(median(kill.recovery() for kill in kills), 1),
                "max": round(max(kill.recovery() for kill in kills), 1),
                "all_consume_again": round(median(kill.back - kill.at for kill in kills if kill.is_over), 1),
            }
            for victim, kills in sorted(by_victim.items())
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="orders under random kills, the books checked every minute")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pace", type=float, default=3.0, help="orders a second")
    given = parser.parse_args()
    for name in ("aio_pika", "aiormq"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # connections that are lost are what this is about
    console = Console(soft_wrap=True)

    async def whole() -> None:
        try:
            found = await run_soak(given.minutes, given.seed, given.pace, console)
        except BaseException:  # noqa: BLE001 - told, and the end
            console.print(traceback.format_exc(), markup=False)
            leave(1)
        text = json.dumps(found, indent=2)
        (PROJECT / ".local" / f"soak-{given.minutes:g}m-seed{given.seed}.json").write_text(text + "\n")
        console.print(text)
        console.print("the books balance, the ledger agrees with Temporal, and nothing lies in any queue")
        leave(0)

    asyncio.run(whole())


def leave(status: int) -> NoReturn:
    """At once: a call to a server that is gone need not let itself be cancelled."""
    sys.stdout.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
