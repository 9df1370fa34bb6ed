"""`saga topology apply | show`: what the broker must have."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from orchestrator.adapters.rabbitmq.topology import Row, apply_topology, as_table, show_topology
from orchestrator.cli.context import DEFAULT, SagasOption, load_sagas, plain_console
from orchestrator.saga.plan import Plan
from orchestrator.settings import Settings, load_settings

Json = Annotated[bool, typer.Option("--json", help="print one JSON document and nothing else")]
Prune = Annotated[bool, typer.Option("--prune", help="remove bindings that the sagas of this prefix no longer want")]


def _plans(sagas: str) -> list[Plan]:
    return [saga.plan for saga in load_sagas(sagas)]


def topology_app(
    settings_of: Callable[[], Settings] = load_settings, plans_of: Callable[[str], Sequence[Plan]] = _plans
) -> typer.Typer:
    """The sub-app `topology`.

    Args:
        settings_of: gives the settings; called when a command runs.
        plans_of: gives the plans of the sagas at `module:ATTRIBUTE`; called when a command runs.
    """
    app = typer.Typer(help="Make, check and show the exchanges, queues and policies on RabbitMQ.", no_args_is_help=True)

    @app.command()
    def apply(sagas: SagasOption = DEFAULT, *, prune: Prune = False, as_json: Json = False) -> None:  # pyright: ignore[reportUnusedFunction]
        """Make what is missing; exit status 1 if something is different. No queue is deleted; run it as you like."""
        _told(asyncio.run(apply_topology(settings_of(), plans_of(sagas), prune=prune)), as_json=as_json)

    @app.command()
    def show(sagas: SagasOption = DEFAULT, *, as_json: Json = False) -> None:  # pyright: ignore[reportUnusedFunction]
        """Show how everything stands; exit status 1 if something is missing or different."""
        _told(asyncio.run(show_topology(settings_of(), plans_of(sagas))), as_json=as_json)

    return app


def _told(rows: Sequence[Row], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        plain_console().print(as_table(rows))
    if any(row.state in ("missing", "different") for row in rows):
        raise typer.Exit(1)
