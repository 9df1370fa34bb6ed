"""A message that nobody could handle: it comes to an open page by itself, is mended, sent on, and its saga completes."""

import pytest
from playwright.async_api import expect

from tests.browser.shop import WHY

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_parked_message_comes_to_the_open_page_is_edited_and_redriven(shop, page) -> None:
    await page.goto("/parked")
    await expect(page.locator("#liveness")).to_have_text("Live")
    message, execution = await shop.spoil()
    group = page.get_by_role("group", name="groups").get_by_role("row", name="wrong-schema")
    await expect(group).to_contain_text("total_cents")
    await group.get_by_role("link").click()
    await page.get_by_role("link", name=execution.partition(":")[2]).click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("parked")

    await page.get_by_role("link", name="Edit", exact=True).click()
    body = page.get_by_label("Body")
    await body.fill((await body.input_value()).replace('"much"', "700"))
    await page.get_by_role("button", name="Show what changes").click()
    changes = page.get_by_role("group", name="What changes")
    await expect(changes.get_by_role("row", name="/body/total_cents")).to_contain_text("700")
    await page.get_by_label("Why").fill(WHY)
    await page.get_by_role("button", name="Edit", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("1 of 1")

    await page.get_by_role("link", name="the message").click()
    await page.get_by_role("link", name="Redrive", exact=True).click()
    await page.get_by_label("Why").fill(WHY)
    await page.get_by_role("button", name="Redrive").click()
    await expect(page.get_by_text("the broker has confirmed it")).to_be_visible()
    await page.get_by_role("link", name="the message").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("redriven")

    await shop.until(execution, "completed")
    audited = (await shop.api.get("/api/v1/audit", params={"target": f"message:{message}"})).json()["items"]
    assert {one["reason"] for one in audited} <= {WHY}


async def test_what_is_typed_into_a_filter_stays_while_messages_come(shop, page) -> None:
    await page.goto("/parked")
    await expect(page.locator("#liveness")).to_have_text("Live")
    reason = page.get_by_label("Reason")
    await reason.fill("half a word")
    before = await page.locator("main strong").first.inner_text()
    await shop.spoil()
    await expect(page.locator("main strong").first).not_to_have_text(before)
    await expect(reason).to_be_focused()
    await expect(reason).to_have_value("half a word")
