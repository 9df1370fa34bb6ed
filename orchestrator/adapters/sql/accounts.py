"""Local accounts on SQL. Implements `service.accounts.Accounts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from sqlalchemy import exists, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from orchestrator.adapters.sql.access_tables import accounts
from orchestrator.adapters.sql.inbox import outages
from orchestrator.service.access import Caller
from orchestrator.service.accounts import Account

if TYPE_CHECKING:
    from sqlalchemy import Executable
    from sqlalchemy.ext.asyncio import AsyncEngine

_callers: TypeAdapter[Caller] = TypeAdapter(Caller)
AS_IT_IS = tuple(column.name for column in accounts.c if column.name != "caller")


class SqlAccounts:
    """Keeps accounts. `writing`, `reading`: engines that `databases` made."""

    def __init__(self, writing: AsyncEngine, reading: AsyncEngine) -> None:
        self._writing = writing
        self._reading = reading

    async def add_first(self, account: Account) -> bool:
        """Store it, if there is none at all. Of several that do so at once the key lets one through."""
        values = _values(account)
        wanted = select(*(literal(value, accounts.c[name].type) for name, value in values.items()))
        nobody = wanted.where(~exists(select(accounts.c.name)))
        return await self._did(insert(accounts).from_select(list(values), nobody))

    async def find(self, name: str) -> Account | None:
        """By name."""
        with outages():
            async with self._reading.connect() as connection:
                row = (await connection.execute(select(accounts).where(accounts.c.name == name))).first()
        if row is None:
            return None
        values: dict[str, Any] = {column: getattr(row, column) for column in AS_IT_IS}
        return Account(**values, caller=_callers.validate_json(row.caller))

    async def replace(self, account: Account, *, seen: str) -> bool:
        """In place of that with this stamp."""
        if not seen:
            return await self._did(insert(accounts).values(_values(account)))
        there = (accounts.c.name == account.name, accounts.c.stamp == seen)
        return await self._did(update(accounts).where(*there).values(_values(account)))

    async def _did(self, statement: Executable) -> bool:
        try:
            with outages():
                async with self._writing.begin() as connection:
                    return bool((await connection.execute(statement)).rowcount == 1)
        except IntegrityError:
            return False


def _values(account: Account) -> dict[str, Any]:
    values = {name: getattr(account, name) for name in AS_IT_IS}
    return {**values, "caller": _callers.dump_json(account.caller)}
