"""Parts of the program that are imported when one of their commands is called: the libraries of all take seconds."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping


@dataclass(frozen=True, slots=True)
class Part:
    """A module that has commands.

    Attributes:
        place: as module:ATTRIBUTE.
        names: of its commands. They are known before the module is.
        add: adds what is at the place to an app.
    """

    place: str
    names: tuple[str, ...]
    add: Callable[[typer.Typer, Any], None]

    def commands(self) -> dict[str, Any]:
        """Import the module: its commands by name."""
        module, _, attribute = self.place.partition(":")
        app = typer.Typer()
        self.add(app, getattr(importlib.import_module(module), attribute))
        return dict(get_group(app).commands)


def lazily(parts: Collection[Part], panels: Mapping[str, Collection[str]]) -> type[TyperGroup]:
    """What a Typer app is to be made of, so that it has the commands of these parts beside its own.

    Args:
        parts: what is imported when it is called.
        panels: how the help puts their commands together, by heading, in this order.
    """
    part_of = {name: part for part in parts for name in part.names}
    panel_of = {name: panel for panel, names in panels.items() for name in names}

    class Lazy(TyperGroup):
        def list_commands(self, ctx: Any) -> list[str]:
            return list(dict.fromkeys((*panel_of, *part_of, *super().list_commands(ctx))))

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            if cmd_name not in self.commands:
                # All of them for a name that there is not: Typer looks for the nearest among those that are loaded.
                for part in (part_of[cmd_name],) if cmd_name in part_of else parts:
                    self.commands.update(part.commands())
            command: Any = super().get_command(ctx, cmd_name)
            if cmd_name in panel_of:
                command.rich_help_panel = panel_of[cmd_name]
            return command

    return Lazy
