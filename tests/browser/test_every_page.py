"""Every page, for everybody: axe-core, both colour schemes, 320 pixels, targets; the guards watch all the while."""

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.accessible import faults
from tests.browser.shop import DECLINED, PARKED, STUCK

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def known(shop) -> dict[str, str]:
    """One execution of each kind, and an operation on one of them, by what they are called in paths."""
    ids = {name: await shop.order(how) for name, how in KINDS.items()}
    for name, status in ENDS.items():
        await shop.until(ids[name], status)
    operation = await shop.operate(ids["stuck"], "suspend")
    message, _ = await shop.spoil()
    parked = (await shop.api.get(f"/api/v1/parked/messages/{message}")).json()
    return {**ids, "operation": operation["id"], "message": message, "group": parked["fingerprint"]}


KINDS = {"completed": "", "stuck": STUCK, "parked": PARKED, "undone": DECLINED}
ENDS = {"completed": "completed", "stuck": "stuck", "parked": "parked", "undone": "compensated"}
PAGES = {
    "overview": "/",
    "the list": "/executions?view=all",
    "an empty list": "/executions?q=nothing-is-called-this",
    "one that completed": "/executions/{completed}",
    "one that is stuck": "/executions/{stuck}",
    "one that is parked": "/executions/{parked}",
    "one that was undone": "/executions/{undone}",
    "to compensate": "/executions/{completed}/do/compensate",
    "to resolve": "/executions/{stuck}/do/resolve",
    "to retry with other input": "/executions/{parked}/do/edit_and_retry",
    "what may not be done": "/executions/{completed}/do/skip",
    "operations": "/operations",
    "one operation": "/operations/{operation}",
    "audit": "/audit",
    "sagas": "/sagas",
    "one saga": "/sagas/fulfil-order",
    "parked messages": "/parked",
    "a group of parked messages": "/parked/groups/{group}",
    "a parked message": "/parked/messages/{message}",
    "to edit a parked message": "/parked/messages/{message}/do/edit",
    "to redrive a group": "/parked/groups/{group}/do/redrive",
    "messages": "/messages?execution_id={completed}",
    "oneself": "/me",
    "bulks": "/bulks",
    "a new bulk": "/bulks/new?view=attention&operation=resume",
    "what is not there": "/executions/fulfil-order:none",
    "the reference": "/docs",
    "a kind of problem": "/problems/not-found",
}


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_is_for_everybody(page, known, guard, name) -> None:
    if name == "what is not there":
        guard.allow("404 ")
    await page.goto(PAGES[name].format(**known))
    await expect(page.get_by_role("main")).to_be_visible()
    assert await faults(page) == []
