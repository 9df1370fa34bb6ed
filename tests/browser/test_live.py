"""Pages live: changes come to open pages, in all tabs by one stream, and take nothing out of a person's hands."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.browser.shop import PARKED

pytestmark = pytest.mark.asyncio(loop_scope="session")
MARK = "() => { window.isTheSamePage = true; }"


def liveness(page):
    return page.locator("#liveness")


async def live(page, path):
    """Open a page, and wait until it lives."""
    await page.goto(path)
    await expect(liveness(page)).to_have_text("Live")
    await page.evaluate(MARK)


async def is_the_same(page):
    return await page.evaluate("() => window.isTheSamePage === true")


async def parked(shop):
    execution = await shop.order(PARKED)
    await shop.until(execution, "parked")
    return execution


async def test_a_change_is_shown_and_nothing_is_taken_out_of_hand(shop, page) -> None:
    execution = await parked(shop)
    await live(page, f"/executions/{execution}")
    attempts = page.locator("#attempts")
    await page.locator("#attempts > summary").click()  # a failed attempt unfolds too, further in
    await page.locator("#journal summary").focus()
    await shop.operate(execution, "suspend")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("suspended")
    assert await is_the_same(page)
    await expect(attempts).to_have_attribute("open", "")
    await expect(page.locator("#journal")).not_to_have_attribute("open", "")
    await expect(page.locator("#journal summary")).to_be_focused()


async def test_typed_text_and_its_caret_stay(shop, page) -> None:
    execution = await parked(shop)
    await live(page, f"/executions?view=all&q={execution}")
    step = page.get_by_label("Failed step")
    await step.fill("half a word")
    await step.press("ArrowLeft")
    await page.get_by_label("Saga").select_option("fulfil-order")
    await step.focus()
    caret = await step.evaluate("(one) => one.selectionStart")
    await shop.operate(execution, "suspend")
    await expect(page.get_by_role("row", name=execution.partition(":")[2])).to_contain_text("suspended")
    assert await is_the_same(page)
    await expect(step).to_be_focused()
    await expect(step).to_have_value("half a word")
    await expect(page.get_by_label("Saga")).to_have_value("fulfil-order")
    assert await step.evaluate("(one) => one.selectionStart") == caret


async def test_rows_stay_where_they_are_and_new_ones_wait(shop, page) -> None:
    execution = await parked(shop)
    await parked(shop)
    await live(page, "/executions?view=all")
    names = page.locator("tbody th a")
    before = await names.all_inner_texts()
    place = before.index(execution.partition(":")[2])
    assert place > 0, "the newest change is first"
    await shop.operate(execution, "suspend")
    await expect(page.locator("tbody tr").nth(place)).to_contain_text("suspended")
    assert await names.all_inner_texts() == before
    new = await shop.order()
    await expect(page.get_by_role("button", name="1 new, show")).to_be_visible()
    assert await names.all_inner_texts() == before
    await shop.until(new, "completed")
    await page.get_by_role("button", name="1 new, show").click()
    await expect(names.first).to_have_text(new.partition(":")[2])
    await expect(page.get_by_role("button", name="new, show")).to_be_hidden()
    await expect(page.get_by_role("group", name="executions")).to_be_focused()


async def test_a_row_that_leaves_the_list_says_so_and_stays(shop, page) -> None:
    execution = await parked(shop)
    await live(page, "/executions?status=parked")
    row = page.get_by_role("row", name=execution.partition(":")[2])
    await shop.operate(execution, "suspend")
    await expect(row).to_contain_text("moved on")


async def test_a_form_says_that_it_has_moved_and_keeps_what_it_showed(shop, page) -> None:
    execution = await parked(shop)
    await live(page, f"/executions/{execution}/do/retry")
    seen = await page.locator("[name=revision]").input_value()
    await page.get_by_label("Why").fill("half a reason")
    await shop.operate(execution, "suspend")
    await expect(page.get_by_text("It has moved since you opened this.")).to_be_visible()
    assert await page.locator("[name=revision]").input_value() == seen
    await expect(page.get_by_label("Why")).to_have_value("half a reason")


async def test_a_lost_server_is_told_and_found_again(shop, page, guard) -> None:
    guard.allow("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "Failed to fetch")
    execution = await parked(shop)
    await live(page, f"/executions/{execution}")
    await shop.stop_console()
    await expect(liveness(page)).to_contain_text("Stale")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("parked")
    await shop.start_console()
    await shop.operate(execution, "suspend")
    await expect(liveness(page)).to_have_text("Live")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("suspended")
    assert await is_the_same(page)


async def test_pages_that_change_seldom_tell_of_a_lost_server_too(shop, context, guard) -> None:
    guard.allow("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "Failed to fetch")
    await parked(shop)
    pages = []
    for path in ("/sagas", "/sagas/fulfil-order", "/me", "/messages", "/bulks/new?operation=suspend"):
        pages.append(await context.new_page())
        await pages[-1].goto(path)
        await expect(liveness(pages[-1])).to_have_text(re.compile("^(Live|Polling)"))
    await shop.stop_console()
    for one in pages:
        await expect(liveness(one)).to_contain_text("Stale")
    await shop.start_console()
    for one in pages:
        await expect(liveness(one)).to_have_text(re.compile("^(Live|Polling)"))


async def test_a_form_for_many_says_that_something_has_moved_and_keeps_what_was_typed(shop, page) -> None:
    execution = await parked(shop)
    await live(page, f"/bulks/new?operation=suspend&view=all&q={execution}")
    await page.get_by_label("Why").fill("half a reason")
    await shop.operate(execution, "suspend")
    await expect(page.get_by_text("Executions have changed since you opened this.")).to_be_visible()
    await expect(page.get_by_label("Why")).to_have_value("half a reason")


async def test_what_one_sets_for_oneself_is_typed_in_peace(shop, page) -> None:
    execution = await parked(shop)
    await live(page, "/me")
    await page.get_by_text("Make one").click()
    form = page.locator("details#make form")
    await form.get_by_label("Name").fill("nightly")
    await form.get_by_label("Acts as").select_option("viewer")
    await form.get_by_label("It may see payloads").check()
    async with page.expect_response(lambda one: one.url.endswith("/me")):
        await shop.operate(execution, "suspend")  # a row more in the audit
    await expect(form.get_by_label("Name")).to_have_value("nightly")
    await expect(form.get_by_label("Acts as")).to_have_value("viewer")
    await expect(form.get_by_label("It may see payloads")).to_be_checked()
    await form.get_by_label("Why").fill("for the nightly report")
    await form.get_by_role("button", name="Make the token").click()
    await expect(page.get_by_label("the token")).to_contain_text("saga_")
    assert await page.locator("#live").get_attribute("data-live") is None, "what is shown once is not looked at again"


@pytest.mark.parametrize("tabs", [2, 8])
async def test_all_tabs_live_on_one_stream_and_outlive_the_one_that_led(shop, context, tabs) -> None:
    streams = []
    context.on("request", lambda one: streams.append(one.url) if "/api/v1/events" in one.url else None)
    execution = await parked(shop)
    pages = [await context.new_page() for _ in range(tabs)]
    for one in pages:
        await live(one, f"/executions/{execution}")
    assert len(streams) == 1
    await shop.operate(execution, "suspend")
    for one in pages:
        await expect(one.get_by_role("heading", level=1)).to_contain_text("suspended")
    leader, *rest = pages
    await leader.close()
    async with asyncio.timeout(30):
        while len(streams) < 2:
            await asyncio.sleep(0.05)
    await shop.operate(execution, "resume")
    for one in rest:
        await expect(one.get_by_role("heading", level=1)).to_contain_text("parked")
        await expect(liveness(one)).to_have_text("Live")
    assert len(streams) == 2


async def test_without_a_stream_pages_are_looked_at_again(shop, page, guard) -> None:
    guard.allow("ERR_FAILED")
    await page.route("**/api/v1/events", lambda route: route.abort())
    execution = await parked(shop)
    await page.clock.install()
    await page.goto(f"/executions/{execution}")
    await expect(liveness(page)).to_contain_text("Stale")
    await shop.operate(execution, "suspend")
    await shop.until(execution, "suspended")
    await page.clock.fast_forward(11_000)
    await expect(page.get_by_role("heading", level=1)).to_contain_text("suspended")
    await expect(liveness(page)).to_contain_text("Polling")
