"""By keyboard alone, without scripts, in forced colours, with little motion: the same is found, read and done."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.shop import STUCK, WHY

pytestmark = pytest.mark.asyncio(loop_scope="session")
MOST_TABS = 200
FOCUSED = """() => {
  const one = document.activeElement;
  const told = one.labels?.[0]?.textContent ?? one.textContent;
  const box = one.getBoundingClientRect();
  const style = getComputedStyle(one);
  return { told: told.trim(), type: one.type ?? "", is_seen: box.bottom > 0 && box.top < innerHeight, outline: style.outlineStyle };
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stuck(shop) -> str:
    execution: str = await shop.order(STUCK)
    await shop.until(execution, "stuck")
    return execution


async def tab_to(page, told, kind=""):
    """Press Tab until what is focused says this; on the way everything that is focused is seen, with an outline."""
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        found = await page.evaluate(FOCUSED)
        assert found["is_seen"], found
        if found["type"] == kind and (found["told"].startswith(told) if kind else found["told"] == told):
            assert found["outline"] != "none", found
            return
    pytest.fail(f"Tab never came to {told}")


async def test_an_operator_without_a_mouse_suspends_what_is_stuck(shop, page, stuck) -> None:
    await page.goto("/")
    await page.keyboard.press("Tab")
    assert (await page.evaluate(FOCUSED))["told"] == "Skip to the content"
    await page.keyboard.press("Enter")
    await tab_to(page, stuck.partition(":")[2])
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("undo incomplete")
    await tab_to(page, "Suspend")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/do/suspend")
    await tab_to(page, "Why", "textarea")
    await page.keyboard.type(WHY)
    await tab_to(page, "Suspend", "submit")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("verified")


async def test_without_scripts_lists_forms_and_their_end_work(shop, browser, guard) -> None:
    execution = await shop.order()
    await shop.until(execution, "completed")
    context = await browser.new_context(base_url=shop.address, java_script_enabled=False)
    await guard.watch(context)
    page = await context.new_page()
    await page.goto("/executions")
    await page.get_by_role("checkbox", name="completed").check()
    await page.get_by_label("Find", exact=True).last.fill(execution)
    await page.get_by_role("button", name="Show").click()
    assert "status=completed" in page.url
    await page.get_by_role("link", name=execution.partition(":")[2]).click()
    await page.get_by_role("row", name="reserve_stock").get_by_role("link", name="Compensate from here").click()
    await page.get_by_role("checkbox", name="undo it all the same").check()
    await page.get_by_label("Why").fill(WHY)
    await page.get_by_role("button", name="Compensate").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("verified")
    await context.close()
    await shop.until(execution, "compensated")


async def test_ids_are_copied_by_keyboard_and_without_scripts_there_is_no_button(shop, browser, context, stuck) -> None:
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = await context.new_page()
    await page.goto(f"/executions/{stuck}")
    button = page.get_by_role("button", name="Copy the execution id")
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(button).to_have_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == stuck
    silent = await browser.new_context(base_url=shop.address, java_script_enabled=False)
    page = await silent.new_page()
    await page.goto(f"/executions/{stuck}")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("undo incomplete")
    await expect(page.get_by_role("button", name="Copy", exact=False)).to_have_count(0)
    await silent.close()


async def test_in_forced_colours_the_picture_takes_the_readers_colours(shop, browser, guard, stuck) -> None:
    context = await browser.new_context(base_url=shop.address, forced_colors="active")
    await guard.watch(context)
    page = await context.new_page()
    await page.goto(f"/executions/{stuck}")
    ink, stroke = await page.evaluate(
        """() => [getComputedStyle(document.body).color,
                  getComputedStyle(document.querySelector(".saga-diagram .is-attention :is(rect, polygon)")).stroke]"""
    )
    assert stroke == ink
    await expect(page.get_by_role("heading", level=1)).to_contain_text("failed, undo incomplete")
    await context.close()


async def test_on_the_narrowest_screen_the_way_back_is_seen_without_scrolling_sideways(page, stuck) -> None:
    await page.set_viewport_size({"width": 320, "height": 800})
    await page.goto(f"/executions/{stuck}")
    undos = page.locator(".narrow .undo.box")
    assert await undos.count() >= 2
    for one in await undos.all():
        box = await one.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320


@pytest.mark.parametrize(("wish", "scrolling"), [("reduce", "auto"), ("no-preference", "smooth")])
async def test_motion_is_for_those_who_want_it(shop, page, wish, scrolling) -> None:
    await page.emulate_media(reduced_motion=wish)
    await page.goto("/")
    assert await page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == scrolling
    assert await page.evaluate("document.getAnimations().length") == 0


async def test_times_are_told_as_past_in_utc_and_by_the_readers_clock(shop, browser, guard, stuck) -> None:
    context = await browser.new_context(base_url=shop.address, timezone_id="Asia/Tokyo", locale="en-GB")
    await guard.watch(context)
    page = await context.new_page()
    await page.goto(f"/executions/{stuck}")
    first = page.locator("time").first
    await expect(first).to_have_text(re.compile(r"^(\d+ (d|h|min|s) ?){1,2} ago \d\d:\d\d:\d\d$"))
    at = datetime.fromisoformat(await first.get_attribute("datetime"))
    here = at.astimezone(ZoneInfo("Asia/Tokyo"))
    await expect(first).to_have_attribute("title", f"{at:%Y-%m-%d %H:%M:%S} UTC, {here:%d/%m/%Y, %H:%M:%S} here")
    await context.close()


async def test_words_without_end_do_not_widen_a_page_of_a_phone(shop, page, stuck, guard) -> None:
    guard.allow("404 ")
    endless = "w" * 290
    reason = f"{WHY} {endless}"
    operation = await shop.operate(stuck, "resume", reason=reason)
    await page.set_viewport_size({"width": 320, "height": 640})
    for path in (f"/executions/{stuck}", f"/operations/{operation['id']}", f"/nowhere/{endless}", f"/sagas/{endless}"):
        await page.goto(path)
        assert endless in await page.locator("main").inner_text()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320, path
