"""A person's process that confirms an undo and is killed: `python -m tests.faults.confirming FOLDER WHEN ID PLAN`.

WHEN is `before` or `after` the linked run is started. Settings come from the environment.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

from orchestrator.adapters.temporal.connecting import connect
from orchestrator.adapters.temporal.live import TemporalLive
from orchestrator.settings import load_settings
from tests.service_kit import ADMIN, asked
from tests.trip_kit import trip
from workers.operating import open_service

if TYPE_CHECKING:
    from orchestrator.engine.signals import CompensateRequested
    from orchestrator.service.live import Seen


def die_around_the_start(moment: str) -> None:
    plain = TemporalLive.begin_undo

    async def begin_undo(self: TemporalLive, seed: Seen, command: CompensateRequested) -> bool:
        if moment == "after":
            await plain(self, seed, command)
        os.kill(os.getpid(), signal.SIGKILL)
        return False

    TemporalLive.begin_undo = begin_undo  # type: ignore[method-assign]


async def confirm(_folder: str, moment: str, execution: str, plan: str) -> None:
    settings = load_settings()
    die_around_the_start(moment)
    async with open_service([trip], settings, await connect(settings)) as service:
        given = asked("compensate", plan=plan, override=True, key="confirming")
        await service.operating.operate(ADMIN, execution, given)


if __name__ == "__main__":
    asyncio.run(confirm(*sys.argv[1:]))
