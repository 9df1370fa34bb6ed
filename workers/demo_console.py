"""The demo's console: where it is, and with what a newcomer signs in there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy.local.ports import LOOPBACK, choose_ports, is_free, responds
from orchestrator.adapters.sql.accounts import SqlAccounts
from orchestrator.adapters.sql.databases import writing_to
from orchestrator.adapters.sql.migrating import migrate_at
from orchestrator.adapters.sql.register import SqlRegister
from orchestrator.service.accounts import FIRST, LocalAccounts
from workers.clock import SystemClock

if TYPE_CHECKING:
    from orchestrator.settings import Settings

NEW = """
Watch the orders in a browser, as pictures, in a few seconds: {address}
Sign in as {name} with the one-time password {password}
"""
KNOWN = """
Watch the orders in a browser, as pictures, in a few seconds: {address}
Sign in as you did before; `saga account reset` makes a one-time password.
"""


@dataclass(frozen=True, slots=True)
class Door:
    """Where the console is. `password`: of its first administrator, if this is where they begin; it is told once."""

    port: int
    password: str = field(repr=False)

    @property
    def address(self) -> str:
        """Of its first page."""
        return f"http://{LOOPBACK}:{self.port}/"

    @property
    def told(self) -> str:
        """What a newcomer is told."""
        text = NEW if self.password else KNOWN
        return text.format(address=self.address, name=FIRST, password=self.password)

    async def is_open(self) -> bool:
        """Whether the console answers."""
        return await asyncio.to_thread(responds, self.port, "/healthz")


def with_console(settings: Settings) -> Settings:
    """The settings of a console on this machine where people sign in: at its port, or at another if that is taken."""
    port = settings.console_port
    if port == 0 or not is_free(port):
        port = choose_ports(["console"], before={})["console"]
    own = {"access_control": True, "console_host": LOOPBACK, "console_port": port, "console_path": None}
    return settings.model_copy(update=own)


async def make_door(settings: Settings) -> Door:
    """The door of a console that is to be started; the ledger gets its first administrator, if it has none.

    Raises:
        StoreUnavailableError: the ledger is away.
    """
    if settings.ledger.startswith("sqlite"):  # another database is migrated by hand, see `saga ledger migrate`
        await migrate_at(settings.ledger)
    async with writing_to(settings.ledger) as engine:
        accounts = LocalAccounts(SqlAccounts(engine, engine), SqlRegister(engine, settings.seal), clock=SystemClock())
        return Door(settings.console_port, await accounts.make_first())
