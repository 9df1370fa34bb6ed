"""The servers of the benchmarks: started as `saga up` starts them, in a folder of their own, with empty databases."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from deploy.local import down, up
from deploy.local.rabbitmq_server import rabbitmq_of
from deploy.local.temporal_server import temporal_of

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

PROJECT = Path(__file__).resolve().parents[1]
FOLDER = PROJECT / ".local" / "bench"
note = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Servers:
    """Servers at work.

    Attributes:
        variables: environment of the processes that use them.
        sessions: session leader of each, by name.
    """

    variables: Mapping[str, str]
    sessions: Mapping[str, int]


@contextmanager
def fresh_servers() -> Generator[Servers]:
    """Both servers with nothing in them, while the block runs: what earlier runs left behind would slow later ones.

    A server whose address is in the environment is used as it is; it is measured only if `SAGA_BENCH_TEMPORAL_PID`
    names its session.
    """
    down(FOLDER, note)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    environment = up(FOLDER, note)
    temporal = int(os.environ.get("SAGA_BENCH_TEMPORAL_PID", "0")) or temporal_of(FOLDER).record().pid
    try:
        yield Servers(
            variables={**os.environ, **environment.variables()},
            sessions={"temporal": temporal, "rabbitmq": rabbitmq_of(FOLDER).record().pid},
        )
    finally:
        down(FOLDER, note)
