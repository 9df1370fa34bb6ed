"""Whatever others wrote is text: markup in ids, payloads, reasons and errors does nothing in a real browser."""

import pytest
from playwright.async_api import expect

from tests.browser.shop import PARKED

pytestmark = pytest.mark.asyncio(loop_scope="session")
HOSTILE = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>'
OPENED = "() => document.querySelectorAll('details').forEach((one) => { one.open = true; })"


async def test_markup_of_others_is_inert_on_every_page_that_shows_it(shop, page) -> None:
    execution = await shop.order(PARKED, suffix="<img src=x onerror=window.harmed=1>", customer=HOSTILE)
    await shop.until(execution, "parked")
    operation = await shop.operate(execution, "suspend", reason=f"because {HOSTILE}")
    message, _ = await shop.spoil(f'"{HOSTILE.replace(chr(34), chr(39))}"')
    await page.goto(f"/executions?view=all&q={shop.run}")
    await page.get_by_role("link", name=execution.partition(":")[2]).click()
    await page.evaluate(OPENED)
    await expect(page.get_by_text("window.harmed").first).to_be_visible()
    await assert_inert(page)
    await page.get_by_role("link", name="bytes of order.placed").click()
    await expect(page.get_by_text("window.harmed").first).to_be_visible()
    await assert_inert(page)
    for path in (
        *("/", "/executions?view=all", "/operations", f"/operations/{operation['id']}", "/audit", "/parked"),
        *(f"/parked/messages/{message}", f"/parked/messages/{message}/do/edit"),
    ):
        await page.goto(path)
        await page.evaluate(OPENED)
        await assert_inert(page)


async def assert_inert(page):
    assert await page.evaluate("() => [document.images.length, window.harmed ?? 0]") == [0, 0], page.url
    scripts = await page.evaluate("() => [...document.scripts].map((one) => one.getAttribute('src') ?? 'inline')")
    assert all(one.startswith("/static/") for one in scripts), scripts
