"""Local accounts: the one of the first start, whose password is shown once and works once.

With it one chooses a password of one's own and nothing else. Who loses it is given another one-time password by
`saga account reset`, on the machine that has the ledger.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from orchestrator.errors import InvalidRequestError, UnknownCallerError
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.auditing import AuditEntry
from orchestrator.service.passwords import NOBODY, fits, hashed, one_time
from orchestrator.service.records import milliseconds

if TYPE_CHECKING:
    from orchestrator.service.operations import Clock, Register

LOCAL = "local"
"""The source of sessions of local accounts."""
FIRST = "admin"
SHORTEST, LONGEST = 12, 200
"""Characters of a password."""
LONGEST_NAME = 100
State: TypeAlias = Literal["one_time", "used", "chosen"]
"""Of a password: good once; was used, and good for nothing any more; chosen by its owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What is kept of an account. `stamp`: chance, another one after each change; its sessions rest on it."""

    name: str
    caller: Caller
    password: str = field(repr=False)
    state: State
    stamp: str
    changed_ms: int


class Accounts(Protocol):
    """Keeps accounts. Every method raises `StoreUnavailableError`."""

    async def add_first(self, account: Account) -> bool:
        """Store it, if there is no account at all; False if there is one."""
        ...

    async def find(self, name: str) -> Account | None:
        """The account of this name."""
        ...

    async def replace(self, account: Account, *, seen: str) -> bool:
        """Store it in place of that with the stamp `seen`, empty = of none; False if it is not there any more."""
        ...


class LocalAccounts:
    """Their use cases. Implements `sessions.Source`."""

    def __init__(self, accounts: Accounts, register: Register, clock: Clock) -> None:
        self._accounts = accounts
        self._register = register
        self._clock = clock

    async def basis(self, account: str) -> str:
        """The stamp."""
        found = await self._accounts.find(account)
        return found.stamp if found else ""

    async def make_first(self) -> str:
        """The one-time password of the first administrator, if there was no account yet; else nothing."""
        password = one_time()
        made = await self._fresh(FIRST, password)
        if not await self._accounts.add_first(made):
            return ""
        await self.note(made.caller, "make account", "accepted", "the first one: no account was there")
        return password

    async def reset(self, name: str, *, by: Caller) -> str:
        """Another one-time password for an administrator, who is made if there is none; their sessions end.

        Raises:
            DeniedError: `by` may not hand out rights.
            InvalidRequestError: nobody can be called so.
        """
        by.require(Permission.TOKENS)
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
            raise InvalidRequestError([("/name", f"1 to {LONGEST_NAME} printable characters")])
        password = one_time()
        made = await self._fresh(name, password)
        seen = await self._accounts.find(name)
        while not await self._accounts.replace(made, seen=seen.stamp if seen else ""):
            seen = await self._accounts.find(name)
        await self.note(by, "reset password", "accepted", f"of {name}")
        return password

    async def admit(self, name: str, password: str) -> Account:
        """The account of somebody who has its password. A one-time password is used up by this.

        Raises:
            UnknownCallerError: there is no such account, or that is not its password; does not say which.
        """
        found = await self._accounts.find(name) if 0 < len(name) <= LONGEST_NAME else None
        is_right = len(password) <= LONGEST and await fits(password, found.password if found else NOBODY)
        if found is not None and is_right:
            if found.state == "chosen":
                return found
            used = replace(found, state="used", stamp=_stamp(), changed_ms=self._now_ms())
            if found.state == "one_time" and await self._accounts.replace(used, seen=found.stamp):
                return used
        raise UnknownCallerError("name or password is wrong; a one-time password works once")

    async def choose(self, name: str, basis: str, password: str) -> Account:
        """A password of one's own for the account whose stamp is `basis`; its sessions end.

        Raises:
            InvalidRequestError: it is too short, too long, or the account's name.
            UnknownCallerError: the account was changed meanwhile.
        """
        if not SHORTEST <= len(password) <= LONGEST or password.casefold() == name.casefold():
            raise InvalidRequestError([("/password", f"{SHORTEST} to {LONGEST} characters, and not the name")])
        found = await self._accounts.find(name)
        if found is not None and await fits(password, found.password):
            raise InvalidRequestError([("/password", "another one than before")])
        if found is not None:
            chosen = replace(
                found, password=await hashed(password), state="chosen", stamp=_stamp(), changed_ms=self._now_ms()
            )
            if await self._accounts.replace(chosen, seen=basis):
                await self.note(chosen.caller, "choose password", "accepted", f"of {name}")
                return chosen
        raise UnknownCallerError("the account was changed meanwhile: sign in again")

    async def note(self, caller: Caller, what: str, result: str, text: str) -> None:
        """Write into the audit what was done to an account, or by whom it was entered."""
        entry = AuditEntry(
            at_ms=self._now_ms(),
            actor=caller.actor,
            role=caller.role.value,
            what=what,
            target=f"account:{caller.actor}",
            result=result,
            text=text,
            origin=caller.origin,
        )
        await self._register.note(entry)

    async def _fresh(self, name: str, password: str) -> Account:
        return Account(
            name=name,
            caller=Caller(actor=name, role=Role.ADMIN),
            password=await hashed(password),
            state="one_time",
            stamp=_stamp(),
            changed_ms=self._now_ms(),
        )

    def _now_ms(self) -> int:
        return milliseconds(self._clock.now())


def _stamp() -> str:
    return secrets.token_hex(16)
