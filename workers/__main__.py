"""The console script `saga`: the commands of `orchestrator.cli`, and those that start processes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from deploy.local import BootstrapError
from deploy.local import down as stop_servers
from deploy.local import up as start_servers
from orchestrator.cli.app import build_app
from orchestrator.cli.context import DEFAULT, SagasOption, load_sagas, plain_console, print_document
from orchestrator.cli.exits import status_of
from orchestrator.settings import load_settings, project_folder
from workers.stopping import leave, run_to_the_end, stop_on_signals
from workers.wiring import load_participant, load_ports

if TYPE_CHECKING:
    from orchestrator.cli.desk import Desk
    from orchestrator.settings import Settings


def _desk() -> Desk:
    from workers.desk import ServerDesk

    return ServerDesk()


PROCESSES = "Processes and servers"
app = build_app(_desk)
note = plain_console(stderr=True)


@app.command(rich_help_panel=PROCESSES)
def worker(
    sagas: SagasOption = DEFAULT,
    ports: Annotated[str, typer.Option(help="what gives actions their ports, as module:ATTRIBUTE")] = "",
) -> None:
    """Run a saga worker with its relay until it is told to stop.

    `ports` names a function that takes the settings and gives an async context manager of a mapping type -> object;
    unless it is given, the sagas of this repository get theirs and others get none.
    """
    from workers.garbage import collect_seldom
    from workers.health import serve_health
    from workers.ports import default_ports
    from workers.saga_worker import open_worker

    loaded = load_sagas(sagas)
    open_ports = load_ports(ports) if ports else default_ports(loaded)

    async def work() -> None:
        settings = _settings()
        stop = stop_on_signals()
        async with (
            open_ports(settings) as given,
            open_worker(loaded, settings, given) as running,
            serve_health(settings, running.is_ready, running.measuring),
        ):
            collect_seldom()
            note.print("saga worker is ready")
            await stop.wait()

    _run(work())


@app.command(rich_help_panel=PROCESSES)
def reconciler() -> None:
    """Keep the ledger true to Temporal, settle operations and go on with bulks, until told to stop.

    Workers do this too; run it where none of them runs.
    """
    from workers.health import serve_health
    from workers.keeping import open_keeping

    async def work() -> None:
        settings = _settings()
        stop = stop_on_signals()
        async with open_keeping(settings) as keeping, serve_health(settings, keeping.is_ready, keeping.measuring):
            note.print("reconciler is ready")
            await stop.wait()

    _run(work())


@app.command(rich_help_panel=PROCESSES)
def recorder() -> None:
    """Copy parked messages into the ledger, and send back those that are redriven, until told to stop."""
    from workers.health import serve_health
    from workers.recorder import open_recorder

    async def work() -> None:
        settings = _settings()
        stop = stop_on_signals()
        async with (
            open_recorder(settings) as recording,
            serve_health(settings, recording.is_ready, recording.measuring),
        ):
            note.print("recorder is ready")
            await stop.wait()

    _run(work())


@app.command(rich_help_panel=PROCESSES)
def console(sagas: SagasOption = DEFAULT) -> None:
    """Serve pages and REST API until told to stop; its reference is at /docs. They read while Temporal is away."""
    from orchestrator.service.accounts import FIRST
    from workers.console import serve_console

    loaded = load_sagas(sagas)

    async def work() -> None:
        stop = stop_on_signals()
        async with serve_console(loaded, _settings()) as serving:
            note.print(f"saga console is ready at {serving.address}/")
            if serving.password:
                # Printed, not logged: nobody keeps it but who started this.
                note.print(f"sign in as {FIRST} with the one-time password {serving.password}", soft_wrap=True)
            await stop.wait()

    _run(work())


@app.command(rich_help_panel=PROCESSES)
def participant(
    reference: Annotated[str, typer.Argument(help="module:ATTRIBUTE of a Participant")],
    database_url: Annotated[str, typer.Option(help="where its inbox and books lie")] = "",
) -> None:
    """Run a participant until it is told to stop."""
    from workers.participants.serving import serve

    served = load_participant(reference)

    async def work() -> None:
        settings = _settings(given={"database_url": database_url} if database_url else {})
        url = settings.database_url.get_secret_value()
        note.print(f"participant {served.name} is starting")
        await serve(served, settings, database_url=url, stop=stop_on_signals())

    _run(work())


@app.command(rich_help_panel=PROCESSES)
def up() -> None:
    """Start Temporal and RabbitMQ on this machine, or find them running."""
    from orchestrator.adapters.sql.databases import make_folder
    from orchestrator.adapters.sql.migrating import migrate_at

    start_servers(project_folder(), note)
    settings = load_settings()
    if settings.ledger.startswith("sqlite"):  # another database is migrated by hand, see `saga ledger migrate`
        make_folder(settings.ledger)
        asyncio.run(migrate_at(settings.ledger))
    note.print("`saga worker` runs sagas on them; `saga console` shows them in a browser", soft_wrap=True)


@app.command(rich_help_panel=PROCESSES)
def down() -> None:
    """Stop the servers that were started from here."""
    stop_servers(project_folder(), note)


@app.command(rich_help_panel=PROCESSES)
def demo(
    orders: Annotated[int, typer.Option(min=1, help="how many orders")] = 200,
    seed: Annotated[int, typer.Option(help="decides which orders fail, and how")] = 1,
    stuck: Annotated[int, typer.Option(min=0, help="how many of them end up with an undo that gave up")] = 0,
    parked: Annotated[int, typer.Option(min=0, help="how many with a step behind the pivot that never works")] = 0,
    *,
    stay: Annotated[bool, typer.Option("--stay", help="keep everything running until Ctrl-C, the console too")] = False,
    json: Annotated[str, typer.Option(help="write the accounting to this file, - for standard output")] = "",
) -> None:
    """Run orders through the saga fulfil-order on real servers, and balance the participants' books.

    A console shows them as pictures meanwhile; where it is, and the password, are printed.
    """
    from workers.demo import run_demo
    from workers.demo_orders import Wish

    if stuck + parked > orders:
        raise typer.BadParameter(f"--stuck and --parked are among the {orders} orders: together at most so many")
    is_document = json == "-"
    start_servers(project_folder(), Console(quiet=True) if is_document else note)
    console = Console(quiet=True) if is_document else plain_console()
    wish = Wish(orders, stuck, parked)
    accounting = asyncio.run(run_demo(wish, project_folder(), console, seed=seed, stays=stay))
    if is_document:
        print_document(accounting.document())
    elif json:
        Path(json).write_bytes(accounting.as_json())
    leave(0 if accounting.balances else 1)


def _settings(**more: Any) -> Settings:
    """The settings of a process that stays; from now on it logs as they say."""
    from orchestrator.adapters.telemetry.logs import set_up

    settings = load_settings(**more)
    set_up(settings)
    return settings


def _run(work: Coroutine[Any, Any, None]) -> None:
    import uvloop

    run_to_the_end(work, uvloop.new_event_loop())


def main() -> None:
    """Run a command and leave with its status, see `orchestrator.cli.exits`."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # A connection that fails is raised, and told in one line; the library logs it before.
    logging.getLogger("aiormq.connection").addFilter(lambda record: not record.msg.startswith("error when creating"))
    leave(status_of(app, BootstrapError))


if __name__ == "__main__":
    main()
