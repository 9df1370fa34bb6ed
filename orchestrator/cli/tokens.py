"""`saga token`: API tokens, made, listed and revoked. Needs the ledger alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import documents, tables
from orchestrator.cli.context import JsonOption, plain_console, print_document, table_console
from orchestrator.errors import InvalidRequestError
from orchestrator.service.access import Caller, Permission, Role

if TYPE_CHECKING:
    from orchestrator.cli.desk import Desk
    from orchestrator.service.tokens import Issued, Token

Reason = Annotated[str, typer.Option(help="why, in 8 characters or more; it is recorded")]
PERMISSIONS = tuple(permission.value for permission in Permission)


@dataclass(frozen=True, slots=True)
class TokenCommands:
    """The commands over one desk."""

    desk: Desk

    def add_to(self, app: typer.Typer) -> None:
        """Add them all."""
        token = typer.Typer(no_args_is_help=True, help="API tokens: made, listed, revoked.")
        token.command()(self.create)
        token.command(name="list")(self.all)
        token.command()(self.revoke)
        app.add_typer(token, name="token")

    def create(
        self,
        name: Annotated[str, typer.Argument(help="whose it is; its bearer acts as token:NAME", show_default=False)],
        *,
        reason: Reason,
        role: Annotated[Role, typer.Option(help="the bundle of rights of its bearer")] = Role.VIEWER,
        grant: Annotated[
            list[str] | None,
            typer.Option(
                help="a right beside those of the role; may be given several times", autocompletion=lambda: PERMISSIONS
            ),
        ] = None,
        saga: Annotated[
            list[str] | None, typer.Option(help="only for this saga; may be given several times; left out: for all")
        ] = None,
        days: Annotated[float | None, typer.Option(help="how long it is good; left out: until revoked")] = None,
        json: JsonOption = False,
    ) -> None:
        """Make a token and print it, this once: it is kept nowhere."""
        sagas = frozenset(saga) if saga else None
        wanted = Caller(actor=name, role=role, granted=_permissions(grant or []), sagas=sagas)
        lasts = None if days is None else timedelta(days=days)
        issued = asyncio.run(_create(self.desk, name, wanted, reason, lasts))
        if json:
            print_document({**documents.token(issued.token), "token": issued.text})
        else:
            plain_console().print(issued.text, soft_wrap=True)
            told = f"token {issued.token.id} of {name}: it is shown this once, keep it as a password"
            plain_console(stderr=True).print(told, style="dim", soft_wrap=True)

    def all(self, *, json: JsonOption = False) -> None:
        """List tokens, revoked and expired ones too; what they are is kept nowhere."""
        found = asyncio.run(_all(self.desk))
        if json:
            print_document({"items": [documents.token(one) for one in found]})
        else:
            table_console().print(tables.tokens(found) if found else "no tokens")

    def revoke(
        self,
        token_id: Annotated[str, typer.Argument(help="its id, as `saga token list` shows it", show_default=False)],
        *,
        reason: Reason,
        json: JsonOption = False,
    ) -> None:
        """Let nobody in with a token any more."""
        revoked = asyncio.run(_revoke(self.desk, token_id, reason))
        if json:
            print_document(documents.token(revoked))
        else:
            plain_console().print(f"token {revoked.id} of {revoked.name} is revoked", soft_wrap=True)


def _permissions(words: list[str]) -> frozenset[Permission]:
    strangers = [word for word in words if word not in PERMISSIONS]
    if strangers:
        raise InvalidRequestError([("/grant", f"{strangers[0]!r} is none of {', '.join(PERMISSIONS)}")])
    return frozenset(map(Permission, words))


async def _create(desk: Desk, name: str, wanted: Caller, reason: str, lasts: timedelta | None) -> Issued:
    async with desk.doors() as doors:
        return await doors.issuing.create(desk.caller, name, wanted, reason, lasts=lasts)


async def _all(desk: Desk) -> tuple[Token, ...]:
    found: list[Token] = []
    async with desk.doors() as doors:
        while page := await doors.issuing.all(desk.caller, after=found[-1].id if found else ""):
            found += page
    return tuple(found)


async def _revoke(desk: Desk, token_id: str, reason: str) -> Token:
    async with desk.doors() as doors:
        return await doors.issuing.revoke(desk.caller, token_id, reason)
