"""A worker for trips as a process of its own: `python -m tests.trip_process FOLDER [MARK]`.

With MARK it kills itself, once, when it is asked for a boundary; the file MARK says that it did. Settings come from the
environment.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from temporalio import activity

from orchestrator.adapters.temporal.activities import Activities
from orchestrator.adapters.temporal.given import BOUNDARY
from orchestrator.settings import load_settings
from tests.trip_kit import Agency, trip
from workers.saga_worker import open_worker


def die_once(mark: Path) -> None:
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def die_at_the_first_boundary(mark: Path) -> None:
    plain = Activities.boundary

    @activity.defn(name=BOUNDARY)
    async def boundary(self: Activities, since: int) -> bool:
        die_once(mark)
        return await plain(self, since)

    Activities.boundary = boundary  # type: ignore[method-assign]


async def serve(folder: Path, *mark: str) -> None:
    if mark:
        die_at_the_first_boundary(Path(mark[0]))
    async with open_worker([trip], load_settings(), {Agency: Agency(folder)}):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), *sys.argv[2:]))
