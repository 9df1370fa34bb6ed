"""What stands before every route: a trace id, security headers, limits of size, and no requests from other sites."""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from orchestrator.console.api.problems import AS_GET, Failure, failure_of, respond
from orchestrator.contracts.decoding import decode
from orchestrator.errors import MalformedMessageError
from orchestrator.settings.fields import is_loopback

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not `no-referrer`: with that, browsers say `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
FOREIGN = "a page of another site asked for this"
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class _HeadTold(Exception):  # noqa: N818 - nothing went wrong
    """All of an answer to HEAD was sent: whatever has the body, which may never end, stops here."""


class Guard:
    """ASGI middleware.

    Args:
        app: what it stands before.
        max_body: longest body, bytes.
        only_here: access is not controlled, so nobody but this machine's own programs may ask.
    """

    def __init__(self, app: ASGIApp, *, max_body: int, only_here: bool) -> None:
        self._app = app
        self._max_body = max_body
        self._only_here = only_here

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        trace_id = _trace_id(headers)
        scope.setdefault("state", {})["trace_id"] = trace_id
        # Routes see paths as they were written: a slash inside of an id stays one part.
        scope["path"] = scope.get("raw_path", b"").decode("ascii", "replace") or scope["path"]

        is_head = scope["method"] == AS_GET
        if is_head:
            scope = {**scope, "method": "GET"}

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(MutableHeaders(scope=message), trace_id)
            elif is_head:
                await send({"type": "http.response.body", "body": b""})
                raise _HeadTold
            await send(message)

        with contextlib.suppress(_HeadTold):
            failure, whole = await self._read(scope, headers, receive)
            if failure is None:
                failure = await self._passed(scope, whole, send_guarded)
            if failure is not None:
                answer = respond(failure, path=scope["path"], root=scope.get("root_path", ""), trace_id=trace_id)
                await answer(scope, receive, send_guarded)

    async def _passed(self, scope: Scope, receive: Receive, send: Send) -> Failure | None:
        """Let the app answer; the failure to tell if it could not."""
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if has_begun:
                raise
            log.exception("request %s failed", scope["state"]["trace_id"])
            return failure_of(error)
        return None

    async def _read(self, scope: Scope, headers: Headers, receive: Receive) -> tuple[Failure | None, Receive]:
        foreign = _why_foreign(scope["method"], headers) if self._only_here else ""
        if foreign:
            return Failure("cross-site", foreign), receive
        if scope["method"] in SAFE:
            return None, receive
        body = await _body(receive, headers, self._max_body)
        if body is None:
            return Failure("too-large", f"the body has more than {self._max_body} bytes"), receive
        try:
            if body and "json" in headers.get("content-type", ""):
                decode(body)
        except MalformedMessageError as error:
            return failure_of(error), receive
        return None, _again(body, receive)


async def _body(receive: Receive, headers: Headers, limit: int) -> bytes | None:
    """The whole body; None if it is longer than the limit, which is known before all of it is read."""
    announced = headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limit:
        return None
    read = bytearray()
    while True:
        message = await receive()
        read += message.get("body", b"")
        if len(read) > limit:
            return None
        if not message.get("more_body", False):
            return bytes(read)


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives a body that was read already; then whatever comes, such as the caller's leaving."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def read() -> Message:
        return waiting.pop() if waiting else await receive()

    return read


def _trace_id(headers: Headers) -> str:
    found = _TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    return found[1] if found else secrets.token_hex(16)


def _add_headers(headers: MutableHeaders, trace_id: str) -> None:
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store")
    headers["X-Trace-Id"] = trace_id


def _why_foreign(method: str, headers: Headers) -> str:
    """Why a request must come from another site: a page there made a browser of this machine send it."""
    host = headers.get("host", "")
    if not is_loopback(urlsplit(f"//{host}").hostname):
        return f"this console is asked for as localhost or 127.0.0.1, not as {host[:100]!r}"
    if method in SAFE:
        return ""
    return "" if is_same_site(headers, if_unsaid=True) else FOREIGN


def is_same_site(headers: Headers, *, if_unsaid: bool = False) -> bool:
    """Whether a page of ours, or a person, made a browser ask. `if_unsaid`: the answer for what is no browser.

    Browsers leave `Sec-Fetch-Site` out where a page came unencrypted from another machine; `Origin` they send always.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site in ("none", "same-origin")
    return if_unsaid if origin is None else urlsplit(origin).netloc == headers.get("host", "")
