"""The participant of the command rows, a process of its own: bare, or made with the participant kit."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from benchmarks.orders import Ledger
from benchmarks.processes import Process

if TYPE_CHECKING:
    from asyncio.subprocess import Process as Child
    from collections.abc import AsyncGenerator

    from orchestrator.settings import Settings

Kind: TypeAlias = Literal["bare", "kit"]
READY = b"ready\n"


@dataclass(slots=True)
class Responder:
    """A responder at work."""

    child: Child

    @property
    def process(self) -> Process:
        """Its process, to be measured."""
        return Process(self.child.pid)

    async def read_ledger(self) -> Ledger:
        """Ask it to end, and read the effects that it made."""
        printed, _ = await self.child.communicate(b"")
        told = json.loads(printed)
        ledger = Ledger(repeats=told["repeats"])
        ledger.effects.update(told["effects"])
        return ledger


@asynccontextmanager
async def responding(kind: Kind, settings: Settings, participant: str) -> AsyncGenerator[Responder]:
    """A responder that answers this participant's commands while the block runs."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.responder",
        kind,
        settings.name_prefix,
        participant,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        line = await child.stdout.readline() if child.stdout else b""
        if line != READY:
            raise RuntimeError(f"the responder said {line!r} instead of {READY!r}")
        yield Responder(child)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
