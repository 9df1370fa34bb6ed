"""Sagas whose steps do what a test tells them at the exact point it names; books in SQLite.

A test writes a command into `<folder>/hooks/<step>.<do|undo>.<before|after>`; the first attempt that comes by takes it:

- `kill`: the process kills itself, -9. `stop`: it stops itself (SIGSTOP) until somebody continues it.
- `stall`: it blocks its whole event loop for longer than a workflow task's heartbeat takes, then kills itself.
- `refuse`: the step is refused. `hang`: the attempt hangs until it is stopped. `raise`: it raises.
- `wait`: the attempt goes on when `<hook>.go` exists. `slow`: it takes ten times as long as others, and then goes on;
  `pause`: it takes a quarter of a second more; `busy`: it keeps its core busy for a while first.

In `<folder>/always` the same names stand for every attempt; `refuse 3` for every one whose execution ends in 3.

`before` and `after` are before and after the effect is committed. Every begin of an attempt leaves a line in
`attempts`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncConnection

from orchestrator import (
    ActionContext,
    Command,
    Event,
    Rejected,
    Retry,
    Saga,
    action,
    command,
    parallel,
    pivot,
    sequence,
    step,
)
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.inbox import SqlStore
from orchestrator.participant import CommandContext, Participant
from workers.participants import books
from workers.participants.parcels import BookedWork

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from orchestrator.settings import Settings

FOLDER = "SAGA_TEST_FOLDER"
STALL_S = 2.8
"""Longer than 0.8 of a workflow task: the SDK keeps it alive by an extra task meanwhile, while a run is under way."""
BUSY_S = 0.01
"""Of one core. Three such steps, and what a saga costs anyway: a hundred sagas are more than a task's three seconds."""
PAUSE_S = 0.25
"""Four such steps are the second that a run may take."""
SLOW_S = 3.0
"""More than ten times what a step takes."""


class Told(Exception):  # noqa: N818 - a fault of an author, not an error of ours
    """An author's code raised."""


class Attempting:
    """One attempt of a step, of an action or at a participant."""

    def __init__(self, name: str, execution: str, *, undoes: str, number: int) -> None:
        self._folder = Path(os.environ[FOLDER])
        self._name = f"{name}.{'undo' if undoes else 'do'}"
        self._execution = execution
        with (self._folder / "attempts").open("a") as file:
            file.write(f"{name} {'undo' if undoes else 'do'} {execution} {os.getpid()} {number}\n")

    async def before(self) -> None:
        await self._come_to(f"{self._name}.before")

    async def after(self) -> None:
        await self._come_to(f"{self._name}.after")

    async def _come_to(self, name: str) -> None:
        hook, reached = self._folder / "hooks" / name, self._folder / "reached" / name
        with suppress(FileNotFoundError):
            hook.rename(reached)
            await self._obey(reached.read_text(), hook)
        with suppress(FileNotFoundError):
            command, _, ending = (self._folder / "always" / name).read_text().partition(" ")
            if self._execution.endswith(ending):
                await self._obey(command, hook)

    async def _obey(self, command: str, hook: Path) -> None:
        match command:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "stall":
                time.sleep(STALL_S)  # noqa: ASYNC251 - the whole process is meant to stand still
                os.kill(os.getpid(), signal.SIGKILL)
            case "refuse":
                raise Rejected("told to", code="told")
            case "raise":
                raise Told
            case "hang":
                await asyncio.Event().wait()
            case "busy":
                until = time.thread_time() + BUSY_S
                while time.thread_time() < until:
                    pass
            case "pause":
                await asyncio.sleep(PAUSE_S)
            case "slow":
                await asyncio.sleep(SLOW_S)
            case "wait":
                while not hook.with_suffix(hook.suffix + ".go").exists():
                    await asyncio.sleep(0.005)
            case other:
                raise ValueError(other)


