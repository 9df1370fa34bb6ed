"""Turns: what only one process does at a time, though several run.

A turn is held until a time and renewed while its work goes on, so a process that is killed loses it by itself. If
the clocks of two machines differ by more than a turn, both may hold it: what is done in turns may be done twice at
once, since it goes by keys.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from orchestrator.errors import StoreUnavailableError
from orchestrator.together import stop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from orchestrator.service.operations import Clock

log = logging.getLogger(__name__)

LENGTH = timedelta(seconds=10)
"""How long a turn lasts that nobody renews: so long nobody goes on with what a killed process did."""


class Turns(Protocol):
    """Keeps turns. Every method raises `StoreUnavailableError`."""

    async def claim(self, name: str, *, now: datetime, until: datetime) -> bool:
        """Take a turn that nobody else has; it is over at `until`. False: somebody has it."""
        ...

    async def extend(self, name: str, *, held: datetime, until: datetime) -> bool:
        """Renew a turn that would be over at `held`. False: it was over, and somebody else took it."""
        ...

    async def release(self, name: str, *, held: datetime) -> None:
        """Give back a turn before its end, if it is still ours."""
        ...


async def in_turn(turns: Turns, clock: Clock, name: str, work: Callable[[], Awaitable[object]]) -> bool:
    """Do the work, unless somebody else has this turn; whether it was done. A turn that is lost stops the work.

    Raises:
        StoreUnavailableError: turns cannot be kept now; the work was stopped. What the work itself raises.
    """
    held = clock.now() + LENGTH
    if not await turns.claim(name, now=clock.now(), until=held):
        return False
    doing = asyncio.ensure_future(work())
    try:
        while not (await asyncio.wait([doing], timeout=LENGTH.total_seconds() / 3))[0]:
            until = clock.now() + LENGTH
            if not await turns.extend(name, held=held, until=until):
                log.warning("the turn %s went to another process: what it was for is stopped here", name)
                return False
            held = until
        await doing
    finally:
        await stop(doing)
        await _give_back(turns, name, held)
    return True


async def _give_back(turns: Turns, name: str, held: datetime) -> None:
    try:
        await turns.release(name, held=held)
    except StoreUnavailableError as error:
        log.info("the turn %s ends by itself: %s", name, error)
