"""Undoing what has completed: by the plan that was shown, also after Temporal forgot it; never by an old one."""

import asyncio

import pytest
from playwright.async_api import expect
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.service import RPCError

from orchestrator.adapters.temporal.connecting import connect
from tests.browser.shop import WHY

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def completed(shop):
    execution = await shop.order()
    found = await shop.until(execution, "completed")
    async with asyncio.timeout(60):
        while not found["confirmed"]:  # only what Temporal has confirmed can be undone without it
            await asyncio.sleep(0.1)
            found = await shop.until(execution, "completed")
    return execution


async def forget(shop, execution):
    """Delete a run from Temporal, and wait until it is gone."""
    client = await connect(shop.settings)
    named = WorkflowExecution(workflow_id=execution)
    await client.workflow_service.delete_workflow_execution(
        DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=named)
    )
    async with asyncio.timeout(60):
        while True:
            try:
                await client.get_workflow_handle(execution).describe()
            except RPCError:
                return
            await asyncio.sleep(0.1)


async def previewed(page):
    """Which steps would be undone, in which order, as the page shows it."""
    rows = page.get_by_role("group", name="the plan").locator("tbody tr")
    return [
        (int(await row.locator("td").first.inner_text()), await row.locator("th").inner_text())
        for row in await rows.all()
    ]


async def confirm(page):
    await page.get_by_role("checkbox", name="undo it all the same").check()
    await page.get_by_label("Why").fill(WHY)
    await page.get_by_role("button", name="Compensate").click()


async def test_an_order_whose_history_is_gone_is_undone_in_the_order_that_was_shown(shop, page) -> None:
    execution = await completed(shop)
    await forget(shop, execution)
    await page.goto(f"/executions/{execution}")
    await page.get_by_role("link", name="Compensate", exact=True).click()
    plan = await previewed(page)
    assert plan == sorted(plan)
    assert [step for _, step in plan][-2:] == ["charge_payment", "reserve_stock"]
    await confirm(page)
    await expect(page.get_by_role("heading", level=1)).to_contain_text("verified")

    await shop.until(execution, "compensated")
    attempts = (await shop.api.get(f"/api/v1/executions/{execution}/attempts")).json()
    undone = [one["step"] for one in attempts if one["direction"] == "undo"]  # in the order in which they ended
    order = {step: wave for wave, step in plan}
    assert sorted(undone) == sorted(order), "each once, and nothing else"
    assert [order[step] for step in undone] == [wave for wave, _ in plan]


async def test_a_plan_that_is_old_answers_conflict_and_shows_the_new_one(shop, context, page, guard) -> None:
    guard.allow("409 ")
    execution = await completed(shop)
    await page.goto(f"/executions/{execution}/do/compensate")
    before = await previewed(page)
    another = await context.new_page()
    await another.goto(f"/executions/{execution}/do/compensate?step=charge_payment")
    await confirm(another)
    await shop.until(execution, "partially_compensated")
    async with page.expect_response(lambda one: one.request.method == "POST") as answered:
        await confirm(page)
    assert (await answered.value).status == 409
    await expect(page.get_by_role("alert")).to_contain_text("The plan below is the new one")
    after = await previewed(page)
    assert [step for _, step in after] == ["reserve_stock"] != [step for _, step in before]
    await expect(page.get_by_label("Why")).to_have_value(WHY)
