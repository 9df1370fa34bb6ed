"""The commands that look, ask and decide. Processes are started by `workers`, which also opens the service layer."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import typer

from orchestrator.cli.parts import Part, lazily

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.cli.desk import Desk

HERE = "orchestrator.cli"
FUNCTIONS = ("check", "draw", "publish")
"""Modules that have one command, a function of the same name."""
GROUPS = ("contracts", "ledger", "topology")
"""Modules that have a group of commands, which their function NAME_app makes."""
OVER_A_DESK = {
    "listing:Listings": ("list", "messages"),
    "looking:Looking": ("show", "watch"),
    "tracing:Tracing": ("trace",),
    "events:EventCommands": ("events",),
    "replaying:Replaying": ("replay",),
    "starting:Starting": ("start",),
    "compensating:Compensating": ("compensate",),
    "verbs:Verbs": ("retry", "skip", "resolve", "suspend", "resume", "cancel", "abandon", "release"),
    "bulks:BulkCommands": ("bulks",),
    "switches:SwitchCommands": ("switches",),
    "parked:ParkedCommands": ("parked", "redrive", "discard", "restore", "edit"),
    "overseeing:Overseeing": ("operations", "audit"),
    "tokens:TokenCommands": ("token",),
    "accounts:AccountCommands": ("account",),
}
"""Classes whose commands work over the service layer, and the names of these."""
PANELS = {
    "Definitions and messages": ("check", "draw", "contracts", "topology", "publish"),
    "Look": ("list", "show", "watch", "messages", "trace", "events", "replay", "operations", "audit"),
    "Start and undo": ("start", "cancel", "compensate", "bulks"),
    "Decide": ("retry", "skip", "resolve", "release", "suspend", "resume", "abandon"),
    "Hold": ("switches",),
    "Parked messages": ("parked", "edit", "redrive", "discard", "restore"),
    "Access and ledger": ("token", "account", "ledger"),
}
"""How the help puts them together, in its order."""


def parts_over(open_desk: Callable[[], Desk]) -> tuple[Part, ...]:
    """Every part of the program."""
    desk_of = cache(open_desk)

    def add_over_desk(app: typer.Typer, commands: Any) -> None:
        commands(desk_of()).add_to(app)

    return (
        *(Part(f"{HERE}.{name}:{name}", (name,), _add_function) for name in FUNCTIONS),
        *(Part(f"{HERE}.{place}", names, add_over_desk) for place, names in OVER_A_DESK.items()),
        *(Part(f"{HERE}.{name}:{name}_app", (name,), partial(_add_group, name)) for name in GROUPS),
    )


def build_app(open_desk: Callable[[], Desk]) -> typer.Typer:
    """The Typer app over a desk, which is opened when a command needs it; `workers` adds those that start processes."""
    app = typer.Typer(cls=lazily(parts_over(open_desk), PANELS), no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback()(_program)  # so that it is a group even before it has commands of its own
    return app


def _program() -> None:
    pass


def _add_function(app: typer.Typer, command: Any) -> None:
    app.command()(command)


def _add_group(name: str, app: typer.Typer, make: Any) -> None:
    app.add_typer(make(), name=name)
