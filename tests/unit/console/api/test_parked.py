"""Parked messages by the API: lists, one whole, and each operation once per key."""

import pytest

from orchestrator.service.access import Caller, Permission, Role
from tests.api_kit import ApiBench, is_problem
from tests.parked_kit import T0, arrival
from tests.service_kit import WHY

ADMIN = Caller(actor="ann", role=Role.ADMIN)
VIEWER = Caller(actor="vic", role=Role.VIEWER)
ONE, GROUP = arrival(1).id, arrival(1).fingerprint


@pytest.fixture
async def bench():
    made = ApiBench()
    for number in (1, 2, 3):
        await made.parking.record(arrival(number), T0 + number)
    return made


async def test_groups_and_messages_are_listed_in_pages(bench) -> None:
    async with bench.asking(VIEWER) as api:
        (group,) = (await api.get("/parked/groups")).json()["items"]
        assert (group["fingerprint"], group["waiting"], group["last_number"]) == (GROUP, 3, 3)
        assert (await api.get(f"/parked/groups/{GROUP}")).json() == group
        first = (await api.get("/parked/messages?limit=2")).json()
        rest = (await api.get(f"/parked/messages?limit=2&cursor={first['next_cursor']}")).json()
        assert [one["message_id"] for one in (*first["items"], *rest["items"])] == ["m3", "m2", "m1"]
        assert rest["next_cursor"] is None
        other = await api.get(f"/parked/messages?state=parked&cursor={first['next_cursor']}")
        assert (other.status_code, other.json()["code"]) == (400, "cursor-mismatch")
        assert (await api.get("/parked/messages/count?message_id=m1")).json() == {"count": 1, "capped": False}
        assert (await api.get("/parked/overview")).json()["waiting"] == 3


async def test_one_message_is_shown_whole_to_those_who_may_see_payloads(bench) -> None:
    async with bench.asking(VIEWER) as api:
        masked = (await api.get(f"/parked/messages/{ONE}")).json()
        assert (masked["original"], masked["headers"]["ce-id"]) == (None, "m1")
    async with bench.asking(ADMIN) as api:
        seen = await api.get(f"/parked/messages/{ONE}")
        assert (seen.json()["original"]["body"], seen.headers["etag"]) == ('{"order_id": 1}', '"v1"')


async def test_a_message_is_edited_and_redriven_once_per_key(bench) -> None:
    path = f"/parked/messages/{ONE}/operations"
    async with bench.asking(ADMIN) as api:
        edit = {"operation": "edit", "body": '{"order_id": "A1"}', "reason": WHY}
        preview = await api.post(path, {**edit, "dry_run": True})
        assert preview.json()["changes"] == [{"pointer": "/body/order_id", "before": 1, "after": "A1"}]
        assert (await api.post(path, edit, **{"If-Match": '"v1"'})).status_code == 202
        order = {"operation": "redrive", "reason": WHY}
        assert (await api.post(path, order, key="k2", **{"If-Match": '"v1"'})).status_code == 412
        made = await api.post(path, order, key="k3", **{"If-Match": '"v2"'})
        again = await api.post(path, order, key="k3", **{"If-Match": '"v2"'})
        assert (made.status_code, made.json()) == (202, again.json())
        assert (made.json()["total"], made.json()["waiting"]) == (1, 1)
        assert (await api.http.get(made.headers["location"])).json() == made.json()
        twice = await api.post(path, order, key="k4", **{"If-Match": "*"})
        assert (twice.status_code, twice.json()["code"]) == (409, "refused")
        assert (await api.post(path, order, key="k5")).status_code == 428


async def test_a_group_goes_as_far_as_it_was_seen(bench) -> None:
    path = f"/parked/groups/{GROUP}/operations"
    async with bench.asking(ADMIN) as api:
        order = {"operation": "discard", "up_to": 2, "reason": WHY}
        assert (await api.post(path, {**order, "dry_run": True})).json()["total"] == 2
        untold = {name: value for name, value in order.items() if name != "up_to"}
        assert (await api.post(path, {**untold, "dry_run": True})).json()["up_to"] == 3
        refused = await api.post(path, untold, key="k0")
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/up_to")
        made = (await api.post(path, order)).json()
        assert (made["total"], made["done"], made["up_to"], made["group"]) == (2, 2, 2, GROUP)
        assert (await api.get(f"/parked/groups/{GROUP}")).json()["waiting"] == 1


@pytest.mark.parametrize("path", ["/parked/messages/nope", "/parked/groups/nope", "/parked/operations/nope"])
async def test_what_is_not_there_is_not_found(bench, path) -> None:
    async with bench.asking(VIEWER) as api:
        assert (await api.get(path)).status_code == 404


async def test_what_belongs_to_other_sagas_is_not_there(bench) -> None:
    elsewhere = Caller(actor="zoe", role=Role.ADMIN, sagas=frozenset({"order"}))
    async with bench.asking(elsewhere) as api:
        assert (await api.get("/parked/messages")).json()["items"] == []
        assert (await api.get("/parked/groups")).json()["items"] == []
        assert (await api.get("/parked/messages/count")).json()["count"] == 0
        assert is_problem(await api.get(f"/parked/messages/{ONE}"), 404, "not-found")
        order = {"operation": "discard", "reason": WHY}
        for path in (f"/parked/messages/{ONE}", f"/parked/groups/{GROUP}"):
            assert is_problem(await api.post(f"{path}/operations", order, **{"If-Match": "*"}), 404, "not-found")


@pytest.mark.parametrize("operation", ["edit", "redrive", "discard"])
async def test_each_operation_needs_its_right(bench, operation) -> None:
    body = {"operation": operation, "reason": WHY, **({"body": "{}"} if operation == "edit" else {})}
    async with bench.asking(VIEWER) as api:
        denied = await api.post(f"/parked/messages/{ONE}/operations", body, **{"If-Match": "*"})
        assert (denied.status_code, Permission.PARKED_READ in denied.text) == (403, False)


async def test_an_edit_that_does_not_fit_is_told_with_its_place(bench) -> None:
    async with bench.asking(ADMIN) as api:
        body = {"operation": "edit", "body": '{"order_id": 7}', "reason": WHY}
        refused = await api.post(f"/parked/messages/{ONE}/operations", body, **{"If-Match": "*"})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/body")
