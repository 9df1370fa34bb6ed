"""What an action may ask of the worker that runs it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from typing_extensions import TypeForm

from orchestrator.errors import OrchestratorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Port = TypeVar("Port")


class PortMissingError(OrchestratorError):
    """An action asks for something that its worker was not given."""

    def __init__(self, port: type) -> None:
        super().__init__(f"no {port.__name__} is registered: give the worker ports={{{port.__name__}: ...}}")
        self.port = port


def _nothing() -> None:
    """A brief action needs no heartbeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionContext:
    """Handed to an action that has a parameter `ctx`.

    Attributes:
        idempotency_key: the same for every attempt of this call; give it to outside systems.
        undoes: in an undo or a probe the key of the forward call, else empty.
        attempt: the first is 1.
        heartbeat: tells the engine that a long action is alive; a durable action's worker also does so by itself.
    """

    idempotency_key: str
    undoes: str = ""
    attempt: int = 1
    correlation_id: str = ""
    execution_id: str = ""
    ports: Mapping[type, Any] = field(default_factory=dict[type, Any])
    heartbeat: Callable[[], None] = _nothing
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("saga.action"))

    def get(self, port: TypeForm[Port]) -> Port:
        """The object that the worker was given for a type.

        Raises:
            PortMissingError: it was given none.
        """
        wanted = cast("type[Port]", port)
        found: Port | None = self.ports.get(wanted)
        if found is None:
            raise PortMissingError(wanted)
        return found
