"""The list of executions as an address says it: a filter, a built-in view, and how both are written and read.

Pages show it, people keep it as a view of theirs. It comes from forms, in which an empty field means nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, cast
from urllib.parse import parse_qsl, urlencode

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from orchestrator.console.api.context import LARGEST, CursorText, FilterQuery, Moment, Text, Typed
from orchestrator.errors import InvalidRequestError
from orchestrator.service.personal import Preferences
from orchestrator.service.records import IN_FLIGHT, Status

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from pydantic_core import ErrorDetails

ATTENTION: tuple[Status, ...] = ("stuck", "parked", "suspended", "terminated")
"""Statuses in which only a person gets an execution further, the most urgent first."""
View: TypeAlias = Literal["open", "attention", "all"]
VIEWS: dict[View, tuple[Status, ...]] = {"open": (*IN_FLIGHT, "terminated"), "attention": ATTENTION, "all": ()}
"""Built-in views of the list: what is in flight or needs somebody, what needs somebody, and everything."""
TIMES = ("changed_after", "changed_before")


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


def _in_zone(value: Any, zone: ZoneInfo) -> Any:
    """What a browser's field for dates and times gives has no zone: it means that which its form names."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
        return value if moment.tzinfo else moment.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return value  # it is told what is wrong with it


class ListQuery(FilterQuery):
    """The list's address: a filter, a view if no status is asked for, and the place in the list.

    Attributes:
        zone: of times that come without one, as a form's do.
    """

    version: Annotated[Annotated[int, Field(ge=0, le=LARGEST)] | None, BeforeValidator(_empty_is_none)] = None
    changed_after: Annotated[Moment | None, BeforeValidator(_empty_is_none)] = None
    changed_before: Annotated[Moment | None, BeforeValidator(_empty_is_none)] = None
    current_step: Typed = ""
    failed_step: Typed = ""
    fingerprint: Typed = ""
    q: Typed = ""
    view: View = "open"
    zone: Text = ""
    cursor: CursorText = None

    @model_validator(mode="before")
    @classmethod
    def _told_in_zone(cls, said: Any) -> Any:
        if not isinstance(said, dict):
            return said
        given: dict[str, Any] = {**cast("dict[str, Any]", said)}
        zone = Preferences(time_zone=str(given.get("zone", ""))).zone
        return {**given, **{name: _in_zone(given[name], zone) for name in TIMES if name in given}}

    @property
    def statuses(self) -> tuple[Status, ...]:
        """The statuses that are shown; empty = all."""
        return self.status or VIEWS[self.view]


def fields_of(query: ListQuery) -> list[tuple[str, str]]:
    """What is not as by default, name by name, as addresses and forms carry it; not the place in the list."""
    wanted = set(ListQuery.model_fields) - {"cursor", "zone"}
    said: dict[str, str | int | list[str]] = query.model_dump(mode="json", exclude_defaults=True, include=wanted)
    listed = {name: value if isinstance(value, list) else [str(value)] for name, value in said.items()}
    return [(name, one) for name, several in listed.items() for one in several]


def listed(query: ListQuery) -> str:
    """The address that shows what this one does, from its first page on."""
    return urlencode(fields_of(query))


def query_of(text: str) -> ListQuery:
    """What an address of the list says.

    Raises:
        InvalidRequestError: it is none; says which part of it.
    """
    said: dict[str, Any] = {}
    for name, value in parse_qsl(text):
        said[name] = (*said.get(name, ()), value) if name == "status" else value
    try:
        return ListQuery.model_validate(said)
    except ValidationError as error:
        raise InvalidRequestError([("/query", _told(one)) for one in error.errors()]) from None


def _told(wrong: ErrorDetails) -> str:
    """Which part of an address is wrong, and what can be done about it."""
    name = str(wrong["loc"][0]) if wrong["loc"] else "the whole"
    if wrong["type"] == "extra_forbidden":
        return f"{name} is nothing that a list can be asked for: there are {', '.join(sorted(ListQuery.model_fields))}"
    return f"{name}: {wrong['msg']}"
