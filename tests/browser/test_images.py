"""The README's pictures, made of the real pages: into docs/images by `make images`, else only looked at."""

import os
import struct
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.shop import DECLINED, PARKED, STUCK

pytestmark = pytest.mark.asyncio(loop_scope="session")
WIDTH, HEIGHT = 1280, 900
PAGES = {"overview": "/", "execution": "/executions/{stuck}", "plan": "/executions/{completed}/do/compensate"}


async def test_the_main_pages_in_light_and_dark(shop, page, tmp_path) -> None:
    ends = {"completed": ("", "completed"), "undone": (DECLINED, "compensated")}
    ends |= {"stuck": (STUCK, "stuck"), "parked": (PARKED, "parked")}
    known = {name: await shop.order(how) for name, (how, _) in ends.items()}
    for name, (_, status) in ends.items():
        await shop.until(known[name], status)
    folder = Path(os.environ.get("SAGA_IMAGES") or tmp_path)
    await page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    for name, path in PAGES.items():
        await page.goto(path.format(**known))
        await expect(page.locator("#liveness")).to_have_text("Live")
        looks = []
        for look in ("light", "dark"):
            await page.emulate_media(color_scheme=look)
            looks.append(await page.screenshot(path=folder / f"console-{name}-{look}.png"))
        assert struct.unpack(">II", looks[0][16:24]) == (WIDTH, HEIGHT)
        assert looks[0] != looks[1]
