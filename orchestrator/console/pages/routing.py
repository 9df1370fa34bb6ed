"""What all pages share: forms are our own, errors are pages too.

Queries come from forms, in which an empty field means nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from pydantic import (
    BaseModel,
    ConfigDict,
)

from orchestrator.console.api.context import Asking, CursorText, Given, Typed
from orchestrator.console.api.guarding import FOREIGN, SAFE, is_same_site
from orchestrator.console.api.problems import KINDS, failure_of
from orchestrator.console.browsing import FIELD, begin_visit, keep_colours, keep_visit, own_form
from orchestrator.console.pages.forms import form_of
from orchestrator.console.pages.rendering import page
from orchestrator.errors import (
    DeniedError,
    PasswordToChooseError,
    RequestProblemError,
    UnknownCallerError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

log = logging.getLogger(__name__)
BAD_REQUEST, UNPROCESSABLE = 400, 422


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
            except Exception as error:  # noqa: BLE001 - whatever it is, who looks is told by a page; it is logged
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
    values: dict[str, Any] = {"kind": kind, "failure": failure, "trace_id": request.state.trace_id}
    values["asks_wrong"] = request.method in SAFE and request.url.query and status in (BAD_REQUEST, UNPROCESSABLE)
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


class AuditQuery(BaseModel):
    """Which operations, or rows of the audit, are wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Typed = ""
    actor: Typed = ""


class TrailQuery(AuditQuery):
    """The same, and the place in the list."""

    cursor: CursorText = None
