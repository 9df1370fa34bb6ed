"""The page about oneself: what one may, how pages look, one's own views, and API tokens."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, get_args

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse

from orchestrator.console.api.context import Asking, Console, Given
from orchestrator.console.api.problems import KINDS, failure_of
from orchestrator.console.listing import listed, query_of
from orchestrator.console.pages.forms import form_of
from orchestrator.console.pages.rendering import page
from orchestrator.console.pages.routing import pages_router
from orchestrator.errors import InvalidRequestError, OrchestratorError
from orchestrator.service.access import ROLES, Caller, Permission, Role
from orchestrator.service.personal import THEMES, Preferences, Theme, View, zones
from orchestrator.service.tokens import LONGEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.service.tokens import Issued, Token

router = pages_router()
TOKENS = 200
DEFAULT_DAYS = "90"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where somebody looks at themselves."""

    request: Request
    console: Console
    caller: Caller

    def back(self, to: str = "/me") -> Response:
        """On to a page of ours, once a form is dealt with."""
        return RedirectResponse(f"{self.request.scope.get('root_path', '')}{to}", status_code=303)


def desk_of(request: Request, console: Given, caller: Asking) -> Desk:
    """The desk of a request."""
    return Desk(request, console, caller)


AtDesk = Annotated[Desk, Depends(desk_of)]


@router.get("/me")
async def show_me(desk: AtDesk) -> Response:
    """Who one is, every right, had or missing, and what one may set."""
    return await _shown(desk, {"days": DEFAULT_DAYS})


@router.get("/me/views")
@router.get("/me/views/removal")
@router.get("/me/tokens")
@router.get("/me/tokens/revocation")
async def come_back(desk: AtDesk) -> Response:
    """Where forms of this page are sent to, nothing is to be looked at: it is all here."""
    return desk.back()


@router.post("/me")
async def prefer(desk: AtDesk) -> Response:
    """Let pages look and tell time as somebody wants."""
    given = await form_of(desk.request)
    try:
        await desk.console.service.personal.prefer(desk.caller, _preferences(given))
    except InvalidRequestError as error:
        return await _shown(desk, given, error=error)
    return desk.back()


@router.post("/me/views")
async def keep_view(desk: AtDesk) -> Response:
    """Keep a filter of the list under a name."""
    given = await form_of(desk.request)
    try:
        asked = listed(query_of(given.get("query", "")))
        await desk.console.service.personal.keep_view(desk.caller, View(given.get("name", ""), asked))
    except InvalidRequestError as error:
        return await _shown(desk, given, error=error)
    return desk.back(f"/executions?{asked}")


@router.post("/me/views/removal")
async def forget_view(desk: AtDesk) -> Response:
    """Remove a view."""
    given = await form_of(desk.request)
    await desk.console.service.personal.forget_view(desk.caller, given.get("name", ""))
    return desk.back()


@router.post("/me/tokens")
async def make_token(desk: AtDesk) -> Response:
    """Make an API token, which is shown in this answer alone."""
    given = defaultdict(str, await form_of(desk.request))
    try:
        issued = await desk.console.service.issuing.create(
            desk.caller, given["name"], _bearer(desk.caller, given), given["reason"], lasts=_lasts(given["days"])
        )
    except OrchestratorError as error:
        return await _shown(desk, given, error=error)
    return await _shown(desk, {"days": DEFAULT_DAYS}, issued=issued)


@router.post("/me/tokens/revocation")
async def revoke_token(desk: AtDesk) -> Response:
    """Let nobody in with a token any more."""
    given = await form_of(desk.request)
    try:
        await desk.console.service.issuing.revoke(desk.caller, given.get("token", ""), given.get("reason", ""))
    except InvalidRequestError as error:
        return await _shown(desk, {"days": DEFAULT_DAYS}, error=error)
    return desk.back()


async def _shown(
    desk: Desk, given: Mapping[str, str], *, error: OrchestratorError | None = None, issued: Issued | None = None
) -> Response:
    personal, caller = desk.console.service.personal, desk.caller
    failure = None if error is None else failure_of(error)
    status = 200 if failure is None else (failure.status or KINDS[failure.code].status)
    values: dict[str, Any] = {
        "caller": caller,
        "rights": [(one, caller.may(one)) for one in Permission],
        "preferences": await personal.preferences(caller),
        "themes": THEMES,
        "zones": zones(),
        "views": await personal.views(caller),
        "tokens": await _tokens(desk),
        "roles": [role for role in Role if all(caller.may(right) for right in ROLES[role])],
        "issued": issued,
        "failure": failure,
        "given": defaultdict(str, given),
    }
    return page(desk.request, "me.html", status=201 if issued else status, **values)


async def _tokens(desk: Desk) -> list[Token] | None:
    """The newest first; None for those who may see none."""
    if not desk.caller.may(Permission.TOKENS):
        return None
    found = await desk.console.service.issuing.all(desk.caller, limit=TOKENS)
    return sorted(found, key=lambda one: (one.revoked_ms is not None, -one.made_ms))


def _preferences(given: Mapping[str, str]) -> Preferences:
    theme = next((one for one in get_args(Theme) if one == given.get("theme")), None)
    if theme is None:
        raise InvalidRequestError([("/theme", f"one of {', '.join(THEMES)}")])
    return Preferences(time_zone=given.get("time_zone", ""), theme=theme)


def _bearer(caller: Caller, given: Mapping[str, str]) -> Caller:
    """Whom a token is for: a role, and no more sagas than its maker has."""
    try:
        role = Role(given["role"])
    except ValueError:
        raise InvalidRequestError([("/role", f"one of {', '.join(Role)}")]) from None
    named = frozenset(filter(None, (name.strip() for name in given["sagas"].split(","))))
    granted = frozenset({Permission.PAYLOAD}) if given["payload"] == "yes" else frozenset[Permission]()
    return Caller(actor="", role=role, granted=granted, sagas=named or caller.sagas)


def _lasts(days: str) -> timedelta | None:
    try:
        return timedelta(days=float(days)) if days.strip() else None
    except (ValueError, OverflowError):
        raise InvalidRequestError([("/days", f"a number, at most {LONGEST.days}; empty = for ever")]) from None
