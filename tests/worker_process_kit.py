"""`saga worker`, or another process that has a port for its health, as one of a test's own."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from workers.demo_processes import environment_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from orchestrator.settings import Settings

PROJECT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class WorkerProcess:
    """One worker, once it is started."""

    settings: Settings
    http: aiohttp.ClientSession
    port: int
    command: str = "worker"
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; until it says that it is ready."""
        self.process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "workers",
            self.command,
            cwd=PROJECT,
            env={**os.environ, **environment_of(self.settings), "SAGA_HEALTH_PORT": str(self.port)},
            stderr=asyncio.subprocess.PIPE,
        )
        while await self.health("/readyz") != (200, "ready"):
            assert process.returncode is None, (await process.communicate())[1].decode()
            await asyncio.sleep(0.1)

    async def health(self, path: str) -> tuple[int, str] | None:
        """Status and word of a health page; nothing while nobody listens."""
        try:
            async with self.http.get(path) as answer:
                return answer.status, (await answer.json())["status"]
        except aiohttp.ClientConnectionError:
            return None

    async def metrics(self) -> str:
        """What it tells Prometheus."""
        async with self.http.get("/metrics") as answer:
            assert answer.status == 200
            return await answer.text()

    async def kill(self) -> None:
        """kill -9."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def end(self) -> bytes:
        """Have it end well; what it said."""
        assert self.process is not None
        self.process.terminate()
        _, told = await self.process.communicate()
        return told


@asynccontextmanager
async def worker_in_a_process(
    settings: Settings, command: str = "worker", *, is_started: bool = True
) -> AsyncGenerator[WorkerProcess]:
    """A worker, or another command; killed at the end of the block if it has not ended."""
    port = free_port()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
        made = WorkerProcess(settings, http, port, command)
        try:
            if is_started:
                await made.start()
            yield made
        finally:
            await made.kill()
