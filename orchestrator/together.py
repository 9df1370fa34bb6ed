"""Work of one's own that goes on beside one: none of it outlives whoever asked for it, and what must end well does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable
    from typing import Any

T = TypeVar("T")
PATIENCE_S = 5.0


async def together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Do all of it at once; gives what each one gives, in their order.

    The first error stops the others and is raised as it is, when they have ended. So does a cancellation.
    `asyncio.gather` goes on without waiting for them: what they still hold, a connection to a database, is then taken
    away under their hands. A `TaskGroup` waits for ever for one that lost its cancellation, see `stop`.
    """
    tasks = [asyncio.create_task(work) for work in works]
    if not tasks:
        return []
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    except asyncio.CancelledError:
        await stop(*tasks)
        raise
    errors = [error for task in tasks if task in done and not task.cancelled() and (error := task.exception())]
    if errors:
        await stop(*tasks)
        raise errors[0]
    return [task.result() for task in tasks]


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Do it to its end. Who is cancelled meanwhile waits for that, and is told then.

    For what closes things: broken off, it leaves behind what it has not come to yet.
    """
    task, told = asyncio.create_task(work), None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            told = error
    if told is not None:
        raise told from (None if task.cancelled() else task.exception())
    return task.result()


async def stop(*tasks: asyncio.Future[Any]) -> None:
    """Cancel them and wait until they have ended, whatever they end with; see `to_its_end`.

    Once is enough, and a second time would break off what a task does about the first, such as giving a connection
    back. But `asyncio.wait_for` of Python 3.11 loses a cancellation that comes at the moment of its result, and a pool
    of connections waits by it: who has not ended after `PATIENCE_S` is told again.
    """
    if left := {task for task in tasks if not task.done()}:
        await to_its_end(_ended(left))
    for task in tasks:
        if not task.cancelled():
            task.exception()  # asked for, so that nobody complains of an error that went unseen


async def _ended(left: set[asyncio.Future[Any]]) -> None:
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=PATIENCE_S)
