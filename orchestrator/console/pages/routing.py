"""What all pages share: forms are our own, errors are pages too.

Queries come from forms, in which an empty field means nothing.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from starlette.exceptions import HTTPException

from orchestrator.console.api.context import LARGEST, Asking, CursorText, FilterQuery, Given, Moment, Text
from orchestrator.console.api.guarding import FOREIGN, SAFE, is_same_site
from orchestrator.console.api.problems import KINDS, failure_of
from orchestrator.console.browsing import FIELD, begin_visit, keep_colours, keep_visit, own_form
from orchestrator.console.pages.forms import form_of
from orchestrator.console.pages.rendering import page
from orchestrator.console.pages.words import ATTENTION
from orchestrator.errors import (
    DeniedError,
    InvalidRequestError,
    OrchestratorError,
    PasswordToChooseError,
    RequestProblemError,
    UnknownCallerError,
)
from orchestrator.service.personal import Preferences
from orchestrator.service.records import IN_FLIGHT, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from zoneinfo import ZoneInfo

log = logging.getLogger(__name__)
View: TypeAlias = Literal["open", "attention", "all"]
VIEWS: dict[View, tuple[Status, ...]] = {"open": (*IN_FLIGHT, "terminated"), "attention": ATTENTION, "all": ()}
TIMES = ("changed_after", "changed_before")
"""Built-in views of the list: what is in flight or needs somebody, what needs somebody, and everything."""


async def remember(request: Request, console: Given, caller: Asking) -> None:
    """Know how pages look to whoever asks, before one is made."""
    request.state.preferences = await console.service.personal.preferences(caller)


def pages_router(prefix: str = "") -> APIRouter:
    """A router of pages for those who have signed in, each as they like it."""
    needs = [Depends(remember)]
    return APIRouter(prefix=prefix, include_in_schema=False, route_class=PageRoute, dependencies=needs)


class PageRoute(APIRoute):
    """A route that takes forms of its own pages only, and whose errors are pages that say what to do."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, behind the check of forms, with errors told as pages."""
        handle = super().get_route_handler()

        async def told(request: Request) -> Response:
            begin_visit(request)
            try:
                await require_own_form(request)
                answer = await handle(request)
            except (OrchestratorError, RequestValidationError, HTTPException) as error:
                answer = problem(request, error)
            keep_visit(request, answer)
            keep_colours(request, answer)
            return answer

        return told


async def require_own_form(request: Request) -> None:
    """Insist that what changes something was sent by a form of a page of ours, in the browser that it was made for.

    Who shows a token in the header `Authorization` needs none: no browser adds that header by itself, and a session
    speaks for nobody whose form was not found to be ours.

    Raises:
        RequestProblemError: it was not.
    """
    if request.method in SAFE or "authorization" in request.headers:
        return
    if not is_same_site(request.headers):
        raise RequestProblemError("cross-site", FOREIGN)
    if not own_form(request, (await form_of(request)).get(FIELD, "")):
        raise RequestProblemError("form-unknown", "the form is old, or your browser keeps no cookies of this site")


def problem(request: Request, error: Exception) -> Response:
    """An error as a page; whoever can do something about who they are is led there."""
    if isinstance(error, UnknownCallerError) and "authorization" not in request.headers:
        return _led_to_the_door(request, "password" if isinstance(error, PasswordToChooseError) else "sign-in")
    failure = failure_of(error)
    kind = KINDS[failure.code]
    status = failure.status or kind.status
    if failure.code == "internal":
        log.error("request %s failed", request.state.trace_id, exc_info=error)
    values = {"kind": kind, "failure": failure, "trace_id": request.state.trace_id}
    denied = error if isinstance(error, DeniedError) else None
    answer = page(request, "problem.html", status=status, denied=denied, **values)
    answer.headers.update(failure.headers)
    return answer


def _led_to_the_door(request: Request, door: str) -> Response:
    """To signing in, and from there back to what was looked at. A part of a page is no place to come back to."""
    root, is_part = request.scope.get("root_path", ""), "hx-request" in request.headers
    looked_at = urlsplit(request.headers.get("hx-current-url", "")) if is_part else request.url
    back = f"{looked_at.path}?{looked_at.query}" if looked_at.query else looked_at.path
    query = f"?{urlencode({'back': back})}" if request.method in SAFE or is_part else ""
    if is_part:
        return Response(status_code=401, headers={"HX-Redirect": f"{root}/{door}{query}"})
    return RedirectResponse(f"{root}/{door}{query}", status_code=303)


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
        InvalidRequestError: it is none.
    """
    said: dict[str, Any] = {}
    for name, value in parse_qsl(text):
        said[name] = (*said.get(name, ()), value) if name == "status" else value
    try:
        return ListQuery.model_validate(said)
    except ValidationError as error:
        raise InvalidRequestError([("/query", one["msg"]) for one in error.errors()]) from None


class AuditQuery(BaseModel):
    """Which operations, or rows of the audit, are wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Text = ""
    actor: Text = ""


class TrailQuery(AuditQuery):
    """The same, and the place in the list."""

    cursor: CursorText = None
