"""The commands that look and ask: check, draw, show, cancel, publish, topology. Processes are started by `workers`."""

from __future__ import annotations

import asyncio
import getpass
from typing import Annotated

import typer

from orchestrator.adapters.temporal.connecting import connect
from orchestrator.adapters.temporal.gateway import TemporalExecutions
from orchestrator.adapters.temporal.live import TemporalLive
from orchestrator.adapters.temporal.showing import result_of
from orchestrator.cli.check import check
from orchestrator.cli.context import JsonOption, load_sagas, plain_console, print_document
from orchestrator.cli.contracts import contracts_app
from orchestrator.cli.draw import draw
from orchestrator.cli.ledger import ledger_app
from orchestrator.cli.publish import publish
from orchestrator.cli.showing import draw_execution
from orchestrator.cli.topology import topology_app
from orchestrator.errors import ExecutionNotFoundError
from orchestrator.saga.plan import Plan
from orchestrator.service.live import Seen
from orchestrator.settings import load_settings

console = plain_console()


def build_app() -> typer.Typer:
    """The Typer app; `workers` adds the commands that start processes."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    for command in (check, draw, show, cancel, publish):
        app.command()(command)
    app.add_typer(contracts_app(), name="contracts")
    app.add_typer(ledger_app(), name="ledger")
    app.add_typer(topology_app(load_settings, _plans), name="topology")
    return app


def _plans(sagas: str) -> list[Plan]:
    return [saga.plan for saga in load_sagas(sagas)]


def show(execution_id: str, *, json: JsonOption = False) -> None:
    """Show where an execution stands, from Temporal: each step in the order of the flow, and why it stands there."""

    async def ask() -> Seen | None:
        settings = load_settings()
        return await TemporalLive(await connect(settings), settings).look(execution_id)

    seen = asyncio.run(ask())
    if seen is None:
        raise ExecutionNotFoundError(execution_id)
    word = seen.gone.replace("_", " ").capitalize() or seen.execution.word
    if json:
        print_document({**result_of(seen.execution), "word": word, "in_doubt": seen.in_doubt})
    else:
        console.print(draw_execution(seen.execution.plan, seen.execution.state, word, seen.in_doubt))


def _said(reason: str) -> str:
    if not reason.strip():
        raise typer.BadParameter("say why: the reason is recorded")
    return reason


def cancel(execution_id: str, reason: Annotated[str, typer.Option(help="why; it is recorded", callback=_said)]) -> None:
    """Stop an execution and undo what it did; refused behind the point of no return."""

    async def ask() -> None:
        settings = load_settings()
        executions = TemporalExecutions(await connect(settings), settings)
        await executions.cancel(execution_id, actor=getpass.getuser(), reason=reason)

    asyncio.run(ask())
    console.print(f"{execution_id}: cancel accepted; `saga show {execution_id}` tells how far it is", soft_wrap=True)
