"""Signing in and out: the use cases behind the console's doors, at a limited pace, each audited."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestrator.errors import UnknownCallerError
from orchestrator.service.access import Caller, Role
from orchestrator.service.accounts import LOCAL, LONGEST_NAME
from orchestrator.service.throttle import Pace, Throttle

if TYPE_CHECKING:
    from orchestrator.service.accounts import LocalAccounts
    from orchestrator.service.operations import Clock
    from orchestrator.service.providing import Provider, Request
    from orchestrator.service.sessions import Opened, Session, Sessioning

FROM_ONE_ADDRESS = Pace(10, timedelta(minutes=5))
FOR_ONE_NAME = Pace(30, timedelta(minutes=15))
"""More than from one address: whoever locks somebody out must come from several."""


class Entering:
    """Lets people in, and out again. `provider`: where they sign in who have no password here, if there is one."""

    def __init__(
        self, accounts: LocalAccounts, sessions: Sessioning, clock: Clock, provider: Provider | None = None
    ) -> None:
        self.provider = provider
        self.accounts = accounts
        self.sessions = sessions
        self._clock = clock
        self._throttle = Throttle()

    async def by_password(self, name: str, password: str, *, address: str, origin: str) -> Opened:
        """A session for somebody who has the password of a local account.

        `address` is from where they try; `origin` goes into the audit.

        Raises:
            TooManyTriesError: there were too many tries of this name, from there, or in all.
            UnknownCallerError: name or password is wrong.
            StoreUnavailableError: nobody can tell now.
        """
        name = name.strip()[: LONGEST_NAME + 1]
        from_there, of_name = f"address {address}", f"name {name}"
        wanted = [(from_there, FROM_ONE_ADDRESS), (of_name, FOR_ONE_NAME)]
        self._throttle.take(self._clock.now(), wanted)
        try:
            account = await self.accounts.admit(name, password)
        except UnknownCallerError as error:
            # What was typed as a name may be a password that slipped into the wrong field: it is not repeated.
            nobody = Caller(actor="unknown", role=Role.VIEWER, origin=origin)
            await self.accounts.note(nobody, "sign in", "refused", str(error))
            raise
        self._throttle.forget(from_there)
        self._throttle.forget(of_name)
        caller = replace(account.caller, origin=origin)
        await self.accounts.note(caller, "sign in", "accepted", "by password")
        must_choose = account.state == "used"
        return await self.sessions.begin(
            account.caller, source=LOCAL, account=account.name, basis=account.stamp, must_choose=must_choose
        )

    async def recognise(self, session: Session, password: str, *, address: str) -> None:
        """See that this is the present password of whoever is signed in.

        Raises:
            TooManyTriesError, UnknownCallerError: see `by_password`.
        """
        self._throttle.take(self._clock.now(), [(f"address {address}", FROM_ONE_ADDRESS)])
        await self.accounts.admit(session.account, password)

    async def by_provider(
        self, provider: Provider, code: str, request: Request, *, address: str, origin: str
    ) -> Opened:
        """A session for somebody who came back from a provider with a code.

        Sessions that gave them other rights than they have now end.

        Raises:
            TooManyTriesError: there were too many from there that the provider did not accept.
            UnknownCallerError: the provider does not vouch for them, or they have no role here; says why.
            IdentityUnavailableError, StoreUnavailableError: nobody can tell now.
        """
        self._throttle.take(self._clock.now(), [(f"address {address}", FROM_ONE_ADDRESS)])
        try:
            person = await provider.person(code, request)
        except UnknownCallerError as error:
            nobody = Caller(actor="unknown", role=Role.VIEWER, origin=origin)
            await self.accounts.note(nobody, "sign in", "refused", str(error))
            raise
        self._throttle.forget(f"address {address}")
        source, account = provider.issuer, person.account
        await self.accounts.note(replace(person.caller, origin=origin), "sign in", "accepted", f"by {source}")
        await self.sessions.end_others(source, account, person.caller)
        basis = await provider.basis(account)
        return await self.sessions.begin(person.caller, source=source, account=account, basis=basis)

    async def choose(self, session: Session, password: str) -> Opened:
        """A password of one's own, and a new session with it; all others of the account end.

        Raises:
            InvalidRequestError: the password does not fit.
            UnknownCallerError: the account was changed meanwhile, or is not a local one.
        """
        if session.source != LOCAL:
            raise UnknownCallerError("your password is kept where you signed in, not here")
        account = await self.accounts.choose(session.account, session.basis, password)
        await self.sessions.end_all(LOCAL, account.name)
        return await self.sessions.begin(account.caller, source=LOCAL, account=account.name, basis=account.stamp)

    async def leave(self, session: Session, *, origin: str) -> None:
        """End a session."""
        await self.sessions.end(session)
        await self.accounts.note(replace(session.caller, origin=origin), "sign out", "accepted", "")
