"""What people set for themselves: how pages look to them, in which zone they tell time, and their own views of lists.

Kept by the name that is journalled and audited. Nobody else reads it, and nothing of it is a right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, get_args
from zoneinfo import ZoneInfo, available_timezones

from orchestrator.errors import InvalidRequestError

if TYPE_CHECKING:
    from orchestrator.service.access import Caller

Theme: TypeAlias = Literal["system", "light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)
UTC = "UTC"
MAX_NAME, MAX_QUERY = 60, 2_000
"""Characters of a view's name, and of what it asks for."""
MOST_VIEWS = 50
"""Views of one person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """How pages look to somebody. `time_zone`: a name of the IANA data base."""

    time_zone: str = UTC
    theme: Theme = "system"

    @property
    def zone(self) -> ZoneInfo:
        """In which times are told; UTC if this machine does not know the zone (any more)."""
        return ZoneInfo(self.time_zone if self.time_zone in zones() else UTC)


@dataclass(frozen=True, slots=True)
class View:
    """A view of the list of executions: its name, and the query of its address."""

    name: str
    query: str


class PersonalStore(Protocol):
    """Keeps them. Every method raises `StoreUnavailableError`."""

    async def preferences(self, actor: str) -> Preferences | None:
        """Somebody's; None if they chose none."""
        ...

    async def prefer(self, actor: str, wanted: Preferences) -> None:
        """Keep these in place of those before."""
        ...

    async def views(self, actor: str) -> tuple[View, ...]:
        """Somebody's, by name."""
        ...

    async def keep_view(self, actor: str, view: View, *, most: int) -> bool:
        """Keep it, in place of one of the same name; False if they have so many already."""
        ...

    async def forget_view(self, actor: str, name: str) -> None:
        """Forget it, if it is there."""
        ...


class Personal:
    """The use cases. Every method raises `StoreUnavailableError`."""

    def __init__(self, store: PersonalStore) -> None:
        self._store = store

    async def preferences(self, caller: Caller) -> Preferences:
        """How pages look to them."""
        return await self._store.preferences(caller.actor) or Preferences()

    async def prefer(self, caller: Caller, wanted: Preferences) -> Preferences:
        """Let pages look so from now on.

        Raises:
            InvalidRequestError: there is no such zone.
        """
        if wanted.time_zone not in zones():
            raise InvalidRequestError([("/time_zone", "a name of the IANA data base, as Europe/Berlin or UTC")])
        await self._store.prefer(caller.actor, wanted)
        return wanted

    async def views(self, caller: Caller) -> tuple[View, ...]:
        """Their own views, by name."""
        return await self._store.views(caller.actor)

    async def keep_view(self, caller: Caller, view: View) -> View:
        """Keep a view, in place of one of theirs with the same name.

        Raises:
            InvalidRequestError: no usable name, too long a query, or too many views.
        """
        name = view.name.strip()
        if not 0 < len(name) <= MAX_NAME or not name.isprintable():
            raise InvalidRequestError([("/name", f"1 to {MAX_NAME} printable characters")])
        if len(view.query) > MAX_QUERY or not view.query.isprintable():
            raise InvalidRequestError([("/query", f"at most {MAX_QUERY} printable characters")])
        kept = View(name, view.query)
        if not await self._store.keep_view(caller.actor, kept, most=MOST_VIEWS):
            raise InvalidRequestError([("/name", f"you have {MOST_VIEWS} views already: remove one first")])
        return kept

    async def forget_view(self, caller: Caller, name: str) -> None:
        """Forget one of theirs; one that is not there is no fault."""
        await self._store.forget_view(caller.actor, name)


@cache
def zones() -> tuple[str, ...]:
    """The names of zones that people choose from: places, and UTC first."""
    places = {name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/"))}
    return (UTC, *sorted(places))
