"""The commands that look, ask and decide. Processes are started by `workers`, which also opens the service layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from orchestrator.cli.accounts import AccountCommands
from orchestrator.cli.check import check
from orchestrator.cli.compensating import Compensating
from orchestrator.cli.context import load_sagas
from orchestrator.cli.contracts import contracts_app
from orchestrator.cli.draw import draw
from orchestrator.cli.ledger import ledger_app
from orchestrator.cli.listing import Listings
from orchestrator.cli.looking import Looking
from orchestrator.cli.overseeing import Overseeing
from orchestrator.cli.parked import ParkedCommands
from orchestrator.cli.publish import publish
from orchestrator.cli.starting import Starting
from orchestrator.cli.tokens import TokenCommands
from orchestrator.cli.topology import topology_app
from orchestrator.cli.tracing import Tracing
from orchestrator.cli.verbs import Verbs
from orchestrator.settings import load_settings

if TYPE_CHECKING:
    from orchestrator.cli.desk import Desk
    from orchestrator.saga.plan import Plan


def build_app(desk: Desk) -> typer.Typer:
    """The Typer app over a desk; `workers` adds the commands that start processes."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
    for command in (check, draw, publish):
        app.command()(command)
    for commands in (Listings, Looking, Tracing, Starting, Compensating, Verbs, ParkedCommands, Overseeing):
        commands(desk).add_to(app)
    for commands_of_access in (TokenCommands, AccountCommands):
        commands_of_access(desk).add_to(app)
    app.add_typer(contracts_app(), name="contracts")
    app.add_typer(ledger_app(), name="ledger")
    app.add_typer(topology_app(load_settings, _plans), name="topology")
    return app


def _plans(sagas: str) -> list[Plan]:
    return [saga.plan for saga in load_sagas(sagas)]
