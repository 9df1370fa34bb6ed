"""A recorder as a process of its own that kills itself before it acknowledges: `python -m tests.recorder_process MARK`.

With a second word, `messages`, it does so with messages for the event store, else with parked ones.

The file MARK says that it did. Settings come from the environment.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from orchestrator.settings import load_settings
from workers import message_recorder, parking_recorder, recorder


def die() -> None:
    Path(sys.argv[1]).touch()
    os.kill(os.getpid(), signal.SIGKILL)


async def never(_: object, **_how: object) -> bool:
    die()
    return False


async def serve() -> None:
    part = message_recorder if sys.argv[2:] == ["messages"] else parking_recorder
    pytest.MonkeyPatch().setattr(part, "acknowledge", never)
    async with recorder.open_recorder(load_settings()):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
