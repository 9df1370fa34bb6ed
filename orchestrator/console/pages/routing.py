"""What all pages share: forms are our own, errors are pages too.

Queries come from forms, in which an empty field means nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlencode, urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from pydantic import (
    BaseModel,
    ConfigDict,
)

from orchestrator.console.api.context import Asking, CursorText, Given, Typed
from orchestrator.console.api.guarding import FOREIGN, SAFE, is_same_site
from orchestrator.console.api.problems import KINDS, failure_of, methods_at
from orchestrator.console.browsing import FIELD, begin_visit, keep_colours, keep_visit, own_form
from orchestrator.console.pages.door import door
from orchestrator.console.pages.forms import form_of
from orchestrator.console.pages.rendering import page
from orchestrator.errors import (
    DeniedError,
    PasswordToChooseError,
    RequestProblemError,
    UnknownCallerError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

log = logging.getLogger(__name__)
BAD_REQUEST, UNPROCESSABLE = 400, 422
WRITTEN = ("reason", "input", "output", "evidence", "body", "headers")
"""Fields of forms into which people write more than a word; nothing that is secret."""


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
                answer = problem(request, error, await _unsent(request))
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


async def _unsent(request: Request) -> dict[str, str]:
    """What somebody wrote into a form of ours that was not taken, so that it is not lost; nothing of another site's."""
    if request.method in SAFE or not is_same_site(request.headers):
        return {}
    given = await form_of(request)
    return {name: given[name] for name in WRITTEN if given.get(name, "").strip()}


def problem(request: Request, error: Exception, unsent: Mapping[str, str]) -> Response:
    """An error as a page, with what was written in vain; whoever can do something about who they are is led there."""
    if isinstance(error, UnknownCallerError) and "authorization" not in request.headers:
        has_account = isinstance(error, PasswordToChooseError)
        if unsent and not has_account:
            return door(request, _looked_at(request), error=error, unsent=unsent)
        return _led_to_the_door(request, "password" if has_account else "sign-in")
    failure = failure_of(error)
    kind = KINDS[failure.code]
    status = failure.status or kind.status
    if failure.code == "internal":
        log.error("request %s failed", request.state.trace_id, exc_info=error)
    values: dict[str, Any] = {"kind": kind, "failure": failure, "trace_id": request.state.trace_id}
    values |= {"unsent": unsent, "form": "" if request.method in SAFE else _looked_at(request)}
    values["asks_wrong"] = request.method in SAFE and request.url.query and status in (BAD_REQUEST, UNPROCESSABLE)
    denied = error if isinstance(error, DeniedError) else None
    answer = page(request, "problem.html", status=status, denied=denied, **values)
    answer.headers.update(failure.headers)
    return answer


def _led_to_the_door(request: Request, door: str) -> Response:
    """To signing in, and from there back to what was looked at. A part of a page is no place to come back to."""
    root, is_part = request.scope.get("root_path", ""), "hx-request" in request.headers
    back = _address(urlsplit(request.headers.get("hx-current-url", ""))) if is_part else _looked_at(request)
    query = f"?{urlencode({'back': back})}" if back else ""
    if is_part:
        return Response(status_code=401, headers={"HX-Redirect": f"{root}/{door}{query}"})
    return RedirectResponse(f"{root}/{door}{query}", status_code=303)


def _looked_at(request: Request) -> str:
    """Where whoever asks was: a form lies at the address that it is sent to. Empty if nothing is to be seen there."""
    is_seen = request.method in SAFE or "GET" in methods_at(request)
    return _address(urlsplit(str(request.url))) if is_seen else ""


def _address(place: SplitResult) -> str:
    return f"{place.path}?{place.query}" if place.query else place.path


class AuditQuery(BaseModel):
    """Which operations, or rows of the audit, are wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Typed = ""
    actor: Typed = ""


class TrailQuery(AuditQuery):
    """The same, and the place in the list."""

    cursor: CursorText = None
