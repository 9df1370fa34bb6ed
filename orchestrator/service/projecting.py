"""Replay into a read model: a projection is made anew from the event store.

It reads messages and writes rows, and has nothing by which it could send: no participant, saga or consumer notices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.service.access import Permission
from orchestrator.service.event_ports import EventFilter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.saga.projection import Projection
    from orchestrator.service.access import Caller
    from orchestrator.service.events import Events


class ReadModels(Protocol):
    """Keeps the rows of projections. Every method raises `StoreUnavailableError`."""

    async def replace(self, projection: str, rows: Mapping[str, Any]) -> None:
        """Put these in place of all rows that it had; readers see the old ones or the new ones."""
        ...

    async def rows(self, projection: str) -> Mapping[str, Any]:
        """Its rows, by key."""
        ...


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of it: how many messages were folded, up to which number, and the rows."""

    projection: str
    messages: int
    up_to: int
    rows: Mapping[str, Any]


class Projecting:
    """The use case."""

    def __init__(self, events: Events, models: ReadModels) -> None:
        self._events = events
        self._models = models

    async def rebuild(self, caller: Caller, projection: Projection[Any]) -> Rebuilt:
        """Fold every message that it wants, and replace its rows by what comes of it.

        Raises:
            DeniedError: the caller may not replay, or not see payloads.
        """
        caller.require(Permission.REPLAY)
        state, number, up_to = projection.empty(), 0, 0
        async for some in self._events.all(caller, EventFilter(types=projection.types), contents="all"):
            for message in some:
                state = projection.fold(state, message)
            number, up_to = number + len(some), some[-1].number
        rows = projection.rows(state)
        await self._models.replace(projection.name, rows)
        return Rebuilt(projection.name, number, up_to, rows)
