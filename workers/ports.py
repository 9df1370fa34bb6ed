"""What the actions of a worker's sagas get by `ctx.get(...)` unless `--ports` says it."""

from __future__ import annotations

import inspect
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
    from contextlib import AbstractAsyncContextManager

    from orchestrator.saga.definition import Saga
    from orchestrator.settings import Settings

    OpenPorts = Callable[[Settings], AbstractAsyncContextManager[Mapping[type, Any]]]

OUR_SAGAS = Path(__file__).resolve().parents[1] / "sagas"


@asynccontextmanager
async def no_ports(_: Settings) -> AsyncGenerator[Mapping[type, Any]]:
    """For sagas whose actions ask for nothing."""
    yield {}


def default_ports(sagas: Iterable[Saga]) -> OpenPorts:
    """The demo's for the sagas of this repository, none for others."""
    if not are_ours(sagas):
        return no_ports
    from workers.demo_ports import demo_ports  # noqa: PLC0415 - it imports `sagas`, which may be another's

    return demo_ports


def are_ours(sagas: Iterable[Saga]) -> bool:
    """Whether any of these is one of this repository's: only they ask for the demo's ports."""
    return any(_file(saga).is_relative_to(OUR_SAGAS) for saga in sagas)


def _file(saga: Saga) -> Path:
    first = next(iter(saga.handlers.values()))
    return Path(inspect.getsourcefile(first.function.call) or "").resolve()
