"""`saga ledger`: the tables of the ledger."""

from __future__ import annotations

import asyncio

import typer

from orchestrator.adapters.sql.migrating import migrate_at
from orchestrator.cli.context import plain_console
from orchestrator.settings import load_settings

console = plain_console()


def ledger_app() -> typer.Typer:
    """The commands about the ledger as a whole."""
    app = typer.Typer(no_args_is_help=True, help="The ledger's tables.")
    app.command(name="migrate")(migrate_tables)
    return app


def migrate_tables() -> None:
    """Make the ledger's tables, or bring them to this version. On SQLite a worker does this by itself."""
    version = asyncio.run(migrate_at(load_settings().ledger))
    console.print(f"the ledger's tables are of version {version}")
