"""What a browser carries between two requests: its session, or a mark of its visit before it has one.

Every form holds a token reckoned from that cookie, which no other site can read; so a form that is sent here was made
here, for this browser. Cookies are bound to this host (`__Host-`) wherever the console is reached by TLS.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING

from orchestrator.service.personal import THEMES, Preferences, Theme

if TYPE_CHECKING:
    from fastapi import Request, Response

SESSION, VISIT, FLOW, COLOURS = "saga-session", "saga-visit", "saga-signing-in", "saga-colours"
A_YEAR_S = 365 * 86_400
FIELD = "form_token"
_TEXT = re.compile(r"[A-Za-z0-9_-]{32,100}")


def read(request: Request, name: str) -> str:
    """A cookie of ours; empty if there is none that we can have given."""
    text = request.cookies.get(_called(request, name), "")
    return text if _TEXT.fullmatch(text) else ""


def give(request: Request, response: Response, name: str, text: str, *, seconds: int | None = None) -> None:
    """Let the browser carry this, until it is closed unless it is said how long; no script can read it.

    Lax, not strict: whoever comes back from the provider where they signed in, or by a link in a chat, has a session.
    """
    response.set_cookie(
        _called(request, name),
        text,
        max_age=seconds,
        path="/",
        secure=is_encrypted(request),
        httponly=True,
        samesite="lax",
    )


def take(request: Request, response: Response, name: str) -> None:
    """Let it carry this no more."""
    response.delete_cookie(
        _called(request, name), path="/", secure=is_encrypted(request), httponly=True, samesite="lax"
    )


def session_of(request: Request) -> str:
    """The session that the browser shows; empty if none."""
    return read(request, SESSION)


def begin_visit(request: Request) -> None:
    """Know by what the browser is recognised: its session, else its visit, which may begin now."""
    request.state.browser = session_of(request) or read(request, VISIT) or secrets.token_urlsafe(32)


def keep_visit(request: Request, response: Response) -> None:
    """Give the mark of a visit that has just begun."""
    if request.state.browser not in (session_of(request), read(request, VISIT)):
        give(request, response, VISIT, request.state.browser)


def colours(request: Request) -> Theme:
    """The colours of whoever looks: their own, else those of whoever last was here with this browser."""
    known: Preferences | None = getattr(request.state, "preferences", None)
    said = request.cookies.get(_called(request, COLOURS), "") if known is None else known.theme
    known_ones: dict[str, Theme] = {one: one for one in THEMES}
    return known_ones.get(said, "system")


def keep_colours(request: Request, response: Response) -> None:
    """Let the browser carry them, for pages that do not know who looks: before one signs in, errors, the reference."""
    chosen, carried = colours(request), request.cookies.get(_called(request, COLOURS), "system")
    if chosen != carried:
        give(request, response, COLOURS, chosen, seconds=A_YEAR_S)


def form_token(browser: str) -> str:
    """What every form of this browser holds. Who knows it does not know the cookie."""
    return derived(browser, "form")


def derived(secret: str, purpose: str) -> str:
    """A value that follows from a cookie and tells nothing of it; URL-safe, 43 characters."""
    digest = hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def own_form(request: Request, sent: str) -> bool:
    """Whether a form's token is that of this browser; remembers it if so."""
    known = session_of(request) or read(request, VISIT)
    is_own = bool(known) and hmac.compare_digest(sent.encode(), form_token(known).encode())
    request.state.is_own_form = is_own
    return is_own


def is_own_form(request: Request) -> bool:
    """Whether `own_form` has said so."""
    return getattr(request.state, "is_own_form", False) is True


def is_encrypted(request: Request) -> bool:
    """Whether the browser came by TLS, to us or to a proxy that we trust."""
    return request.url.scheme == "https"


def _called(request: Request, name: str) -> str:
    return f"__Host-{name}" if is_encrypted(request) else name
