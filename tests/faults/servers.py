"""Servers of a folder of their own, to be killed and started again."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from deploy.local import down, up, up_postgres
from deploy.local.environment import given_variables
from deploy.local.ports import is_free
from deploy.local.postgres_server import data_folder, postgres_of
from deploy.local.rabbitmq_server import rabbitmq_of
from deploy.local.temporal_server import temporal_of
from tests.sql_kit import fresh_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from deploy.local.processes import Server

KINDS = {"temporal": temporal_of, "rabbitmq": rabbitmq_of, "postgres": postgres_of}
PORT_LIMIT_S = 60
"""How long somebody else may sit on a port that the server had before it was killed."""
quiet = Console(stderr=True, quiet=True)


def server_of(project: Path, kind: str) -> Server:
    return KINDS[kind](project)


def kill_server(project: Path, kind: str) -> None:
    """SIGKILL to every process of the server at once; it is gone on return."""
    server = server_of(project, kind)
    assert server.is_running()
    pid = server.record().pid
    os.killpg(pid, signal.SIGKILL)
    server.stop()  # waits for its end, and buries what was our child
    assert not server.is_running()
    until = time.monotonic() + PORT_LIMIT_S
    while Path(f"/proc/{pid}").exists():  # dead and not yet buried: PostgreSQL takes its lock for held
        assert time.monotonic() < until
        time.sleep(0.05)


async def start_server(project: Path, kind: str) -> None:
    """Start it again, where it was; it answers on return."""
    before = server_of(project, kind).record().ports
    async with asyncio.timeout(PORT_LIMIT_S):
        while not all(map(is_free, before.values())):
            await asyncio.sleep(0.1)
    await asyncio.to_thread(up_postgres if kind == "postgres" else up, project, quiet)
    assert server_of(project, kind).record().ports == before, "it came back at another address"


async def stop_server(project: Path, kind: str) -> None:
    """Ask it to end in good order, and wait for it."""
    assert await asyncio.to_thread(server_of(project, kind).stop)


@dataclass(frozen=True)
class OwnDatabase:
    """A database, and the folder of its server, which may be killed: nobody else uses it."""

    project: Path
    address: str

    def kill(self) -> None:
        kill_server(self.project, "postgres")

    async def start(self) -> None:
        await start_server(self.project, "postgres")

    async def stop(self) -> None:
        await stop_server(self.project, "postgres")


@contextmanager
def own_postgres(project: Path) -> Iterator[str]:
    """A PostgreSQL of a folder's own; its address."""
    with pytest.MonkeyPatch.context() as patch:
        for name in given_variables():
            patch.delenv(name)
        yield up_postgres(project, quiet)
        down(project, quiet)
    if not data_folder(project).is_relative_to(project):
        shutil.rmtree(data_folder(project))


@asynccontextmanager
async def own_database(project: Path, server: str) -> AsyncIterator[OwnDatabase]:
    """An empty database on it."""
    async with fresh_database(server) as address:
        yield OwnDatabase(project, address)
