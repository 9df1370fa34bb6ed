"""A bulk by the pages: begun by typing how many, suspended, resumed, followed to its end; its numbers add up throughout."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.shop import PARKED, WHY

pytestmark = pytest.mark.asyncio(loop_scope="session")
MANY = 6


async def numbers(page):
    """How many of each state the page tells, and of all."""
    told = await page.locator(".tally").inner_text()
    return {word: int(number.replace(",", "")) for number, word in re.findall(r"([\d,]+) (in all|\w+)", told)}


async def order(page, name):
    await page.get_by_label("Why").fill(WHY)
    await page.get_by_role("button", name=name).click()


async def test_many_are_retried_with_a_pause_between_and_each_has_its_result(shop, page, guard) -> None:
    guard.allow("422 ")  # another number was typed
    mark = f"-bulk{shop.ordered}"
    executions = [await shop.order(PARKED, suffix=mark) for _ in range(MANY)]
    for execution in executions:
        await shop.until(execution, "parked")
    first = executions[0].partition(":")[2].removesuffix(mark)
    await page.goto(f"/executions?status=parked&changed_after=2000-01-01T00:00&q={first[:6]}")
    await page.get_by_role("combobox", name="To all of these").select_option("retry")
    await page.get_by_role("button", name="Look what it would touch").click()
    count = int(await page.locator("[name=count]").input_value())
    assert count >= MANY
    await page.get_by_label("Executions a second").fill("1")
    await page.get_by_label("Why").fill(WHY)
    await page.get_by_label("to confirm").fill(str(count + 1))
    await page.get_by_role("button", name=f"Retry now {count}").click()
    await expect(page.get_by_role("alert")).to_contain_text(f"type {count}")
    await page.get_by_label("to confirm").fill(str(count))
    await page.get_by_role("button", name=f"Retry now {count}").click()

    await expect(page.get_by_role("heading", level=1)).to_contain_text("running")
    await order(page, "Suspend")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("suspended")
    found = await numbers(page)
    assert found["waiting"] > 0
    assert found["in all"] == count == found["waiting"] + found["done"] + found["failed"] + found["skipped"]
    await order(page, "Resume")
    await expect(page.get_by_role("heading", level=1)).not_to_contain_text(re.compile("running|suspended"))
    found = await numbers(page)
    assert (found["in all"], found["waiting"]) == (count, 0)
    assert found["done"] + found["failed"] + found["skipped"] == count
    bulk = page.url.rpartition("/")[2].partition("?")[0]
    items = (await shop.api.get(f"/api/v1/bulks/{bulk}/items", params={"limit": 200})).json()["items"]
    assert {one["execution_id"] for one in items} >= set(executions)
    audited = (await shop.api.get("/api/v1/audit", params={"target": f"bulk:{bulk}"})).json()["items"]
    assert len(audited) == 3, "begun, suspended, resumed"
