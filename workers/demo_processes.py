"""The demo's processes: one saga worker, one recorder, each participant by itself, and a console to watch them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from orchestrator.errors import OrchestratorError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from rich.console import Console

    from orchestrator.settings import Settings

PARTICIPANTS = ("inventory", "payments", "shipping")
COMMANDS = {
    "worker": ("worker",),
    "recorder": ("recorder",),
    **{name: ("participant", f"workers.participants.{name}:participant") for name in PARTICIPANTS},
}
CONSOLE = {"console": ("console",)}
PACKAGES = Path(__file__).resolve().parents[1]
MAX_RESTARTS = 3
GRACE_S = 20.0
"""How long a process may take to end before it is killed, seconds."""


class Crew:
    """The processes of one run; their logs and databases lie in `folder`."""

    def __init__(self, settings: Settings, folder: Path, console: Console) -> None:
        self._settings = settings
        self._folder = folder
        self.console = console
        # Where nothing is shown nobody could be told how to get into a console.
        self._commands: dict[str, tuple[str, ...]] = COMMANDS if console.quiet else {**COMMANDS, **CONSOLE}
        self._restarts: Counter[str] = Counter()
        self._running: dict[str, asyncio.subprocess.Process] = {}

    @classmethod
    @asynccontextmanager
    async def started(cls, settings: Settings, folder: Path, console: Console) -> AsyncGenerator[Crew]:
        """All processes, while the block runs."""
        crew = cls(settings, folder, console)
        folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - before anything runs
        try:
            for name in crew._commands:
                await crew._start(name)
            console.print(f"started a saga worker, a recorder, {', '.join(PARTICIPANTS)}; logs are in {folder}")
            yield crew
        finally:
            await crew.stop()

    @property
    def database_urls(self) -> list[str]:
        """Where the books are."""
        return [self.url(name) for name in ("worker", *PARTICIPANTS)]

    def pid(self, name: str) -> int:
        """Of the process that runs under this name now."""
        return self._running[name].pid

    def url(self, name: str) -> str:
        """A process's own database."""
        return f"sqlite:///{self._folder / name}.db"

    async def tend(self) -> None:
        """Start again what has ended by itself, or was killed, as a service manager would.

        Raises:
            OrchestratorError: one of them keeps ending; says which, and where its log is.
        """
        for name, process in list(self._running.items()):
            if process.returncode is None:
                continue
            self._restarts[name] += 1
            if self._restarts[name] > MAX_RESTARTS:
                raise OrchestratorError(f"{name} ended with {process.returncode}: see {self._folder / name}.log")
            self.console.print(f"{name} ended with {process.returncode}; it is started again")
            await self._start(name)

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

    async def _start(self, name: str) -> None:
        environment = {**os.environ, **environment_of(self._settings), "SAGA_DATABASE_URL": self.url(name)}
        if name == "recorder":
            environment["SAGA_HEALTH_PORT"] = "0"  # the worker's health is the demo's
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "workers",
                *self._commands[name],
                # Where our packages are: a folder `workers` in the current one would be taken for them.
                cwd=PACKAGES,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings as the environment of a process that is to have the same ones, wherever it runs."""
    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    return {f"SAGA_{name.upper()}": _written(value) for name, value in values.items() if value is not None}


def _written(value: object) -> str:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case timedelta():
            return str(value.total_seconds())
        case _:
            return str(value)
