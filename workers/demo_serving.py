"""The demo's processes in the background: for orders that wait until a person has decided, and for who wants to look.

They go on until `saga down`, or until another demo begins, which needs their names.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local import demo_of
from orchestrator.cli.context import plain_console
from orchestrator.errors import OrchestratorError
from orchestrator.settings import load_settings
from workers.demo_processes import PACKAGES, Crew, environment_of
from workers.stopping import stop_on_signals

if TYPE_CHECKING:
    from orchestrator.settings import Settings

TEND_EVERY_S = 1.0


def go_on_in_background(project: Path, settings: Settings, folder: Path) -> None:
    """Start them for the run whose books lie in `folder`; they outlive this process."""
    variables = {**os.environ, **environment_of(settings), "PYTHONPATH": str(PACKAGES)}
    # Not from the current folder (-P): it may have a package `workers` of its own.
    command = [sys.executable, "-P", "-m", __name__, str(folder)]
    demo_of(project).start(command, variables=variables, ports={})


async def check_runs(project: Path) -> None:
    """See that they have not ended.

    Raises:
        OrchestratorError: they have; says where they tell why.
    """
    server = demo_of(project)
    if not server.is_running():
        raise OrchestratorError(f"{server.name} ended: see {server.log}")


async def stay_until_told(project: Path) -> None:
    """Stay with them until told to stop; they end with us.

    Raises:
        OrchestratorError: they have ended by themselves.
    """
    stop = stop_on_signals()
    try:
        while not stop.is_set():
            await check_runs(project)
            await _rest(stop)
    finally:
        await asyncio.to_thread(demo_of(project).stop)


async def serve(folder: Path) -> None:
    """Run them until told to stop."""
    stop = stop_on_signals()
    async with Crew.started(load_settings(), folder, plain_console()) as crew:
        while not stop.is_set():
            await crew.tend()
            await _rest(stop)


async def _rest(stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), TEND_EVERY_S)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
