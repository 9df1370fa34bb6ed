"""A maker as a process of its own: `python -m tests.participant_process DATABASE_URL [MARK]`.

With MARK it kills itself, once, after the transaction of its first command and before anything of it is sent; the file
MARK says that it did. Settings come from the environment.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.adapters.rabbitmq.participants import Drill, ParticipantServer
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.inbox import SqlStore
from orchestrator.settings import load_settings
from tests.participant_kit import maker, tables, write_thing

if TYPE_CHECKING:
    from orchestrator.messages import Envelope


def crash_once(mark: Path) -> Drill:
    def crash(_: Envelope) -> bool:
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    return Drill(withholds=crash)


async def serve(url: str, *mark: str) -> None:
    engine = open_engine(url)
    drill = crash_once(Path(mark[0])) if mark else None
    async with ParticipantServer.open(
        maker(write_thing), SqlStore(engine, "maker", tables), load_settings(), drill=drill
    ):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
