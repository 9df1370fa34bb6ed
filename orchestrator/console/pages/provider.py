"""Signing in at an OpenID provider: there, and back.

State, nonce and PKCE verifier all follow from one cookie of the browser that began: nothing has to be stored, any
console can take the answer, and whoever is sent here with somebody else's answer has no cookie that fits it.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from binascii import Error as NotBase64
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from orchestrator.console.api.context import Given, Text, console_of, origin_of
from orchestrator.console.browsing import FLOW, derived, give, read, take
from orchestrator.console.pages.door import door
from orchestrator.console.pages.doors import Back, let_in, require_private
from orchestrator.console.pages.routing import PageRoute
from orchestrator.errors import (
    IdentityUnavailableError,
    RequestProblemError,
    TooManyTriesError,
    UnknownCallerError,
)
from orchestrator.service import providing

if TYPE_CHECKING:
    from orchestrator.service.providing import Provider
    from orchestrator.service.sessions import Opened

router = APIRouter(include_in_schema=False, route_class=PageRoute)
FLOW_SECONDS = 600
LONGEST_BACK = 1_000
"""Bytes of a way back that a provider is asked to carry: many refuse long addresses."""
Code = Annotated[str, Query(max_length=4_000)]
TOLD = (UnknownCallerError, TooManyTriesError, IdentityUnavailableError, RequestProblemError)


@router.get("/sign-in/provider")
async def leave_for_provider(request: Request, console: Given, back: Back = "") -> Response:
    """To the provider."""
    provider, flow = _provider(request), secrets.token_urlsafe(32)
    back = back if len(back.encode()) <= LONGEST_BACK else ""
    try:
        require_private(request, console)
        address = await provider.address(_asked(flow, back))
    except TOLD as error:
        return door(request, back, error=error)
    answer = RedirectResponse(address, status_code=303)
    give(request, answer, FLOW, flow, seconds=FLOW_SECONDS)
    return answer


@router.get("/sign-in/callback")
async def come_back(
    *,
    request: Request,
    code: Code = "",
    state: Annotated[str, Query(max_length=2_000)] = "",
    error: Text = "",
    iss: Text | None = None,
) -> Response:
    """Back from the provider, with a code or with what went wrong."""
    flow, back, refusal = read(request, FLOW), _back_in(state), None
    opened: Opened | None = None
    try:
        _require_answer_to(flow, back, state, error=error, issuer=iss, provider=_provider(request))
        opened = await _opened(request, code, _asked(flow, back))
    except TOLD as caught:
        refusal = caught
    answer = door(request, back, error=refusal) if opened is None else let_in(request, opened, back)
    take(request, answer, FLOW)
    return answer


async def _opened(request: Request, code: str, asked: providing.Request) -> Opened:
    entering = console_of(request).service.entering
    address = request.client.host if request.client else ""
    return await entering.by_provider(_provider(request), code, asked, address=address, origin=origin_of(request))


def _provider(request: Request) -> Provider:
    provider = console_of(request).service.entering.provider
    if provider is None or not console_of(request).identity.is_on:
        raise HTTPException(404, "nobody signs in at a provider here")
    return provider


def _asked(flow: str, back: str) -> providing.Request:
    wrapped = base64.urlsafe_b64encode(back.encode()).decode()
    state = f"{wrapped}.{derived(flow, f'state {wrapped}')}"
    return providing.Request(state=state, nonce=derived(flow, "nonce"), verifier=derived(flow, "verifier"))


def _back_in(state: str) -> str:
    """Where somebody wanted to go; nowhere if the state is none of ours."""
    try:
        return base64.urlsafe_b64decode(state.partition(".")[0].encode()).decode()
    except (NotBase64, ValueError):
        return ""


def _require_answer_to(flow: str, back: str, state: str, *, error: str, issuer: str | None, provider: Provider) -> None:
    """Insist that this is the provider's answer to what this browser asked, and that it is a good one."""
    if not flow or not hmac.compare_digest(state.encode(), _asked(flow, back).state.encode()):
        raise UnknownCallerError("this is no answer to what your browser asked, or it took too long: sign in again")
    if issuer is not None and issuer != provider.issuer:  # RFC 9207: another provider's answer
        raise UnknownCallerError("this is the answer of another provider: sign in again")
    if error:
        raise UnknownCallerError(f"the provider says {error!r}: sign in again, or ask whoever runs it")
