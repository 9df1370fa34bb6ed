"""What an action may ask of the worker that runs it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator.errors import PortMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PortT = TypeVar("PortT")


def _nothing() -> None:
    """A brief action needs no heartbeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionContext:
    """Handed to an action that has a parameter `ctx`.

    Attributes:
        idempotency_key: the same for every attempt of this call; give it to outside systems.
        undoes: in an undo or a probe the key of the forward call, else empty.
        attempt: the first is 1.
        correlation_id: shared by all messages of this execution and what follows from it.
        execution_id: `saga:key`.
        ports: objects by type, see `get`.
        heartbeat: tells the engine that a long action is alive; a durable action's worker also does so by itself.
        log: a logger for the action's own lines.
    """

    idempotency_key: str
    undoes: str = ""
    attempt: int = 1
    correlation_id: str = ""
    execution_id: str = ""
    ports: Mapping[type, Any] = field(default_factory=dict[type, Any])
    heartbeat: Callable[[], None] = _nothing
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("saga.action"))

    # `Callable[..., PortT]`, since type checkers refuse a Protocol where `type[PortT]` stands.
    def get(self, port: Callable[..., PortT]) -> PortT:
        """The object that the worker was given for a type, most often a Protocol.

        Raises:
            PortMissingError: it was given none; names the port and where to register it.
        """
        found: PortT | None = self.ports.get(port)  # type: ignore[call-overload]
        if found is None:
            raise PortMissingError(port, self.ports)
        return found
