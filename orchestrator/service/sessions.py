"""Sessions: what a browser that signed in shows instead of a password. Kept as a digest, as tokens are.

A session is good until its time is over, nobody used it for a while, it was ended, or what its rights rest on is not
the same any more: a changed password or role ends all sessions that were begun before.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from orchestrator.errors import PasswordToChooseError, UnknownCallerError
from orchestrator.service.records import milliseconds
from orchestrator.service.tokens import digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.service.access import Caller
    from orchestrator.service.operations import Clock

TOUCH_EVERY_MS = 60_000
"""How old the time of the last use may become before it is written again."""
MAX_TEXT = 100
OVER = "your session is over: sign in again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What is kept of a session.

    Attributes:
        digest: SHA-256 of what the browser shows, in hex.
        source: who vouches for the caller: `local`, or the issuer. `account`: their name there.
        basis: what the rights rest on; the session ends when the source names another.
        must_choose: it was begun with a one-time password, and is good for choosing one's own alone.
        began_ms, seen_ms, ends_ms: epoch milliseconds.
    """

    digest: str
    source: str
    account: str
    caller: Caller
    basis: str
    must_choose: bool = False
    began_ms: int = 0
    seen_ms: int = 0
    ends_ms: int = 0


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session; `text` goes to the browser and is kept nowhere."""

    session: Session
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long sessions last: in all, and without being used."""

    whole: timedelta = timedelta(hours=12)
    idle: timedelta = timedelta(hours=1)


class Sessions(Protocol):
    """Keeps sessions. Every method raises `StoreUnavailableError`."""

    async def add(self, session: Session) -> None:
        """Store a new one."""
        ...

    async def by_digest(self, digest: str) -> Session | None:
        """The session of this digest."""
        ...

    async def touch(self, digest: str, *, seen_ms: int) -> None:
        """It was used."""
        ...

    async def end(self, digest: str) -> None:
        """Forget it."""
        ...

    async def of(self, source: str, account: str) -> tuple[Session, ...]:
        """All of an account."""
        ...

    async def end_all(self, source: str, account: str) -> None:
        """Forget all of an account."""
        ...

    async def forget(self, *, ends_before_ms: int) -> None:
        """Forget those whose time was over by then."""
        ...


class Source(Protocol):
    """Vouches for callers."""

    async def basis(self, account: str) -> str:
        """What the rights of an account rest on now; empty = it has none."""
        ...


class Sessioning:
    """Begins sessions, tells whose they are, and ends them.

    Args:
        sources: who vouches for callers, by name.
    """

    def __init__(
        self, sessions: Sessions, clock: Clock, sources: Mapping[str, Source], lasting: Lasting | None = None
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._sources = sources
        self._lasting = lasting or Lasting()

    async def begin(
        self, caller: Caller, *, source: str, account: str, basis: str, must_choose: bool = False
    ) -> Opened:
        """A new session.

        Raises:
            StoreUnavailableError: nobody can sign in now.
        """
        now_ms, text = self._now_ms(), secrets.token_urlsafe(32)
        await self._sessions.forget(ends_before_ms=now_ms)
        session = Session(
            digest=digest_of(text),
            source=source,
            account=account,
            caller=caller,
            basis=basis,
            must_choose=must_choose,
            began_ms=now_ms,
            seen_ms=now_ms,
            ends_ms=now_ms + self._lasting.whole // timedelta(milliseconds=1),
        )
        await self._sessions.add(session)
        return Opened(session, text)

    async def of(self, text: str) -> Session:
        """The session that a browser shows.

        Raises:
            UnknownCallerError: it is none, or not good any more.
            StoreUnavailableError: nobody can tell now.
        """
        found = await self._kept(text)
        if found is None:
            raise UnknownCallerError(OVER)
        if not await self._is_good(found):
            await self._sessions.end(found.digest)
            raise UnknownCallerError(OVER)
        now_ms = self._now_ms()
        if now_ms - found.seen_ms >= TOUCH_EVERY_MS:
            await self._sessions.touch(found.digest, seen_ms=now_ms)
        return found

    async def lasts(self, text: str) -> bool:
        """Whether a session is still good. To ask does not count as using it.

        Raises:
            StoreUnavailableError: nobody can tell now.
        """
        found = await self._kept(text)
        return found is not None and await self._is_good(found)

    async def caller(self, text: str) -> Caller:
        """Who shows this session.

        Raises:
            UnknownCallerError, StoreUnavailableError: see `of`.
            PasswordToChooseError: they must choose a password of their own first.
        """
        session = await self.of(text)
        if session.must_choose:
            raise PasswordToChooseError
        return session.caller

    async def end(self, session: Session) -> None:
        """Let nobody in with it any more."""
        await self._sessions.end(session.digest)

    async def end_all(self, source: str, account: str) -> None:
        """The same for all of an account."""
        await self._sessions.end_all(source, account)

    async def end_others(self, source: str, account: str, caller: Caller) -> None:
        """End those of an account that give other rights than it has now."""
        for one in await self._sessions.of(source, account):
            if one.caller != caller:
                await self._sessions.end(one.digest)

    async def _kept(self, text: str) -> Session | None:
        return await self._sessions.by_digest(digest_of(text)) if 0 < len(text) <= MAX_TEXT else None

    async def _is_good(self, session: Session) -> bool:
        now_ms, idle_ms = self._now_ms(), self._lasting.idle // timedelta(milliseconds=1)
        if now_ms >= min(session.ends_ms, session.seen_ms + max(idle_ms, TOUCH_EVERY_MS)):
            return False
        source = self._sources.get(session.source)
        return source is not None and secrets.compare_digest(await source.basis(session.account), session.basis)

    def _now_ms(self) -> int:
        return milliseconds(self._clock.now())
