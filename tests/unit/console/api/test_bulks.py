"""Bulks by the API."""

from dataclasses import replace

import pytest

from orchestrator.service.access import Caller, Role
from tests.api_kit import ROLES, ApiBench, is_problem
from tests.service_kit import WHY, run_all

OPERATOR = ROLES[Role.OPERATOR]


@pytest.fixture
def bench() -> ApiBench:
    made = ApiBench()
    for number in (1, 2, 3):
        made.ledger.keep_open(made.stuck(f"t{number}"))
    return made


async def begun(api, key="k1", **more):
    wanted = {"operation": "suspend", "filter": {"status": ["stuck"]}}
    token = (await api.post("/bulks/preview", wanted, key="")).json()["token"]
    return await api.post("/bulks", {**wanted, "token": token, "reason": WHY, **more}, key=key)


@pytest.mark.parametrize("number", [1_700_000_000, 0.5, True])
async def test_a_number_is_no_time_of_its_filter(bench, number) -> None:
    wanted = {"operation": "suspend", "filter": {"changed_after": number}}
    async with bench.asking(OPERATOR) as api:
        assert is_problem(await api.post("/bulks/preview", wanted, key=""), 422, "invalid")


async def test_past_the_point_of_no_return_needs_its_right_here_too(bench) -> None:
    bench.ledger.keep(bench.completed("t9"))
    wanted = {"operation": "compensate", "filter": {"status": ["completed"]}, "override": True}
    async with bench.asking(OPERATOR) as api:
        assert is_problem(await api.post("/bulks/preview", wanted, key=""), 403, "denied")
    async with bench.asking(ROLES[Role.ADMIN]) as api:
        cancel = {**wanted, "operation": "cancel"}
        assert is_problem(await api.post("/bulks/preview", cancel, key=""), 422, "invalid")
        seen = (await api.post("/bulks/preview", wanted, key="")).json()
        made = await api.post("/bulks", {**wanted, "token": seen["token"], "reason": WHY})
        assert (made.status_code, made.json()["override"]) == (202, True), made.text
        await run_all(bench.running)
        assert (await api.http.get(made.headers["location"])).json()["done"] == 1


async def test_a_bulk_is_counted_begun_and_followed(bench) -> None:
    async with bench.asking(OPERATOR) as api:
        wanted = {"operation": "suspend", "filter": {"status": ["stuck"]}}
        found = (await api.post("/bulks/preview", wanted, key="")).json()
        assert (found["count"], found["first_ids"]) == (3, ["trip:t1", "trip:t2", "trip:t3"])
        made = await begun(api)
        assert (made.status_code, made.json()["state"], made.json()["waiting"]) == (202, "running", 3)
        await run_all(bench.running)
        bulk = (await api.http.get(made.headers["location"])).json()
        assert (bulk["state"], bulk["done"], bulk["total"]) == ("completed", 3, 3)
        first = (await api.get(f"/bulks/{bulk['id']}/items?limit=2")).json()
        rest = await api.get(f"/bulks/{bulk['id']}/items", params={"limit": 2, "cursor": first["next_cursor"]})
        items = [*first["items"], *rest.json()["items"]]
        assert [(item["number"], item["state"]) for item in items] == [(1, "done"), (2, "done"), (3, "done")]


async def test_a_selection_that_has_moved_comes_with_its_new_token(bench) -> None:
    async with bench.asking(OPERATOR) as api:
        moved = await begun(api, token="seen long ago")
        assert is_problem(moved, 409, "selection-moved")
        assert moved.json()["count"] == 3
        assert (await begun(api, token=moved.json()["token"])).status_code == 202


async def test_a_bulk_is_suspended_and_resumed_by_orders(bench) -> None:
    async with bench.asking(OPERATOR) as api:
        bulk = (await begun(api)).json()["id"]
        path = f"/bulks/{bulk}/orders"
        assert (await api.post(path, {"order": "suspend", "reason": WHY}, key="o1")).json()["state"] == "suspended"
        assert is_problem(await api.post(path, {"order": "suspend", "reason": WHY}, key="o2"), 409, "refused")
        assert (await api.post(path, {"order": "resume", "reason": WHY}, key="o3")).json()["state"] == "running"


async def test_those_without_the_right_neither_count_nor_look(bench) -> None:
    async with bench.asking(OPERATOR) as api:
        bulk = (await begun(api)).json()["id"]
    async with bench.asking(ROLES[Role.VIEWER]) as api:
        wanted = {"operation": "suspend", "filter": {}}
        assert is_problem(await api.post("/bulks/preview", wanted, key=""), 403, "denied")
        assert is_problem(await api.get(f"/bulks/{bulk}"), 403, "denied")
        assert is_problem(await api.get(f"/bulks/{bulk}/items"), 403, "denied")
    async with bench.asking(Caller(actor="zoe", role=Role.ADMIN, sagas=frozenset({"order"}))) as api:
        assert (await api.get("/bulks")).json()["items"] == []
        for name in (f"{bulk}/items", bulk, "nothing"):  # of another saga's, not even that there is one
            assert is_problem(await api.get(f"/bulks/{name}"), 404, "not-found")


async def test_bulks_are_listed_the_newest_first_in_pages(bench) -> None:
    async with bench.asking(OPERATOR) as api:
        assert (await api.get("/bulks")).json() == {"items": [], "next_cursor": None}
        made = {(await begun(api, f"k{number}")).json()["id"] for number in range(3)}
        first = (await api.get("/bulks?limit=2")).json()
        rest = (await api.get("/bulks", params={"limit": 2, "cursor": first["next_cursor"]})).json()
        assert rest["next_cursor"] is None
        items = [*first["items"], *rest["items"]]
        assert {item["id"] for item in items} == made
        assert {(item["operation"], item["state"], item["total"]) for item in items} == {("suspend", "running", 3)}
        assert is_problem(await api.get("/bulks?cursor=nothing"), 400, "cursor-invalid")
    async with bench.asking(ROLES[Role.VIEWER]) as api:
        assert is_problem(await api.get("/bulks"), 403, "denied")


async def test_a_page_of_which_the_caller_may_see_nothing_still_leads_to_the_next(bench) -> None:
    async with bench.asking(OPERATOR) as api:
        bulk = (await begun(api)).json()["id"]
    # Who began it sees it, also when they may touch other sagas by now.
    async with bench.asking(replace(OPERATOR, sagas=frozenset({"order"}))) as api:
        page = (await api.get(f"/bulks/{bulk}/items?limit=2")).json()
        assert page["items"] == []
        assert page["next_cursor"]
