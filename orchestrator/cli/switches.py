"""`saga switches`: what is held everywhere, and holding it or letting it go on. Needs the ledger alone."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from orchestrator.cli import tables
from orchestrator.cli.context import JsonOption, print_document, table_console
from orchestrator.service.records import moment
from orchestrator.service.switches import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from orchestrator.cli.desk import Desk
    from orchestrator.service.switches import Switch

KindArgument = Annotated[
    Kind, typer.Argument(help="starts of a saga, or commands to a participant", show_default=False)
]
Name = Annotated[str, typer.Argument(help="of the saga or of the participant", show_default=False)]
Reason = Annotated[str, typer.Option(help="why, in 8 characters or more; it is recorded")]
HEEDED = "every process heeds it within a second"


@dataclass(frozen=True, slots=True)
class SwitchCommands:
    """The commands over one desk."""

    desk: Desk

    def add_to(self, app: typer.Typer) -> None:
        """Add them all."""
        switches = typer.Typer(help="Hold new starts of one saga, or all commands to one participant.")
        switches.callback(invoke_without_command=True)(self.switches)
        switches.command()(self.suspend)
        switches.command()(self.resume)
        app.add_typer(switches, name="switches")

    def switches(self, context: typer.Context, *, json: JsonOption = False) -> None:
        """List what is held, by whom and why."""
        if context.invoked_subcommand is None:
            _print(asyncio.run(self._held()), "nothing is held", json=json)

    def suspend(
        self,
        kind: KindArgument,
        name: Name,
        *,
        reason: Reason,
        new: Annotated[bool, typer.Option("--new", help="also by a name that nothing has run by yet")] = False,
        json: JsonOption = False,
    ) -> None:
        """Hold them: starts wait in the broker; steps and undos whose commands are not sent wait for a person."""
        held = asyncio.run(self._suspended(kind, name, reason, is_new=new))
        _print(held, f"{kind} of {name} are held: {HEEDED}", json=json, is_told=True)

    def resume(self, kind: KindArgument, name: Name, *, reason: Reason, json: JsonOption = False) -> None:
        """Let them go on. Starts begin by themselves; what waits for a person meanwhile goes on by `saga resume`."""
        held = asyncio.run(self._resumed(kind, name, reason))
        _print(held, f"{kind} of {name} go on: {HEEDED}", json=json, is_told=True)

    async def _held(self) -> tuple[Switch, ...]:
        async with self.desk.switching() as switching:
            return await switching.all(self.desk.caller)

    async def _suspended(self, kind: Kind, name: str, reason: str, *, is_new: bool) -> tuple[Switch, ...]:
        async with self.desk.switching() as switching:
            await switching.suspend(self.desk.caller, kind, name, reason, is_new=is_new)
            return await switching.all(self.desk.caller)

    async def _resumed(self, kind: Kind, name: str, reason: str) -> tuple[Switch, ...]:
        async with self.desk.switching() as switching:
            await switching.resume(self.desk.caller, kind, name, reason)
            return await switching.all(self.desk.caller)


def _print(held: tuple[Switch, ...], told: str, *, json: bool, is_told: bool = False) -> None:
    """What is held; `told` where nothing is, or always."""
    if json:
        print_document({"items": [document(one) for one in held]})
        return
    console = table_console()
    if is_told or not held:
        console.print(Text(told), soft_wrap=True)
    if held:
        console.print(table(held))


def document(switch: Switch) -> dict[str, object]:
    """One switch, in the words of the API."""
    values = asdict(switch)
    at = moment(values.pop("at_ms"))
    return {**values, "at": at}


def table(held: Iterable[Switch]) -> Table:
    """What is held."""
    made = tables.plain("held", "of", "since, UTC", "by", "why")
    for one in held:
        made.add_row(one.kind, Text(one.name), tables.when(one.at_ms), Text(one.actor), Text(one.reason))
    return made
