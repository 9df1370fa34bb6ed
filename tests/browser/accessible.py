"""What holds of every page for everybody, measured in the page: axe-core's rules, and what axe does not see."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Page

AXE = Path(__file__).parent / "axe-core-4.14.1" / "axe.min.js"
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = "(options) => axe.run(document, options).then((found) => found.violations)"
NARROW = 320
CUT = """() => document.querySelectorAll("main section:nth-of-type(n + 13)").forEach((one) => one.remove())"""
"""The API's reference has hundreds of sections that are alike; axe takes minutes on thousands of elements."""
SMALL_TARGETS = """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
  .filter((one) => one.checkVisibility() && !one.closest(".skip, p, li, td, dd, label"))
  .map((one) => [one.getBoundingClientRect(), one.outerHTML.slice(0, 120)])
  .filter(([box]) => box.width > 0 && (box.height < 24 || box.width < 24)).map(([, html]) => html)"""


async def faults(page: Page) -> list[str]:
    """What is wrong with the page that is shown, in light, in dark and 320 pixels wide."""
    source = AXE.read_bytes()
    assert hashlib.sha256(source).hexdigest() == AXE_SHA256
    # By the protocol, not by a script element: the page's policy stays as strict as it is.
    protocol = await page.context.new_cdp_session(page)
    await protocol.send("Runtime.evaluate", {"expression": source.decode()})
    await protocol.detach()
    await page.evaluate(CUT)
    await page.emulate_media(color_scheme="light")
    found = _told("light", await page.evaluate(RUN, {"runOnly": {"type": "tag", "values": TAGS}}))
    await page.emulate_media(color_scheme="dark")
    found += _told("dark", await page.evaluate(RUN, {"runOnly": {"type": "rule", "values": ["color-contrast"]}}))
    found += [f"target below 24 pixels: {html}" for html in await page.evaluate(SMALL_TARGETS)]
    return found + await _narrow(page)


def _told(look: str, violations: list[dict[str, Any]]) -> list[str]:
    return [
        f"{look}: {one['id']}: {one['help']}: {node['html'][:300]} {node.get('failureSummary', '')}"
        for one in violations
        for node in one["nodes"]
    ]


async def _narrow(page: Page) -> list[str]:
    before = page.viewport_size
    assert before is not None
    await page.set_viewport_size({"width": NARROW, "height": 640})
    width = await page.evaluate("document.documentElement.scrollWidth")
    await page.set_viewport_size(before)
    return [f"{width} pixels wide on {NARROW}"] if width > NARROW else []
