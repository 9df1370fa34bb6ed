"""An operator at three in the morning: from the overview to the saga that hangs, and put right."""

import pytest
from playwright.async_api import expect

from tests.browser.shop import STUCK, WHY

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_stuck_saga_is_found_understood_resolved_and_verified(shop, page) -> None:
    execution = await shop.order(STUCK)
    await shop.until(execution, "stuck")
    await page.goto("/")
    attention = page.get_by_role("region", name="Needs attention")
    await attention.get_by_role("link", name=execution.partition(":")[2]).click()

    await expect(page.get_by_role("heading", level=1)).to_contain_text("failed, undo incomplete")
    await expect(page.get_by_text("Turned back at create_shipment")).to_contain_text("no carrier goes there")
    charged = page.get_by_role("region", name="steps").get_by_role("row", name="charge_payment")
    await expect(charged).to_contain_text("undo: the customer's account is closed")

    await page.get_by_role("link", name="Resolve the undo").click()
    await expect(page.get_by_label("Step")).to_have_value("charge_payment")
    await page.get_by_role("radio", name="It was undone by hand").check()
    await page.get_by_label("Evidence").fill("paid back by bank transfer 4711")
    await page.get_by_label("Why").fill(WHY)
    await page.get_by_role("button", name="Resolve the undo").click()

    await expect(page.get_by_role("heading", level=1)).to_contain_text("verified")
    operation = page.url.rpartition("/")[2]
    await page.get_by_role("link", name=execution).click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("failed, undone")

    found = await shop.until(execution, "compensated")
    assert found["id"] == execution
    told = (await shop.api.get(f"/api/v1/operations/{operation}")).json()
    assert (told["state"], told["reason"]) == ("verified", WHY)
    audited = (await shop.api.get("/api/v1/audit", params={"target": execution})).json()["items"]
    assert [one["result"] for one in audited] == ["verified", "accepted"]
