"""`saga account`: local accounts of people who sign in at the console. Needs the ledger alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.context import JsonOption, plain_console, print_document
from orchestrator.service.accounts import FIRST

if TYPE_CHECKING:
    from orchestrator.cli.desk import Desk


@dataclass(frozen=True, slots=True)
class AccountCommands:
    """The commands over one desk."""

    desk: Desk

    def add_to(self, app: typer.Typer) -> None:
        """Add them all."""
        account = typer.Typer(no_args_is_help=True, help="Local accounts of people who sign in at the console.")
        account.callback()(_group)
        account.command()(self.reset)
        app.add_typer(account, name="account")

    def reset(
        self,
        name: Annotated[str, typer.Argument(help="an administrator, who is made if there is none")] = FIRST,
        *,
        json: JsonOption = False,
    ) -> None:
        """Print another one-time password, this once; the account's sessions end, and its password is good no more."""
        password = asyncio.run(_reset(self.desk, name))
        if json:
            print_document({"name": name, "password": password})
        else:
            plain_console().print(password, soft_wrap=True)
            told = f"one-time password of {name}: whoever signs in with it chooses another"
            plain_console(stderr=True).print(told, style="dim", soft_wrap=True)


def _group() -> None:
    """Keeps a single command a command of a group."""


async def _reset(desk: Desk, name: str) -> str:
    async with desk.doors() as doors:
        return await doors.accounts.reset(name, by=desk.caller)
