"""Work that goes on at once, and ends at once: none of it outlives whoever asked for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable
    from typing import Any

T = TypeVar("T")


async def together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Do all of it at once; gives what each one gives, in their order.

    The first error stops the others and is raised as it is, when they have ended. So does a cancellation.
    `asyncio.gather` goes on without waiting for them: what they still hold, a connection to a database, is then taken
    away under their hands.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
