"""Work that goes on to its end though whoever asked for it leaves.

A server cancels the stream of somebody who has gone again and again until it ends. A driver of a database that is
cancelled a second time, while it closes what the first time broke off, leaves its connection behind: so what a stream
asks of the ledger is not cancelled at all. It is short, and nobody waits for it but who takes the ledger away.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator.together import to_its_end

if TYPE_CHECKING:
    from collections.abc import Coroutine

Result = TypeVar("Result")
_under_way: set[asyncio.Task[Any]] = set()
"""The loop itself holds tasks only weakly."""


async def outlasting(work: Coroutine[Any, Any, Result]) -> Result:
    """What the work gives. A caller who is cancelled meanwhile does not cancel it."""
    task = asyncio.create_task(work)
    _under_way.add(task)
    task.add_done_callback(_ended)
    return await asyncio.shield(task)


async def all_have_ended() -> None:
    """Wait for what is under way in this loop."""
    loop = asyncio.get_running_loop()
    if tasks := [task for task in _under_way if task.get_loop() is loop]:
        await to_its_end(asyncio.wait(tasks))


def _ended(task: asyncio.Task[Any]) -> None:
    _under_way.discard(task)
    if not task.cancelled():
        task.exception()  # asked for, so that what failed for nobody is not complained about
