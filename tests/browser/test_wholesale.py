"""A bulk by the pages: begun by typing how many, suspended, resumed, followed to its end; its numbers add up throughout.

It is the last file of this folder by name, since the many that it leaves parked would fill the lists of the others.
"""

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.browser.shop import PARKED, WHY

pytestmark = pytest.mark.asyncio(loop_scope="session")
MANY = 200
AT_ONCE, LONG_MS = 20, 180_000


async def numbers(page):
    """How many of each state the page tells, and of all."""
    told = await page.locator(".tally").inner_text()
    return {word: int(number.replace(",", "")) for number, word in re.findall(r"([\d,]+) (in all|\w+)", told)}


async def order(page, name):
    await page.get_by_label("Why").fill(WHY)
    await page.get_by_role("button", name=name).click()


async def all_items(shop, bulk):
    """Every execution of a bulk, page by page."""
    found: set[str] = set()
    following: dict[str, str] = {}
    while True:
        page = (await shop.api.get(f"/api/v1/bulks/{bulk}/items", params={"limit": 200, **following})).json()
        found |= {one["execution_id"] for one in page["items"]}
        if page["next_cursor"] is None:
            return found
        following = {"cursor": page["next_cursor"]}


async def came_to(shop, execution):
    """Where an order came to rest: on a crowded machine one may have been undone instead."""
    found: dict[str, str] = {}
    while found.get("status") not in ("parked", "compensated"):
        await asyncio.sleep(0.05)
        found = (await shop.api.get(f"/api/v1/executions/{execution}")).json()
    return found["status"]


@pytest.mark.timeout(400)  # two hundred, on whatever machine
async def test_many_are_retried_with_a_pause_between_and_each_has_its_result(shop, page, guard) -> None:
    guard.allow("422 ")  # another number was typed
    mark = f"-bulk{shop.ordered}"
    executions: list[str] = []
    while len(executions) < MANY:
        asked = min(MANY, MANY - len(executions) + AT_ONCE)
        placed = [await shop.order(PARKED, suffix=mark) for _ in range(asked)]
        executions += [one for one in placed if await came_to(shop, one) == "parked"]
    first = executions[0].partition(":")[2].removesuffix(mark)
    await page.goto(f"/executions?status=parked&changed_after=2000-01-01T00:00&q={first[:6]}")
    await page.get_by_role("combobox", name="To all of these").select_option("retry")
    await page.get_by_role("button", name="Look what it would touch").click()
    count = int(await page.locator("[name=count]").input_value())
    assert count >= MANY
    await page.get_by_label("Executions a second").fill(str(AT_ONCE))
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
    await expect(page.get_by_role("heading", level=1)).not_to_contain_text(
        re.compile("running|suspended"), timeout=LONG_MS
    )
    found = await numbers(page)
    assert (found["in all"], found["waiting"]) == (count, 0)
    assert found["done"] + found["failed"] + found["skipped"] == count
    bulk = page.url.rpartition("/")[2].partition("?")[0]
    assert await all_items(shop, bulk) >= set(executions)
    audited = (await shop.api.get("/api/v1/audit", params={"target": f"bulk:{bulk}"})).json()["items"]
    assert len(audited) == 3, "begun, suspended, resumed"
