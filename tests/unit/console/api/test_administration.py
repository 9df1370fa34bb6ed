"""Switches, the audit, tokens and who one is, by the API."""

import pytest

from orchestrator.service.access import Caller, Permission, Role
from tests.api_kit import ROLES, ApiBench, is_problem
from tests.service_kit import WHY

ADMIN = ROLES[Role.ADMIN]
TOKEN = {"name": "ci", "role": "operator", "granted": ["payload:read"], "sagas": ["trip"], "days": 30, "reason": WHY}


@pytest.fixture
def bench() -> ApiBench:
    return ApiBench()


async def test_who_asks_is_told_what_they_may(bench) -> None:
    caller = Caller(
        actor="ann", role=Role.VIEWER, granted=frozenset({Permission.PAYLOAD}), sagas=frozenset({"trip", "a"})
    )
    async with bench.asking(caller) as api:
        assert (await api.get("/me")).json() == {
            "actor": "ann",
            "role": "viewer",
            "permissions": ["events:read", "parked:read", "payload:read", "saga:read"],
            "sagas": ["a", "trip"],
        }


@pytest.mark.parametrize(
    "shown", [None, "Bearer", "Bearer nothing", "Bearer saga_nothing", "Basic YTpi", "Bearer " + "x" * 9_000]
)
async def test_whom_nobody_knows_learns_nothing(bench, shown) -> None:
    async with bench.asking(None, **({"Authorization": shown} if shown else {})) as api:
        for path in ("/me", "/executions", "/executions/trip:t1", "/events", "/audit", "/tokens", "/parked/groups"):
            found = await api.get(path)
            assert is_problem(found, 401, "unknown-caller")
            assert found.headers["www-authenticate"] == "Bearer"
        assert is_problem(await api.operate("cancel"), 401, "unknown-caller")


async def test_a_switch_is_held_and_let_go(bench) -> None:
    hold = {"kind": "starts", "name": "trip", "held": True, "reason": WHY}
    async with bench.asking(ADMIN) as api:
        (held,) = (await api.post("/switches", hold)).json()["items"]
        assert (held["kind"], held["name"], held["actor"]) == ("starts", "trip", "admin")
        assert is_problem(await api.post("/switches", hold, key="k2"), 409, "refused")
        assert (await api.post("/switches", {**hold, "held": False}, key="k3")).json() == {"items": []}
    async with bench.asking(ROLES[Role.OPERATOR]) as api:
        assert is_problem(await api.post("/switches", hold), 403, "denied")
        assert (await api.get("/switches")).json() == {"items": []}


async def test_what_is_held_of_other_sagas_is_not_shown(bench) -> None:
    async with bench.asking(ADMIN) as api:
        for number, (kind, name) in enumerate((("starts", "trip"), ("starts", "order"), ("commands", "bank"))):
            await api.post("/switches", {"kind": kind, "name": name, "held": True, "reason": WHY}, key=f"k{number}")
    async with bench.asking(Caller(actor="zoe", role=Role.VIEWER, sagas=frozenset({"order"}))) as api:
        assert [one["name"] for one in (await api.get("/switches")).json()["items"]] == ["bank", "order"]


async def test_the_audit_is_read_in_pages_and_verified(bench) -> None:
    for number in (1, 2, 3):
        bench.run(f"t{number}")
        await bench.operate("suspend", name=f"t{number}", key=f"k{number}")
    async with bench.asking(ADMIN) as api:
        first = (await api.get("/audit?limit=2")).json()
        rest = (await api.get("/audit", params={"limit": 2, "cursor": first["next_cursor"]})).json()
        assert [line["number"] for line in (*first["items"], *rest["items"])] == [3, 2, 1]
        assert [line["target"] for line in (await api.get("/audit?target=trip:t2")).json()["items"]] == ["trip:t2"]
        assert (await api.get("/audit/verification")).json() == {"is_whole": True, "faults": []}
        del bench.register.rows[1]
        found = (await api.get("/audit/verification")).json()
        assert not found["is_whole"]
        assert "missing" in found["faults"][0]
    async with bench.asking(ROLES[Role.OPERATOR]) as api:
        assert is_problem(await api.get("/audit"), 403, "denied")


async def test_the_audit_says_from_where(bench) -> None:
    bench.stuck()
    async with bench.asking(ADMIN, traceparent=f"00-{'a' * 32}-{'b' * 16}-01") as api:
        await api.operate("retry", step="book_flight")
        assert (await api.get("/audit")).json()["items"][0]["origin"] == f"api 127.0.0.1 {'a' * 32}"


async def test_a_token_is_shown_once_lets_in_and_is_revoked(bench) -> None:
    async with bench.asking(ADMIN) as api:
        made = await api.post("/tokens", TOKEN)
        again = await api.post("/tokens", TOKEN)
        assert (made.status_code, again.status_code, again.json()["token"]) == (201, 201, None)
        assert made.json()["token"] not in repr(bench.answers.kept)
        bearer = {"Authorization": f"Bearer {made.json()['token']}"}
        assert (await api.get("/me", headers=bearer)).json()["actor"] == "token:ci"
        assert made.json()["id"] in [token["id"] for token in (await api.get("/tokens")).json()["items"]]
        path = f"/tokens/{made.json()['id']}/revocation"
        assert (await api.post(path, {"reason": WHY}, key="r1")).json()["revoked_by"] == "admin"
        assert is_problem(await api.get("/me", headers=bearer), 401, "unknown-caller")


async def test_tokens_come_in_pages(bench) -> None:
    async with bench.asking(ADMIN) as api:
        for number in (1, 2):
            await api.post("/tokens", {**TOKEN, "name": f"ci {number}"}, key=f"k{number}")
        first = (await api.get("/tokens?limit=2")).json()
        rest = (await api.get("/tokens", params={"limit": 2, "cursor": first["next_cursor"]})).json()
        assert len({token["id"] for token in (*first["items"], *rest["items"])}) == 3


async def test_a_name_that_a_good_token_has_is_told_with_its_place(bench) -> None:
    async with bench.asking(ADMIN) as api:
        await api.post("/tokens", TOKEN, key="k1")
        found = await api.post("/tokens", TOKEN, key="k2")
        assert is_problem(found, 422, "invalid")
        assert found.json()["errors"][0]["pointer"] == "/name"


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"role": "king"}, {"granted": ["fly"]}, {"days": 0}, {"reason": "short"}]
)
async def test_a_wrong_token_is_told_with_its_place(bench, wrong) -> None:
    async with bench.asking(ADMIN) as api:
        found = await api.post("/tokens", {**TOKEN, **wrong})
        assert is_problem(found, 422, "invalid")
        assert found.json()["errors"][0]["pointer"].startswith(f"/{next(iter(wrong))}")
