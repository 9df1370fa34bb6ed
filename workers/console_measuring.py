"""How long the console takes for what it is asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from orchestrator.service import metrics

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from orchestrator.service.meters import Meter


class MeasuredApp:
    """An app whose requests are measured; it changes nothing about them."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self._app = app
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.monotonic(), "none"  # of an answer that was never begun

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            # The route's template: the path may hold ids, and anything that a stranger asks for.
            route = getattr(scope.get("route"), "path", "")
            self._meter.record(metrics.CONSOLE_REQUESTS, time.monotonic() - began, route, status)
