"""Something done again and again in a process, whatever goes wrong in between."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestrator.errors import EngineUnavailableError, LedgerOutdatedError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

LONGEST_REST = timedelta(seconds=30)


async def again_and_again(name: str, turn: Callable[[], Awaitable[object]], every: timedelta) -> None:
    """Turn after turn with a pause between, until cancelled; after one that failed the pause doubles, up to a limit."""
    pause = every
    while True:
        try:
            await turn()
        except (EngineUnavailableError, StoreUnavailableError, LedgerOutdatedError) as error:
            log.warning("%s waits: %s", name, error)
            pause = max(every, min(pause * 2, LONGEST_REST))
        except Exception:
            log.exception("a turn of %s failed; the next one tries again", name)
            pause = max(every, min(pause * 2, LONGEST_REST))
        else:
            pause = every
        await asyncio.sleep(pause.total_seconds())
