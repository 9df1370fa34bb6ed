"""The demo: orders through the saga fulfil-order on real servers, and an accounting from the participants' books."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from pydantic import SecretStr
from rich.live import Live

from deploy.local import demo_of
from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.rabbitmq.topology import apply_topology
from orchestrator.adapters.sql.databases import writing_to
from orchestrator.adapters.temporal.connecting import connect
from orchestrator.settings import load_settings
from orchestrator.together import together
from sagas import SAGAS
from workers.demo_accounting import account
from workers.demo_console import make_door, with_console
from workers.demo_orders import make_orders
from workers.demo_processes import PARTICIPANTS, Crew
from workers.demo_screen import final_table, live_table, next_steps
from workers.demo_serving import check_runs, go_on_in_background, stay_until_told
from workers.demo_turn import consumers_of, own_turn, refuse_strangers
from workers.demo_watch import Watcher
from workers.participants import books

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from rich.console import Console

    from orchestrator.settings import Settings
    from workers.demo_accounting import Accounting
    from workers.demo_console import Door
    from workers.demo_orders import DemoOrder, Wish
    from workers.participants.books import Effect

PUBLISHING_AT_ONCE = 50
LOOK_EVERY_S = 0.5
SUFFIX = "-demo"
ENDED = "The demo's console has ended with it: `--stay` keeps it, and `saga console` shows these orders too."
MAX_PREFIX = 32
"""Longest `name_prefix`."""
TASKS_AT_ONCE = 4
"""Workflow tasks that the demo's worker takes at once unless it is told: all its processes and both servers share one
machine, and on a crowded one twenty at once made brief steps miss their second. It is not slower for that."""


@dataclass(slots=True)
class Progress:
    """How far a run is: what the live table shows."""

    orders: int
    published: int = 0
    words: dict[str, str] = field(default_factory=dict[str, str])
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since the first order was published."""
        return time.monotonic() - self.started


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a demo runs: its settings, the folder of its logs and books, what is shown, and the console's door."""

    project: Path
    settings: Settings
    folder: Path
    console: Console
    door: Door | None


async def run_demo(wish: Wish, project: Path, console: Console, *, seed: int, stays: bool = False) -> Accounting:
    """Run orders and account for them. The servers stay up; all else that this starts ends with it.

    Unless there are orders that wait for a person: then worker, participants and console go on in the background.

    One at a time on the same servers, under the same names.

    Args:
        wish: how many orders, and how many of them are to be stuck or parked.
        project: the folder whose `.local` takes logs and books.
        console: what is shown goes there; a quiet one shows nothing, and then there is no console of sagas either.
        seed: decides which orders fail and how; order ids are fresh in every run.
        stays: keep everything running until told to stop.

    Raises:
        OrchestratorError: another one is at work there, or one of its processes keeps ending.
    """
    settings = with_console(own_names(load_settings(project)))
    run = f"r{int(time.time()):x}{secrets.token_hex(2)}"
    folder = project / ".local" / "demo" / run
    async with own_turn(settings):
        # An earlier run's worker has the same names, and would take this one's orders into its own books.
        await asyncio.to_thread(demo_of(project).stop)
        door = None if console.quiet else await make_door(settings)
        if door is not None:
            console.print(door.told, soft_wrap=True)
        stage = Stage(project, settings, folder, console, door)
        placed, progress = make_orders(run, wish, seed), Progress(wish.orders)
        made = await _perform(stage, run, placed, progress)
        if stays or made.stuck or made.parked:
            await _go_on(stage, progress, stays=stays)
        elif door is not None:
            console.print(ENDED, soft_wrap=True)
    return made


async def _perform(stage: Stage, run: str, placed: Sequence[DemoOrder], progress: Progress) -> Accounting:
    settings, console = stage.settings, stage.console
    await apply_topology(settings, [saga.plan for saga in SAGAS])
    await refuse_strangers(settings, PARTICIPANTS)
    async with Crew.started(settings, stage.folder, console) as crew:
        await _until_ready(stage, crew.tend)
        progress.started = time.monotonic()
        await _run(crew, settings, placed, progress)
        seconds = progress.seconds
    entries = await _read_books(crew, run)
    made = account(placed, progress.words, entries, published=progress.published, seconds=seconds)
    console.print(final_table(made))
    return made


async def _go_on(stage: Stage, progress: Progress, *, stays: bool) -> None:
    """Leave everything running in the background, or stay with it until told to stop."""
    go_on_in_background(stage.project, stage.settings, stage.folder)
    await _until_ready(stage, partial(check_runs, stage.project))
    address = "" if stage.door is None else stage.door.address
    stage.console.print(next_steps(progress.words, address, stays=stays), soft_wrap=True)
    if stays:
        await stay_until_told(stage.project)


def own_names(settings: Settings) -> Settings:
    """The settings with names of the demo's own: on the same servers another application may be at work.

    The ledger is that of the project, so that its commands show the demo's executions too.
    """
    prefix = f"{settings.name_prefix[: MAX_PREFIX - len(SUFFIX)]}{SUFFIX}"
    own = {"name_prefix": prefix, "task_queue": f"{prefix}.{settings.task_queue}"}
    pace: dict[str, int] = {} if "tasks_at_once" in settings.model_fields_set else {"tasks_at_once": TASKS_AT_ONCE}
    return settings.model_copy(update={**own, **pace, "ledger_url": SecretStr(settings.ledger)})


async def _until_ready(stage: Stage, tend: Callable[[], Awaitable[None]]) -> None:
    """Wait until worker and participants take messages and the console answers; `tend` sees that they run."""
    names = Names(stage.settings.name_prefix)
    queues = [names.ingress, *(names.command_queue(name) for name in PARTICIPANTS)]
    with stage.console.status("waiting for the worker, the participants and the console"):
        async with connected(stage.settings, purpose="demo") as connection:
            while not (
                all([await consumers_of(connection, queue) for queue in queues])
                and (stage.door is None or await stage.door.is_open())
            ):
                await tend()
                await asyncio.sleep(LOOK_EVERY_S)


async def _run(crew: Crew, settings: Settings, orders: Sequence[DemoOrder], progress: Progress) -> None:
    watcher = Watcher(await connect(settings), orders, progress.words)
    with Live(live_table(progress), console=crew.console, refresh_per_second=4) as live:
        publishing = asyncio.create_task(_publish(settings, orders, progress))
        while not (publishing.done() and watcher.is_over):
            await crew.tend()
            await watcher.look()
            live.update(live_table(progress))
            await asyncio.sleep(LOOK_EVERY_S)
        await publishing
        await watcher.find_missing()
        live.update(live_table(progress))
    if not crew.console.is_terminal:
        crew.console.print()  # where nobody watches, the last table ends without a line end


async def _publish(settings: Settings, orders: Sequence[DemoOrder], progress: Progress) -> None:
    names = Names(settings.name_prefix)
    slots = asyncio.Semaphore(PUBLISHING_AT_ONCE)
    async with Publisher.open(settings, purpose="demo shop") as publisher:

        async def one(order: DemoOrder) -> None:
            async with slots:
                envelope = order.envelope()
                await publisher.publish(envelope, exchange=names.events, routing_key=envelope.type)
                progress.published += 1

        await together(one(order) for order in orders)


async def _read_books(crew: Crew, run: str) -> list[Effect]:
    entries: list[Effect] = []
    for url in crew.database_urls:
        async with writing_to(url) as engine:
            entries += await books.read_run(engine, run)
    return entries
