"""Every page, for everybody: axe-core, both colour schemes, 320 pixels, targets; the guards watch all the while."""

import asyncio
import re
import secrets
from collections import defaultdict

import pytest
import pytest_asyncio
from playwright.async_api import expect

from orchestrator.console.pages import ROUTERS
from tests.browser.accessible import faults
from tests.browser.shop import DECLINED, PARKED, PATIENCE_S, STUCK, WHY

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
    (letter, *_) = (await shop.api.get(f"/api/v1/executions/{ids['completed']}/messages")).json()["items"]
    more = {
        "way": letter["direction"],
        "letter": letter["message_id"],
        "number": await recorded(shop, ids["completed"]),
        "bulk": await bulk_of(shop, ids["parked"]),
        "decision": await discard(shop),
    }
    return {**ids, **more, "operation": operation["id"], "message": message, "group": parked["fingerprint"]}


async def recorded(shop, execution) -> str:
    """A message of it in the event store: its number."""
    items: list[dict[str, object]] = []
    async with asyncio.timeout(PATIENCE_S):
        while not items:
            items = (await shop.api.get("/api/v1/messages", params={"execution_id": execution})).json()["items"]
            await asyncio.sleep(0.1)
    return str(items[0]["number"])


async def bulk_of(shop, execution) -> str:
    """A bulk of one: its id."""
    asked = {"operation": "resume", "filter": {"q": execution}}
    seen = (await shop.api.post("/api/v1/bulks/preview", json=asked)).json()
    body = {**asked, "reason": WHY, "token": seen["token"]}
    answer = await shop.api.post("/api/v1/bulks", json=body, headers={"Idempotency-Key": secrets.token_hex(8)})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def discard(shop) -> str:
    """Put a parked message aside: the id of what was done."""
    message, _ = await shop.spoil()
    headers = {"Idempotency-Key": secrets.token_hex(8), "If-Match": "*"}
    body = {"operation": "discard", "reason": WHY}
    answer = await shop.api.post(f"/api/v1/parked/messages/{message}/operations", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


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
    "what a message of an execution says": "/executions/{completed}/messages/{way}/{letter}",
    "a message of the event store": "/messages/{number}",
    "messages": "/messages?execution_id={completed}",
    "oneself": "/me",
    "bulks": "/bulks",
    "one bulk": "/bulks/{bulk}",
    "what was done with parked messages": "/parked/operations/{decision}",
    "a new bulk": "/bulks/new?view=attention&operation=resume",
    "what is not there": "/executions/fulfil-order:none",
    "the reference": "/docs",
    "a kind of problem": "/problems/not-found",
}


ELSEWHERE = {
    "/sign-in": "test_doors",
    "/password": "test_doors",
    "/sign-in/provider": "leads to the provider",
    "/sign-in/callback": "leads on from there",
    "/executions/export": "a file",
    "/audit/export": "a file",
    "/sagas/messages.schema.json": "a file",
    "/sagas/asyncapi.json": "a file",
    "/find": "leads on to what is found",
    "/me/views": "leads back to oneself",
    "/me/views/removal": "leads back to oneself",
    "/me/tokens": "leads back to oneself",
    "/me/tokens/revocation": "leads back to oneself",
}
"""Addresses that are no pages, or that only a console with access control has: where these are looked at."""


async def test_every_page_of_the_app_is_among_these() -> None:
    found = [path for router in ROUTERS for path in paths_of(router)]
    visited = [path.format_map(defaultdict(lambda: "one")).partition("?")[0] for path in PAGES.values()]
    # An address is the page of the first that fits, as the app has it: `/bulks/new` is no bulk.
    shown = {next((path for path, pattern in found if pattern.fullmatch(one)), "") for one in visited}
    assert {path for path, _ in found} - shown == set(ELSEWHERE)


def paths_of(router) -> list[tuple[str, re.Pattern[str]]]:
    """The addresses of a router that can be got, and what fits each."""
    return [(one.path, re.compile(one.path_regex.pattern)) for one in router.routes if "GET" in one.methods]


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_is_for_everybody(page, known, guard, name) -> None:
    if name == "what is not there":
        guard.allow("404 ")
    await page.goto(PAGES[name].format(**known))
    await expect(page.get_by_role("main")).to_be_visible()
    assert await faults(page) == []
