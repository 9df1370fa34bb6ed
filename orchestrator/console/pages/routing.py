"""What all pages share: errors are pages too, and queries come from forms, in which an empty field means nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from starlette.exceptions import HTTPException

from orchestrator.console.api.context import LARGEST, CursorText, FilterQuery, Text
from orchestrator.console.api.problems import KINDS, failure_of
from orchestrator.console.pages.rendering import page
from orchestrator.console.pages.words import ATTENTION
from orchestrator.errors import OrchestratorError
from orchestrator.service.records import IN_FLIGHT, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fastapi import Request, Response

View: TypeAlias = Literal["open", "attention", "all"]
VIEWS: dict[View, tuple[Status, ...]] = {"open": (*IN_FLIGHT, "terminated"), "attention": ATTENTION, "all": ()}
"""Built-in views of the list: what is in flight or needs somebody, what needs somebody, and everything."""


class PageRoute(APIRoute):
    """A route whose errors are pages that say what to do."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with errors told as pages."""
        handle = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await handle(request)
            except (OrchestratorError, RequestValidationError, HTTPException) as error:
                return problem(request, error)

        return told


def problem(request: Request, error: Exception) -> Response:
    """An error as a page."""
    failure = failure_of(error)
    kind = KINDS[failure.code]
    status = failure.status or kind.status
    answer = page(request, "problem.html", status=status, kind=kind, failure=failure, trace_id=request.state.trace_id)
    answer.headers.update(failure.headers)
    return answer


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


def _as_utc(value: Any) -> Any:
    """What a browser's field for dates and times gives has no zone; it means UTC, as the field's label says."""
    if isinstance(value, str) and len(value) in (16, 19) and value[10:11] == "T":
        return f"{value}Z"
    return _empty_is_none(value)


class ListQuery(FilterQuery):
    """The list's address: a filter, a view if no status is asked for, and the place in the list."""

    version: Annotated[Annotated[int, Field(ge=0, le=LARGEST)] | None, BeforeValidator(_empty_is_none)] = None
    changed_after: Annotated[AwareDatetime | None, BeforeValidator(_as_utc)] = None
    changed_before: Annotated[AwareDatetime | None, BeforeValidator(_as_utc)] = None
    view: View = "open"
    cursor: CursorText = None

    @property
    def statuses(self) -> tuple[Status, ...]:
        """The statuses that are shown; empty = all."""
        return self.status or VIEWS[self.view]


def fields_of(query: ListQuery) -> list[tuple[str, str]]:
    """What is not as by default, name by name, as addresses and forms carry it; not the place in the list."""
    wanted = set(ListQuery.model_fields) - {"cursor"}
    said: dict[str, str | int | list[str]] = query.model_dump(mode="json", exclude_defaults=True, include=wanted)
    listed = {name: value if isinstance(value, list) else [str(value)] for name, value in said.items()}
    return [(name, one) for name, several in listed.items() for one in several]


class TrailQuery(BaseModel):
    """Which operations, or rows of the audit, are shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Text = ""
    actor: Text = ""
    cursor: CursorText = None
