"""A request that comes twice under one idempotency key is carried out once; its answer is given again.

The first one takes the key, in the store, before anything is done. A success is kept for `KEEP`; a refusal did nothing,
so it gives the key back, and so does a server that is away. A process that is killed in between leaves the key taken:
after `GRACE` the same request takes it over, and what it calls recognises its own repeats.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from orchestrator.errors import InvalidRequestError, KeyInUseError, KeyReusedError
from orchestrator.service.reasons import MAX_KEY
from orchestrator.service.records import milliseconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from orchestrator.service.operations import Clock

KEEP = timedelta(hours=24)
GRACE = timedelta(minutes=2)
FORGOTTEN_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request was answered: HTTP's words, as any API has them."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A key that an actor has given. `holder`: which attempt holds it; `answer` is None while that is under way."""

    request_hash: str
    holder: str
    at_ms: int
    answer: Answer | None = None


class Answers(Protocol):
    """Keeps keys and answers. Every method raises `StoreUnavailableError`."""

    async def take(self, actor: str, key: str, taken: Taken, *, over_before_ms: int) -> Taken:
        """Take a key; what holds it afterwards, `taken` itself or what was there.

        One that was there gives way if it is older than `over_before_ms` and has the same request and no answer.
        """
        ...

    async def keep(self, actor: str, key: str, holder: str, answer: Answer) -> None:
        """Keep the answer under a key that this attempt holds."""
        ...

    async def give_back(self, actor: str, key: str, holder: str) -> None:
        """Forget a key that this attempt holds."""
        ...

    async def forget(self, *, before_ms: int, limit: int) -> int:
        """Remove keys that were taken before a time; how many."""
        ...


class Once:
    """Carries requests out once."""

    def __init__(self, answers: Answers, clock: Clock) -> None:
        self._answers = answers
        self._clock = clock

    async def perform(self, actor: str, key: str, request_hash: str, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer of `work`, which is called if this key has none yet.

        Raises:
            KeyReusedError: the key came with another request before.
            KeyInUseError: the same request is under way.
        """
        if not 0 < len(key) <= MAX_KEY:
            raise InvalidRequestError([("/key", f"an idempotency key of 1 to {MAX_KEY} characters is needed")])
        now = self._clock.now()
        await self._answers.forget(before_ms=milliseconds(now - KEEP), limit=FORGOTTEN_AT_ONCE)
        mine = Taken(request_hash=request_hash, holder=uuid.uuid4().hex, at_ms=milliseconds(now))
        held = await self._answers.take(actor, key, mine, over_before_ms=milliseconds(now - GRACE))
        if held.request_hash != request_hash:
            raise KeyReusedError(key)
        if held.answer is not None:
            return held.answer
        if held.holder != mine.holder:
            raise KeyInUseError(key)
        return await self._performed(actor, key, mine.holder, work)

    async def _performed(self, actor: str, key: str, holder: str, work: Callable[[], Awaitable[Answer]]) -> Answer:
        try:
            answer = await work()
        except BaseException:
            await self._answers.give_back(actor, key, holder)
            raise
        await self._answers.keep(actor, key, holder, answer)
        return answer
