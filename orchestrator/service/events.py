"""The event store for those who ask: messages by case, execution, type and time, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.errors import DeniedError, InvalidRequestError, MessageNotFoundError
from orchestrator.service.access import Permission
from orchestrator.service.event_ports import EventFilter
from orchestrator.service.records import saga_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from orchestrator.service.access import Caller
    from orchestrator.service.event_ports import EventReader, Gap
    from orchestrator.stored import Contents, StoredMessage

MOST_ROWS = 200
READ_AT_ONCE, BODIES_AT_ONCE = 500, 50
"""Messages in memory at once; a body may have megabytes."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """A page of messages. `following`: the number to go on from; None at the end."""

    messages: tuple[StoredMessage, ...]
    following: int | None


class Events:
    """The use cases. Every method raises `DeniedError` and `StoreUnavailableError`.

    A caller who is limited to some sagas sees the messages of those; an event that starts a saga belongs to none.
    """

    def __init__(self, reader: EventReader) -> None:
        self._reader = reader

    async def page(
        self,
        caller: Caller,
        wanted: EventFilter,
        *,
        after: int = 0,
        limit: int = 50,
        newest_first: bool = False,
        contents: Contents = "none",
    ) -> EventPage:
        """One page, by number; `after`: the `following` of the page before.

        Raises:
            InvalidRequestError: `limit` is not 1 to `MOST_ROWS`.
        """
        if not 1 <= limit <= MOST_ROWS:
            raise InvalidRequestError([("/limit", f"take 1 to {MOST_ROWS}")])
        scoped = _scoped(caller, wanted, contents=contents)
        found = await self._reader.page(
            scoped, after=after, limit=limit + 1, newest_first=newest_first, contents=contents
        )
        some = tuple(found[:limit])
        return EventPage(some, some[-1].number if len(found) > limit else None)

    async def all(
        self, caller: Caller, wanted: EventFilter, *, contents: Contents = "none"
    ) -> AsyncIterator[Sequence[StoredMessage]]:
        """Every one of them, the oldest first, page by page."""
        scoped, after = _scoped(caller, wanted, contents=contents), 0
        limit = BODIES_AT_ONCE if contents == "all" else READ_AT_ONCE
        while found := await self._reader.page(scoped, after=after, limit=limit, contents=contents):
            yield found
            after = found[-1].number

    async def one(self, caller: Caller, number: int) -> StoredMessage:
        """One message; with headers and body if the caller may see them.

        Raises:
            MessageNotFoundError: there is none of this number, or none that this caller may see.
        """
        scoped = _scoped(caller, EventFilter(), contents="none")
        found = next(iter(await self._reader.page(scoped, after=number - 1, limit=1, contents="all")), None)
        if found is None or found.number != number:
            raise MessageNotFoundError(f"message {number} in the event store")
        return found if caller.may(Permission.PAYLOAD, found.saga or None) else found.with_only("none")

    async def gaps(self, caller: Caller, *, source: str = "", limit: int = MOST_ROWS) -> Sequence[Gap]:
        """Where messages of a source are missing, as far as their sequences tell.

        A source sends for many sagas: it is for those who may touch all of them.
        """
        caller.require(Permission.EVENTS)
        if caller.sagas is not None:
            raise DeniedError(actor=caller.actor, permission=Permission.EVENTS.value, saga="*")
        return await self._reader.gaps(source=source, limit=limit)


def _scoped(caller: Caller, wanted: EventFilter, *, contents: Contents) -> EventFilter:
    saga = saga_of(wanted.execution_id) if wanted.execution_id else None
    caller.require(Permission.EVENTS, saga)
    if contents != "none":
        caller.require(Permission.PAYLOAD, saga)
    return replace(wanted, sagas=caller.sagas)
