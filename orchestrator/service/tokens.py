"""API tokens: made, listed and revoked by those who may; whoever shows one acts as what it was made for.

A token is shown once and kept as a digest: it is 256 bits of chance, so a plain SHA-256 of it cannot be guessed back.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from orchestrator.errors import DeniedError, InvalidRequestError, TokenNotFoundError, UnknownCallerError
from orchestrator.service.access import ROLES, Caller, Permission
from orchestrator.service.auditing import AuditEntry
from orchestrator.service.operating import REFUSALS
from orchestrator.service.reasons import check_reason, wrong_reason
from orchestrator.service.records import milliseconds

if TYPE_CHECKING:
    from orchestrator.service.operations import Clock, Register

PREFIX = "saga_"
"""How every token begins, so that programs that look for secrets recognise it."""
MAX_NAME = 100
LONGEST = timedelta(days=3_650)
TAKEN = "a token that is good has the name {!r}, and the audit tells them apart by it: take another, or revoke that one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is kept of a token.

    Attributes:
        digest: SHA-256 of the token, in hex. `caller`: as whom, and with which rights, its bearer acts.
        expires_ms, revoked_ms: epoch milliseconds; None = never, not.
    """

    id: str
    name: str
    digest: str
    caller: Caller
    made_by: str
    made_ms: int
    expires_ms: int | None = None
    revoked_ms: int | None = None
    revoked_by: str = ""

    def is_good(self, now_ms: int) -> bool:
        """Whether its bearer is let in."""
        return self.revoked_ms is None and (self.expires_ms is None or now_ms < self.expires_ms)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token; `text` is shown this once and kept nowhere."""

    token: Token
    text: str


class Tokens(Protocol):
    """Keeps tokens. Every method raises `StoreUnavailableError`."""

    async def add(self, token: Token) -> bool:
        """Store a new one; False, and nothing is stored, if one that is good at its `made_ms` has its name."""
        ...

    async def by_digest(self, digest: str) -> Token | None:
        """The token of this digest."""
        ...

    async def find(self, token_id: str) -> Token | None:
        """A token."""
        ...

    async def all(self, *, after: str = "", limit: int = 200) -> tuple[Token, ...]:
        """Tokens by id, beginning behind `after`; revoked and expired ones too."""
        ...

    async def revoke(self, token_id: str, *, at_ms: int, by: str) -> bool:
        """Let nobody in with it any more; False if that was so, or there is none."""
        ...


class Issuing:
    """The use cases of tokens, each audited."""

    def __init__(self, tokens: Tokens, register: Register, clock: Clock) -> None:
        self._tokens = tokens
        self._register = register
        self._clock = clock

    async def create(
        self, caller: Caller, name: str, wanted: Caller, reason: str, *, lasts: timedelta | None = None
    ) -> Issued:
        """A new token. `wanted`: role, rights and sagas of its bearer, who acts as `token:<name>`.

        No two that are good at the same time have one name: by it the audit tells who did something.

        Raises:
            DeniedError: the caller may make none, or not with rights that they do not have themselves.
            InvalidRequestError: no usable name, reason or length of time; or a good token has the name.
        """
        name = name.strip()
        text = f"{PREFIX}{secrets.token_urlsafe(32)}"
        token = Token(
            id=uuid.uuid4().hex,
            name=name,
            digest=digest_of(text),
            caller=replace(wanted, actor=f"token:{name}", origin=""),
            made_by=caller.actor,
            made_ms=self._now_ms(),
            expires_ms=None if lasts is None else self._now_ms() + lasts // timedelta(milliseconds=1),
        )
        try:
            caller.require(Permission.TOKENS)
            _check(name, reason, lasts)
            _require_no_more(caller, wanted)
            if not await self._tokens.add(token):
                raise InvalidRequestError([("/name", TAKEN.format(name))])
        except REFUSALS as error:
            await self._note(caller, "create token", token, reason, refusal=str(error))
            raise
        await self._note(caller, "create token", token, reason)
        return Issued(token, text)

    async def revoke(self, caller: Caller, token_id: str, reason: str) -> Token:
        """Let nobody in with it any more; once more is no fault.

        Raises:
            DeniedError: the caller may revoke none, or not one with rights that they do not have themselves.
            InvalidRequestError: see `create`.
            TokenNotFoundError: there is none.
        """
        token = await self._tokens.find(token_id)
        if token is None:
            caller.require(Permission.TOKENS)
            raise TokenNotFoundError(token_id)
        try:
            caller.require(Permission.TOKENS)
            check_reason(reason)
            _require_no_more(caller, token.caller)
        except REFUSALS as error:
            await self._note(caller, "revoke token", token, reason, refusal=str(error))
            raise
        if await self._tokens.revoke(token_id, at_ms=self._now_ms(), by=caller.actor):
            await self._note(caller, "revoke token", token, reason)
        return await self._found(token_id)

    async def all(self, caller: Caller, *, after: str = "", limit: int = 200) -> tuple[Token, ...]:
        """Tokens by id, beginning behind `after`: those that the caller could revoke, and those they made.

        Raises:
            DeniedError: the caller may see none.
        """
        caller.require(Permission.TOKENS)
        found: list[Token] = []
        while len(found) < limit and (page := await self._tokens.all(after=after, limit=limit)):
            found += (token for token in page if token.made_by == caller.actor or _is_no_more(caller, token.caller))
            after = page[-1].id
        return tuple(found[:limit])

    async def bearer(self, text: str) -> Caller:
        """Who shows this token.

        Raises:
            UnknownCallerError: it is none of ours, or it was revoked, or its time is over.
        """
        token = await self._tokens.by_digest(digest_of(text))
        if token is None:
            raise UnknownCallerError("no such API token: make one with `saga token create`")
        if not token.is_good(self._now_ms()):
            how = "has expired" if token.revoked_ms is None else "was revoked"
            raise UnknownCallerError(f"the API token {token.name!r} {how}: make another with `saga token create`")
        return token.caller

    async def _found(self, token_id: str) -> Token:
        token = await self._tokens.find(token_id)
        if token is None:
            raise TokenNotFoundError(token_id)
        return token

    async def _note(self, caller: Caller, what: str, token: Token, reason: str, *, refusal: str = "") -> None:
        entry = AuditEntry(
            at_ms=self._now_ms(),
            actor=caller.actor,
            role=caller.role.value,
            what=what,
            target=f"token:{token.id}",
            result="refused" if refusal else "accepted",
            reason=reason,
            text=refusal or f"{token.name}: {token.caller.role.value}",
            origin=caller.origin,
        )
        await self._register.note(entry)

    def _now_ms(self) -> int:
        return milliseconds(self._clock.now())


def digest_of(text: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(text.encode()).hexdigest()


def _check(name: str, reason: str, lasts: timedelta | None) -> None:
    problems = wrong_reason(reason)
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        problems.append(("/name", f"1 to {MAX_NAME} printable characters"))
    if lasts is not None and not timedelta(0) < lasts <= LONGEST:
        problems.append(("/days", f"more than 0 and at most {LONGEST.days}"))
    if problems:
        raise InvalidRequestError(problems)


def _require_no_more(caller: Caller, wanted: Caller) -> None:
    """Nobody hands out what they do not have, nor takes it from others."""
    for permission in sorted(ROLES[wanted.role] | wanted.granted):
        caller.require(permission)
    if caller.sagas is not None and (wanted.sagas is None or not wanted.sagas <= caller.sagas):
        raise DeniedError(actor=caller.actor, permission=Permission.TOKENS.value, saga="*")


def _is_no_more(caller: Caller, wanted: Caller) -> bool:
    try:
        _require_no_more(caller, wanted)
    except DeniedError:
        return False
    return True
