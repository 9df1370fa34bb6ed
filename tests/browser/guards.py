"""What holds on every page, whatever a test does there: watched from outside the page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, ConsoleMessage, Request, Response

REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


@dataclass
class Guard:
    """No error on the browser's console, no violation of the policy, no request to another host, no 5xx."""

    address: str
    faults: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    async def watch(self, context: BrowserContext) -> None:
        """Watch every page of a context, also those that open later."""
        await context.add_init_script(REPORT_VIOLATIONS)
        context.on("console", self._on_console)
        context.on("weberror", lambda one: self.faults.append(f"uncaught: {one.error}"))
        context.on("request", self._on_request)
        context.on("response", self._on_response)

    def allow(self, *patterns: str) -> None:
        """What the test itself brings about is no fault."""
        self.allowed += patterns

    def found(self) -> list[str]:
        """What went wrong."""
        return [fault for fault in self.faults if not any(re.search(one, fault) for one in self.allowed)]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console: {message.text} at {message.location.get('url')}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.address}/", "data:")):
            self.faults.append(f"another host: {request.url}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 500:
            self.faults.append(f"{response.status} of {response.url}")
