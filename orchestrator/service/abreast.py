"""Work that goes on side by side, a bounded number at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from orchestrator.together import stop

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType
    from typing import Any, Self


class Abreast:
    """At most `limit` pieces of work at a time. At the end of the block all have ended.

    The first error stops what was not begun; what is under way ends first, then the error is raised. If the block is
    left by an exception, what is under way is stopped.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._under_way: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin a piece of work, as soon as there is room; raises what an earlier one raised."""
        self._under_way.add(asyncio.create_task(work))
        while len(self._under_way) >= self._limit:
            await self._settle(asyncio.FIRST_COMPLETED)

    async def __aexit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if kind is not None:
            await stop(*self._under_way)
            return
        await self._settle(asyncio.ALL_COMPLETED)

    async def _settle(self, when: str) -> None:
        if not self._under_way:
            return
        done, self._under_way = await asyncio.wait(self._under_way, return_when=when)
        errors = [error for task in done if (error := task.exception()) is not None]
        if not errors:
            return
        if self._under_way:
            await asyncio.wait(self._under_way)
        raise errors[0]
