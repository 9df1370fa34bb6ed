"""Parts of the program that are imported when one of their commands is called: the libraries of all take seconds."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


@dataclass(frozen=True, slots=True)
class Part:
    """A module that has commands.

    Attributes:
        place: as module:ATTRIBUTE.
        names: of its commands, in the order of the help. They are known before the module is.
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


def lazily(parts: Collection[Part]) -> type[TyperGroup]:
    """What a Typer app is to be made of, so that it has the commands of these parts beside its own."""
    place_of = {name: part for part in parts for name in part.names}

    class Lazy(TyperGroup):
        def list_commands(self, ctx: Any) -> list[str]:
            return [*place_of, *(name for name in super().list_commands(ctx) if name not in place_of)]

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            if cmd_name in self.commands:
                return super().get_command(ctx, cmd_name)
            # All of them for a name that there is not: Typer looks for the nearest among those that are loaded.
            for part in (place_of[cmd_name],) if cmd_name in place_of else parts:
                self.commands.update(part.commands())
            return super().get_command(ctx, cmd_name)

    return Lazy