class Bench:
    """Where the steps work."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def work(self, name: str, ctx: ActionContext) -> None:
        attempting = Attempting(name, ctx.execution_id, undoes=ctx.undoes, number=ctx.attempt)
        await attempting.before()
        work, order = BookedWork(self._store, name), ctx.execution_id.partition(":")[2]
        if ctx.undoes:
            await work.undo(order, ctx.undoes)
        else:
            await work.do(order, ctx.idempotency_key)
        await attempting.after()


def _brief(name: str, *, undo: bool = False) -> Any:
    async def work(ctx: ActionContext) -> None:
        await ctx.get(Bench).work(name, ctx)

    work.__name__ = f"un{name}" if undo else name
    return action(brief=True)(work)


def _durable(name: str, *, undo: bool = False) -> Any:
    async def work(ctx: ActionContext) -> None:
        await ctx.get(Bench).work(name, ctx)

    work.__name__ = f"un{name}" if undo else name
    return action(work)


def _step(name: str) -> Any:
    make = _durable if name.startswith("d") else _brief
    return step(make(name), undo=make(name, undo=True))


class ChainAsked(Event, type="chain.asked"):
    key: str


class TailAsked(Event, type="tail.asked"):
    key: str


class ForkAsked(Event, type="fork.asked"):
    key: str


class SlowAsked(Event, type="slow.asked"):
    key: str


chain = Saga("chain", _step("s1"), _step("s2"), _step("s3"), starts_on=ChainAsked, key="key", version=1)
tail = Saga("tail", _step("d1"), _step("t2"), _step("t3"), _step("d4"), starts_on=TailAsked, key="key", version=1)
slow = Saga("slow", _step("d5"), _step("d6"), _step("d7"), starts_on=SlowAsked, key="key", version=1)
fork = Saga(
    "fork",
    parallel(sequence(_step("a1"), _step("a2")), sequence(_step("b1"), _step("b2"), _step("b3"))),
    starts_on=ForkAsked,
    key="key",
    version=1,
)


class RowAsked(Event, type="row.asked"):
    key: str


ROW = tuple(f"r{number:02}" for number in range(1, 17))
row = Saga("row", *map(_step, ROW), pivot(_durable("p1")), starts_on=RowAsked, key="key", version=1)


class TradeAsked(Event, type="trade.asked"):
    key: str


class HungAsked(Event, type="hung.asked"):
    key: str


hung = Saga(
    "hung",
    _step("s1"),
    step(
        _durable("h2"),
        undo=_durable("h2", undo=True),
        within=timedelta(seconds=3),
        retry=Retry(attempts=2, first_delay=timedelta(0)),
    ),
    _step("s3"),
    starts_on=HungAsked,
    key="key",
    version=1,
)


class Made(Event, type="store.made"):
    what: str


class Unmade(Event, type="store.unmade"):
    what: str


class Make(Command["Made"], type="store.make"):
    order: str
    what: str


class Unmake(Command["Unmade"], type="store.unmake"):
    order: str
    what: str


def _asked(name: str) -> Any:
    def make(trade_asked: TradeAsked) -> Make:
        return Make(order=trade_asked.key, what=name)

    def unmake(trade_asked: TradeAsked) -> Unmake:
        return Unmake(order=trade_asked.key, what=name)

    make.__name__, unmake.__name__ = name, f"un{name}"
    ask = command(to="store")
    return step(ask(make), undo=ask(unmake), within=timedelta(minutes=5), as_=name)


trade = Saga("trade", _asked("c1"), _asked("c2"), _asked("c3"), starts_on=TradeAsked, key="key", version=1)
SAGAS = (chain, tail, slow, fork, row, hung, trade)

STORE = Participant("store", tables=books.tables)


@STORE.handles(Make)
async def make(asked: Make, ctx: CommandContext) -> Made:
    attempting = Attempting(asked.what, ctx.execution_id, undoes="", number=ctx.headers.attempt)
    await attempting.before()
    await books.enter(ctx.get(AsyncConnection), books.Effect(asked.order, asked.what, ctx.key, "do", 1))
    await attempting.after()
    return Made(what=asked.what)


@STORE.handles(Unmake)
async def unmake(asked: Unmake, ctx: CommandContext) -> Unmade:
    attempting = Attempting(asked.what, ctx.execution_id, undoes=ctx.undoes, number=ctx.headers.attempt)
    await attempting.before()
    await books.enter(ctx.get(AsyncConnection), books.Effect(asked.order, asked.what, ctx.undoes, "undo", 1))
    await attempting.after()
    return Unmade(what=asked.what)


@asynccontextmanager
async def open_bench(settings: Settings) -> AsyncGenerator[Mapping[type, Any]]:
    """The one port of these sagas."""
    engine = open_engine(settings.database_url.get_secret_value())
    try:
        store = SqlStore(engine, "world", books.tables)
        await store.prepare()
        yield {Bench: Bench(store)}
    finally:
        await engine.dispose()
