"""The demo's processes: one saga worker, and each participant by itself."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from orchestrator.errors import OrchestratorError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from rich.console import Console

    from orchestrator.settings import Settings

PARTICIPANTS = ("inventory", "payments", "shipping")
GRACE_S = 20.0
"""How long a process may take to end before it is killed, seconds."""


class Crew:
    """The processes of one run; their logs and databases lie in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, asyncio.subprocess.Process] = {}

    @classmethod
    @asynccontextmanager
    async def started(cls, settings: Settings, folder: Path, console: Console) -> AsyncGenerator[Crew]:
        """All processes, while the block runs."""
        crew = cls(folder)
        folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - before anything runs
        try:
            await crew._start("worker", "worker", database=crew.url("worker"), settings=settings)
            for name in PARTICIPANTS:
                reference = f"workers.participants.{name}:participant"
                await crew._start(name, "participant", reference, database=crew.url(name), settings=settings)
            console.print(f"started a saga worker and {', '.join(PARTICIPANTS)}; logs are in {folder}", highlight=False)
            yield crew
        finally:
            await crew.stop()

    @property
    def database_urls(self) -> list[str]:
        """Where the books are."""
        return [self.url(name) for name in ("worker", *PARTICIPANTS)]

    def url(self, name: str) -> str:
        """A process's own database."""
        return f"sqlite:///{self._folder / name}.db"

    def check(self) -> None:
        """All processes still run.

        Raises:
            OrchestratorError: one has ended by itself; says which, and where its log is.
        """
        for name, process in self._running.items():
            if process.returncode is not None:
                raise OrchestratorError(f"{name} ended with {process.returncode}: see {self._folder / name}.log")

    async def stop(self) -> None:
        """Ask all to end, and wait for it."""
        for process in self._running.values():
            if process.returncode is None:
                process.terminate()
        for process in self._running.values():
            try:
                await asyncio.wait_for(process.wait(), GRACE_S)
            except TimeoutError:
                process.kill()
                await process.wait()

    async def _start(self, name: str, *command: str, database: str, settings: Settings) -> None:
        environment = {
            **os.environ,
            "SAGA_DATABASE_URL": database,
            "SAGA_TEMPORAL_ADDRESS": settings.temporal_address,
            "SAGA_TEMPORAL_NAMESPACE": settings.temporal_namespace,
            "SAGA_RABBITMQ_URL": settings.rabbitmq_url.get_secret_value(),
        }
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "workers", *command, env=environment, stdin=asyncio.subprocess.DEVNULL,
                stdout=log, stderr=log,
            )  # fmt: skip
