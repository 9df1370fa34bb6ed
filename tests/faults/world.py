"""Sagas whose steps do what a test tells them at the exact point it names; books in SQLite.

A test writes a command into `<folder>/hooks/<step>.<do|undo>.<before|after>`; the first attempt that comes by takes it:

- `kill`: the process kills itself, -9. `stop`: it stops itself (SIGSTOP) until somebody continues it.
- `stall`: it blocks its whole event loop for longer than a workflow task's heartbeat takes, then kills itself.
- `refuse`: the step is refused. `hang`: the attempt hangs until it is stopped.
- `wait`: the attempt goes on when `<hook>.go` exists.

`before` and `after` are before and after the effect is committed. Every attempt leaves a line in `attempts`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator import ActionContext, Event, Rejected, Saga, action, parallel, sequence, step
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.inbox import SqlStore
from workers.participants import books
from workers.participants.parcels import BookedWork

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from orchestrator.settings import Settings

FOLDER = "SAGA_TEST_FOLDER"
STALL_S = 2.8
"""Longer than 0.8 of a workflow task's three seconds: the SDK keeps it alive by an extra task meanwhile."""


class Bench:
    """Where the steps work."""

    def __init__(self, store: SqlStore, folder: Path) -> None:
        self._store, self._folder = store, folder

    async def work(self, name: str, ctx: ActionContext) -> None:
        direction = "undo" if ctx.undoes else "do"
        self._note(f"{name} {direction} {ctx.execution_id} {os.getpid()}")
        await self._hook(f"{name}.{direction}.before")
        work, order = BookedWork(self._store, name), ctx.execution_id.partition(":")[2]
        if ctx.undoes:
            await work.undo(order, ctx.undoes)
        else:
            await work.do(order, ctx.idempotency_key)
        await self._hook(f"{name}.{direction}.after")

    def _note(self, line: str) -> None:
        with (self._folder / "attempts").open("a") as file:
            file.write(line + "\n")

    async def _hook(self, name: str) -> None:
        hook, reached = self._folder / "hooks" / name, self._folder / "reached" / name
        try:
            hook.rename(reached)
        except FileNotFoundError:
            return
        match reached.read_text():
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "stall":
                time.sleep(STALL_S)  # noqa: ASYNC251 - the whole process is meant to stand still
                os.kill(os.getpid(), signal.SIGKILL)
            case "refuse":
                raise Rejected("told to", code="told")
            case "hang":
                await asyncio.Event().wait()
            case "wait":
                while not hook.with_suffix(hook.suffix + ".go").exists():
                    await asyncio.sleep(0.005)
            case other:
                raise ValueError(other)


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
SAGAS = (chain, tail, slow, fork)


@asynccontextmanager
async def open_bench(settings: Settings) -> AsyncGenerator[Mapping[type, Any]]:
    """The one port of these sagas."""
    engine = open_engine(settings.database_url.get_secret_value())
    try:
        store = SqlStore(engine, "world", books.tables)
        await store.prepare()
        yield {Bench: Bench(store, Path(os.environ[FOLDER]))}
    finally:
        await engine.dispose()
