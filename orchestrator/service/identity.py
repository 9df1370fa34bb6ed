"""Who asks: the bearer of an API token, of a JWT or of a session; without access control, somebody at this machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from orchestrator.errors import UnknownCallerError
from orchestrator.service.access import Caller, Role
from orchestrator.service.tokens import PREFIX

if TYPE_CHECKING:
    from orchestrator.service.sessions import Sessioning
    from orchestrator.service.tokens import Issuing

LOCAL = Caller(actor="local", role=Role.ADMIN)
"""Whoever asks while access control is off: only this machine can."""
MAX_TOKEN = 8_192


class Bearers(Protocol):
    """Reads signed tokens of somebody whom we trust."""

    async def bearer(self, text: str) -> Caller:
        """Who shows this token.

        Raises:
            UnknownCallerError: it is not accepted, and why.
            IdentityUnavailableError: nobody can tell now.
        """
        ...


class Identity:
    """Tells who asks.

    Args:
        issuing: our own tokens.
        signed: tokens of an issuer that we trust, if there is one.
        sessions: those of browsers that signed in, if people can sign in.
        is_on: whether access is controlled at all.
    """

    def __init__(
        self, issuing: Issuing, signed: Bearers | None, *, sessions: Sessioning | None = None, is_on: bool
    ) -> None:
        self._issuing = issuing
        self._signed = signed
        self._sessions = sessions
        self.is_on = is_on

    async def caller(self, authorization: str, *, session: str = "", origin: str = "") -> Caller:
        """Who asks, by what the header `Authorization` says, else by a session; `origin` goes into the audit.

        Raises:
            UnknownCallerError: nobody whom we know.
            PasswordToChooseError: their password was one for a single time.
            StoreUnavailableError, IdentityUnavailableError: nobody can tell now.
        """
        return replace(await self._known(authorization, session), origin=origin)

    async def _known(self, authorization: str, session: str) -> Caller:
        if not self.is_on:
            return LOCAL
        if session and not authorization and self._sessions is not None:
            return await self._sessions.caller(session)
        return await self._bearer(authorization)

    async def _bearer(self, authorization: str) -> Caller:
        scheme, _, text = authorization.partition(" ")
        text = text.strip()
        if scheme.lower() != "bearer" or not 0 < len(text) <= MAX_TOKEN:
            raise UnknownCallerError("show an API token or a JWT, as in `Authorization: Bearer saga_...`")
        if text.startswith(PREFIX):
            return await self._issuing.bearer(text)
        if self._signed is None:
            raise UnknownCallerError("this is no API token, and JWTs are not accepted here: SAGA_JWT_ISSUER is not set")
        return await self._signed.bearer(text)
