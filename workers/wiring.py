"""What a command line names by `module:ATTRIBUTE`, held to what it must be before anything starts."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

from orchestrator.cli.context import load
from orchestrator.errors import OrchestratorError
from orchestrator.participant import Participant

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from orchestrator.settings import Settings

    OpenPorts = Callable[[Settings], AbstractAsyncContextManager[Mapping[type, Any]]]

PORTS = (
    "--ports names a function that takes the settings and gives an async context manager of a mapping type -> object,"
    " as @asynccontextmanager makes one"
)


def load_participant(reference: str) -> Participant:
    """The participant at `module:ATTRIBUTE`.

    Raises:
        OrchestratorError: something else is there; says what.
    """
    found = load(reference)
    if not isinstance(found, Participant):
        remedy = 'name a Participant, as in payments = Participant("payments", tables=...)'
        raise OrchestratorError(f"{reference} is {_kind(found)}: {remedy}")
    return found


def load_ports(reference: str) -> OpenPorts:
    """What opens the ports of actions, from `module:ATTRIBUTE`; what it gives is looked at when it is called.

    Raises:
        OrchestratorError: it cannot be called with the settings.
    """
    found = load(reference)
    if not callable(found):
        raise OrchestratorError(f"{reference} is {_kind(found)}: {PORTS}")
    try:
        inspect.signature(found).bind("settings")
    except TypeError as error:
        raise OrchestratorError(f"{reference} cannot be called with the settings ({error}): {PORTS}") from None

    @asynccontextmanager
    async def opened(settings: Settings) -> AsyncGenerator[Mapping[type, Any]]:
        manager: Any = found(settings)
        if not _is_manager(manager):
            raise OrchestratorError(f"{reference} gives {_kind(manager)}: {PORTS}")
        async with manager as given:
            if not _is_by_type(given):
                raise OrchestratorError(f"{reference} opens {_kind(given)}, not a mapping type -> object: {PORTS}")
            yield given

    return opened


def _is_manager(found: Any) -> bool:
    return isinstance(found, AbstractAsyncContextManager)


def _is_by_type(given: Any) -> bool:
    ports: list[Any] = list(given) if isinstance(given, Mapping) else [None]  # pyright: ignore[reportUnknownArgumentType]
    return all(isinstance(port, type) for port in ports)


def _kind(found: Any) -> str:
    return f"a {type(found).__name__}"
