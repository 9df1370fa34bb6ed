"""Pages to sign in, to choose a password, and to sign out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from orchestrator.console.api.context import Console, Given, origin_of
from orchestrator.console.api.guarding import SAFE
from orchestrator.console.api.problems import KINDS, failure_of
from orchestrator.console.browsing import SESSION, VISIT, give, is_encrypted, is_own_form, session_of, take
from orchestrator.console.pages.door import door
from orchestrator.console.pages.forms import form_of
from orchestrator.console.pages.rendering import page
from orchestrator.console.pages.routing import PageRoute
from orchestrator.errors import InvalidRequestError, RequestProblemError, TooManyTriesError, UnknownCallerError
from orchestrator.service.sessions import Session
from orchestrator.settings.fields import is_loopback

if TYPE_CHECKING:
    from orchestrator.service.sessions import Opened

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Back = Annotated[str, Query(description="where to go then, a path of ours; of any length, as ids and filters make it")]


async def session_in(request: Request, console: Given) -> Session:
    """The session of whoever asks, of whom it may be that they still have to choose a password.

    Raises:
        UnknownCallerError: there is none.
    """
    text = session_of(request) if request.method in SAFE or is_own_form(request) else ""
    session = await console.service.entering.sessions.of(text)
    request.state.caller = session.caller
    return session


Signed = Annotated[Session, Depends(session_in)]


@router.get("/sign-in")
async def show_door(request: Request, console: Given, back: Back = "") -> Response:
    """The form to sign in."""
    if not console.identity.is_on:
        return RedirectResponse(way_back(request, back), status_code=303)
    return door(request, back)


@router.post("/sign-in")
async def sign_in(request: Request, console: Given) -> Response:
    """Let somebody in who has a password."""
    given = await form_of(request)
    back = given.get("back", "")
    address = request.client.host if request.client else ""
    try:
        require_private(request, console)
        opened = await console.service.entering.by_password(
            given.get("name", ""), given.get("password", ""), address=address, origin=origin_of(request)
        )
    except (UnknownCallerError, TooManyTriesError, RequestProblemError) as error:
        return door(request, back, error=error)
    return let_in(request, opened, back)


@router.post("/sign-out")
async def sign_out(request: Request, console: Given, session: Signed) -> Response:
    """End the session, here and in the ledger."""
    await console.service.entering.leave(session, origin=origin_of(request))
    answer = RedirectResponse(f"{request.scope.get('root_path', '')}/sign-in", status_code=303)
    take(request, answer, SESSION)
    return answer


@router.get("/password")
async def show_choice(request: Request, session: Signed, back: Back = "") -> Response:
    """The form to choose a password of one's own."""
    return page(request, "password.html", session=session, back=back, failure=None)


@router.post("/password")
async def choose(request: Request, console: Given, session: Signed) -> Response:
    """Take it; all other sessions of the account end."""
    given = await form_of(request)
    back, password = given.get("back", ""), given.get("password", "")
    try:
        _require_same(password, given.get("again", ""))
        await _require_present(request, console, session, given.get("present", ""))
        opened = await console.service.entering.choose(session, password)
    except (InvalidRequestError, TooManyTriesError) as error:
        failure = failure_of(error)
        status = KINDS[failure.code].status
        return page(request, "password.html", status=status, session=session, back=back, failure=failure)
    return let_in(request, opened, back)


async def _require_present(request: Request, console: Console, session: Session, present: str) -> None:
    """Who walks past an open browser does not know the present password; a one-time one was shown a moment ago."""
    if session.must_choose:
        return
    address = request.client.host if request.client else ""
    try:
        await console.service.entering.recognise(session, present, address=address)
    except UnknownCallerError:
        raise InvalidRequestError([("/present", "this is not your present password")]) from None


def _require_same(password: str, again: str) -> None:
    if password != again:
        raise InvalidRequestError([("/again", "the same as above")])


def let_in(request: Request, opened: Opened, back: str) -> Response:
    """Give the browser its session, and go on to where it wanted to go."""
    root, goal = request.scope.get("root_path", ""), way_back(request, back)
    if opened.session.must_choose:
        goal = f"{root}/password?{urlencode({'back': goal})}" if back else f"{root}/password"
    answer = RedirectResponse(goal, status_code=303)
    give(request, answer, SESSION, opened.text)
    take(request, answer, VISIT)
    request.state.browser = opened.text
    return answer


def require_private(request: Request, console: Console) -> None:
    """Insist that nobody between the browser and us can read passwords and sessions.

    Raises:
        RequestProblemError: somebody can.
    """
    if not (is_encrypted(request) or is_loopback(request.url.hostname) or console.allow_plaintext):
        text = "sign in by https: what is sent by http can be read on the way (see SAGA_CONSOLE_PROXIES)"
        raise RequestProblemError("unencrypted", text)


def way_back(request: Request, back: str) -> str:
    """Where to go: a path of ours, whatever a link says."""
    root = str(request.scope.get("root_path", ""))
    is_ours = back.startswith(f"{root}/") and not back.startswith("//") and "\\" not in back and back.isprintable()
    return back if is_ours else f"{root}/"
