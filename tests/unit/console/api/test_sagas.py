"""Sagas and starting them, by the API."""

import base64
import hashlib
import json
import re
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from orchestrator.service.access import Caller, Role
from tests.api_kit import ROLES, ApiBench, is_problem
from tests.service_kit import WHY

OPERATOR, VIEWER = ROLES[Role.OPERATOR], ROLES[Role.VIEWER]
START = {"saga": "trip", "input": {"trip": "x1"}, "reason": WHY}


@pytest.fixture
def bench() -> ApiBench:
    return ApiBench()


async def test_sagas_are_shown_with_their_flow_contracts_and_executions_in_flight(bench) -> None:
    bench.ledger.keep_open(bench.stuck())
    async with bench.asking(ROLES[Role.VIEWER]) as api:
        (line,) = (await api.get("/sagas")).json()["items"]
        assert (line["name"], line["version"], line["starts_on"], line["in_flight"]) == ("trip", 1, "trip.ordered", 1)
        whole = (await api.get("/sagas/trip")).json()
        assert whole == (await api.get("/sagas/trip/versions/1")).json()
        assert set(whole["events"]) == {"trip.ordered", "trip.approved", "trip.confirmed"}
        assert whole["events"]["trip.ordered"]["required"] == ["trip"]
        assert whole["plan"]["root"]["kind"] == "sequence"
        for path in (
            "/sagas/other",
            "/sagas/trip/versions/2",
            "/sagas/trip/versions/x",
            "/sagas/trip/versions/" + "9" * 30,
        ):
            assert is_problem(await api.get(path), 404, "not-found")
    async with bench.asking(Caller(actor="zoe", role=Role.ADMIN, sagas=frozenset({"order"}))) as api:
        assert (await api.get("/sagas")).json() == {"items": []}
        assert is_problem(await api.get("/sagas/trip"), 403, "denied")
        missing = [await api.get("/sagas/order"), await api.post("/executions", {**START, "saga": "order"})]
        assert [(one.status_code, "trip" in one.json()["detail"]) for one in missing] == [(404, False)] * 2


async def test_sagas_and_executions_are_given_as_pictures_that_need_nothing_else(bench) -> None:
    bench.ledger.keep_open(bench.stuck())
    async with bench.asking(VIEWER) as api:
        for path in ("/sagas/trip/diagram.svg", "/sagas/trip/diagram.svg?version=1", "/executions/trip:t1/diagram.svg"):
            found = await api.get(path)
            assert (found.status_code, found.headers["content-type"].partition(";")[0]) == (200, "image/svg+xml")
            assert ET.fromstring(found.text).tag == "{http://www.w3.org/2000/svg}svg"
            style = re.search(r"<style>(.*?)</style>", found.text, re.DOTALL)
            assert style is not None
            digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
            assert f"style-src 'sha256-{digest}'" in found.headers["content-security-policy"]
        assert "stuck" in (await api.get("/executions/trip:t1/diagram.svg")).text
        assert is_problem(await api.get("/sagas/nothing/diagram.svg"), 404, "not-found")
        assert is_problem(await api.get("/sagas/trip/diagram.svg?version=9"), 404, "not-found")
        assert is_problem(await api.get("/executions/trip:t9/diagram.svg"), 404, "not-found")
    async with bench.asking(Caller(actor="zoe", role=Role.VIEWER, sagas=frozenset({"order"}))) as api:
        for path in ("/sagas/trip/diagram.svg", "/executions/trip:t1/diagram.svg"):
            assert is_problem(await api.get(path), 403, "denied")


async def test_messages_are_given_as_asyncapi_and_json_schema_of_what_the_caller_may_see(bench) -> None:
    async with bench.asking(VIEWER) as api:
        described = (await api.get("/asyncapi.json")).json()
        schemas = (await api.get("/messages.schema.json")).json()
        assert described["asyncapi"].startswith("3.")
        assert "trip.ordered" in json.dumps(described)
        assert "trip.ordered" in json.dumps(schemas)
    async with bench.asking(Caller(actor="zoe", role=Role.VIEWER, sagas=frozenset({"order"}))) as api:
        for path in ("/asyncapi.json", "/messages.schema.json"):
            assert "trip" not in json.dumps((await api.get(path)).json()).replace("strip", "")


async def test_a_saga_is_started_once_per_key_and_then_queried(bench) -> None:
    async with bench.asking(OPERATOR) as api:
        made = await api.post("/executions", START)
        again = await api.post("/executions", START)
        assert (made.status_code, made.json()["id"], made.json()["is_new"]) == (201, "trip:x1", True)
        assert again.content == made.content
        assert (await api.http.get(made.headers["location"])).json()["id"] == "trip:x1"
        assert bench.results == [("start", "accepted")]


async def test_an_execution_that_another_event_started_is_not_started_again(bench) -> None:
    async with bench.asking(OPERATOR) as api:
        await api.post("/executions", START)
        assert is_problem(await api.post("/executions", START, key="k2"), 409, "refused")
    assert bench.results == [("start", "accepted"), ("start", "refused")]


async def test_its_end_can_be_awaited(bench) -> None:
    async with bench.asking(OPERATOR) as api:
        going = (await api.post("/executions", {**START, "wait_seconds": 2})).json()
        assert (going["has_ended"], going["execution"]) == (False, None)
        assert sum(bench.clock.slept, timedelta()) == timedelta(seconds=2)
        hand = bench.live.runs["trip:x1"]
        hand.arrives("trip.approved")
        hand.arrives("trip.confirmed")
        bench.ledger.keep(hand)
        bench.answers.kept.clear()
        ended = (await api.post("/executions", {**START, "wait_seconds": 2})).json()
        assert (ended["is_new"], ended["has_ended"], ended["execution"]["status"]) == (False, True, "completed")


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"input": {}}, "/input"),
        ({"input": {"trip": ""}}, "/input"),
        ({"input": None}, "/input"),
        ({"reason": "short"}, "/reason"),
        ({"wait_seconds": 61}, "/wait_seconds"),
    ],
)
async def test_a_wrong_start_is_told_with_its_place(bench, wrong, pointer) -> None:
    async with bench.asking(OPERATOR) as api:
        found = await api.post("/executions", {**START, **wrong})
        assert is_problem(found, 422, "invalid")
        assert found.json()["errors"][0]["pointer"] == pointer
    assert bench.live.runs == {}


async def test_those_who_may_not_start_do_not(bench) -> None:
    async with bench.asking(ROLES[Role.VIEWER]) as api:
        assert is_problem(await api.post("/executions", START), 403, "denied")
    async with bench.asking(OPERATOR) as api:
        assert is_problem(await api.post("/executions", {**START, "saga": "other"}), 404, "not-found")
    assert bench.live.runs == {}


async def test_starts_that_are_held_are_refused_and_begin_once_they_may(bench) -> None:
    async with bench.asking(ROLES[Role.ADMIN]) as api:
        hold = {"kind": "starts", "name": "trip", "held": True, "reason": WHY}
        await api.post("/switches", hold, key="h1")
        found = await api.post("/executions", START)
        assert is_problem(found, 409, "refused")
        assert "held by admin" in found.json()["detail"]
        await api.post("/switches", {**hold, "held": False}, key="h2")
        assert (await api.post("/executions", START)).status_code == 201


async def test_with_temporal_away_nothing_is_started_and_the_same_call_may_come_again(bench) -> None:
    async with bench.asking(OPERATOR) as api:
        bench.live.away = True
        assert is_problem(await api.post("/executions", START), 503, "unavailable")
        bench.live.away = False
        assert (await api.post("/executions", START)).json()["is_new"]
