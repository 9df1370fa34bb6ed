"""Executions by the API: lists, one of them whole, and what is shown to whom."""

from typing import Any
from urllib.parse import quote

import pytest

from orchestrator.service.access import Caller, Role
from orchestrator.service.records import MessageRecord, milliseconds
from tests.api_kit import ROLES, ApiBench, is_problem
from tests.service_kit import NOW

ELSEWHERE = Caller(actor="zoe", role=Role.ADMIN, sagas=frozenset({"order"}))
VIEWER, ADMIN = ROLES[Role.VIEWER], ROLES[Role.ADMIN]
PARTS = ("", "/steps", "/attempts", "/journal", "/messages", "/related", "/plan", "/facts")


@pytest.fixture
def bench() -> ApiBench:
    """Three trips, and a Temporal that is away: reading needs none."""
    made = ApiBench()
    made.live.away = True
    made.ledger.keep_open(made.stuck("t1"), changed_ms=milliseconds(NOW) + 3)
    made.ledger.keep(made.completed("t2"), changed_ms=milliseconds(NOW) + 2, correlation_id="thread")
    made.ledger.keep_open(made.run("t/3"), changed_ms=milliseconds(NOW) + 1, correlation_id="thread")
    return made


async def test_a_list_comes_in_pages_by_signed_cursors(bench) -> None:
    async with bench.asking(VIEWER) as api:
        first = (await api.get("/executions?limit=2")).json()
        rest = (await api.get("/executions", params={"limit": 2, "cursor": first["next_cursor"]})).json()
        assert [line["id"] for line in (*first["items"], *rest["items"])] == ["trip:t1", "trip:t2", "trip:t/3"]
        assert rest["next_cursor"] is None
        assert first["as_of"] == {"moment": "2026-01-01T00:00:00Z", "is_stale": False, "reconciled": None}
        other = await api.get("/executions", params={"status": "stuck", "cursor": first["next_cursor"]})
        assert is_problem(other, 400, "cursor-mismatch")
        forged = await api.get("/executions", params={"cursor": first["next_cursor"][:-4] + "AAAA"})
        assert is_problem(forged, 400, "cursor-invalid")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=stuck&status=completed", ["trip:t1", "trip:t2"]),
        ("correlation_id=thread", ["trip:t2", "trip:t/3"]),
        ("q=t1", ["trip:t1"]),
        ("failed_step=book_flight&saga=trip", ["trip:t1"]),
        ("changed_after=2026-01-01T00:00:00.002Z", ["trip:t1"]),
        ("version=2", []),
    ],
)
async def test_filters_are_in_the_address(bench, query, expected) -> None:
    async with bench.asking(VIEWER) as api:
        assert [line["id"] for line in (await api.get(f"/executions?{query}")).json()["items"]] == expected
        assert (await api.get(f"/executions/count?{query}")).json() == {"count": len(expected), "capped": False}
        tally = (await api.get(f"/executions/tally?{query}")).json()
        assert sum(one["count"] for one in tally.values()) == len(expected)


@pytest.mark.parametrize(
    "query",
    [
        "status=broken",
        "limit=0",
        "limit=201",
        "version=-1",
        "version=99999999999",
        "page=2",
        "q=%00",
        "changed_after=x",
    ],
)
async def test_what_a_list_does_not_know_is_refused_with_its_place(bench, query) -> None:
    async with bench.asking(VIEWER) as api:
        found = await api.get(f"/executions?{query}")
        assert is_problem(found, 422, "invalid")
        assert found.json()["errors"][0]["pointer"].startswith(f"/query/{query.partition('=')[0]}")


async def test_callers_of_other_sagas_see_nothing_and_are_told_so(bench) -> None:
    async with bench.asking(ELSEWHERE) as api:
        assert (await api.get("/executions")).json()["items"] == []
        assert (await api.get("/executions/count")).json()["count"] == 0
        for part in PARTS:
            assert is_problem(await api.get(f"/executions/trip:t1{part}"), 403, "denied")


async def test_an_execution_is_shown_whole_with_what_may_be_done(bench) -> None:
    async with bench.asking(ROLES[Role.OPERATOR]) as api:
        found = await api.get("/executions/trip:t1")
        body = found.json()
        assert found.headers["etag"] == f'"v{body["revision"]}-stuck"'
        assert [step["phase"] for step in body["steps"]][:3] == ["done", "stuck", "undone"]
        assert body["abort"]["reason"] == "cancel"
        actions = {action["operation"]: action for action in body["actions"]}
        assert actions["retry"] == {"operation": "retry", "allowed": True, "why_not": ""}
        assert "it needs the permission saga:abandon" in actions["abandon"]["why_not"]


async def test_what_was_seen_is_not_sent_again(bench) -> None:
    async with bench.asking(VIEWER) as api:
        etag = (await api.get("/executions/trip:t1")).headers["etag"]
        same = await api.get("/executions/trip:t1", headers={"If-None-Match": etag})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
        assert (await api.get("/executions/trip:t1", headers={"If-None-Match": '"v1-stuck"'})).status_code == 200


async def test_an_id_may_hold_a_slash(bench) -> None:
    name = quote("trip:t/3", safe="")
    async with bench.asking(VIEWER) as api:
        assert (await api.get(f"/executions/{name}")).json()["id"] == "trip:t/3"
        assert (await api.get(f"/executions/{name}/steps")).status_code == 200
        assert is_problem(await api.get("/executions/trip:t/3"), 404, "not-found")


async def test_every_part_of_an_execution_can_be_read_while_temporal_is_away(bench) -> None:
    async with bench.asking(ADMIN) as api:
        for part in PARTS:
            assert (await api.get(f"/executions/trip:t1{part}")).status_code == 200, part
            assert is_problem(await api.get(f"/executions/trip:t9{part}"), 404, "not-found")
        attempts = (await api.get("/executions/trip:t1/attempts")).json()
        assert [one["end"] for one in attempts if one["step"] == FLIGHT] == ["ok", "rejected"]
        related = (await api.get("/executions/trip:t2/related?limit=1")).json()
        assert [line["id"] for line in related["items"]] == ["trip:t2"]
        assert related["next_cursor"]


FLIGHT = "book_flight"


async def test_payloads_are_shown_to_those_with_the_right_alone(bench) -> None:
    bench.ledger.letters["trip:t1"] = tuple(
        MessageRecord(
            execution_id="trip:t1",
            message_id=f"m{number}",
            direction="out",
            kind="command",
            type="book",
            at_ms=number,
            body=body,
        )
        for number, body in enumerate((b'{"card": "secret"}', b"\xff secret"))
    )
    async with bench.asking(ROLES[Role.OPERATOR]) as api:
        for part in PARTS[:-1]:
            assert "secret" not in (await api.get(f"/executions/trip:t1{part}")).text
        assert is_problem(await api.get("/executions/trip:t1/facts"), 403, "denied")
    async with bench.asking(ADMIN) as api:
        first = (await api.get("/executions/trip:t1/messages?limit=1&contents=true")).json()
        asked = {"cursor": first["next_cursor"], "contents": True}
        rest = await api.get("/executions/trip:t1/messages", params=asked)
        assert first["items"][0]["body"] == "\ufffd secret"
        assert rest.json()["items"][0]["body"] == {"card": "secret"}
        assert "secret" not in (await api.get("/executions/trip:t1/messages")).text, "only if they are asked for"
        assert (await api.get("/executions/trip:t1/facts")).json()["facts"] == {"trip_ordered": {"trip": "t1"}}


async def test_one_message_is_read_by_itself_and_its_body_is_a_file(bench) -> None:
    given: dict[str, Any] = {"execution_id": "trip:t1", "kind": "event", "type": "booked", "at_ms": 7}
    there, back, lost = "trip/1 \u2192", b"\xff\x00 secret", f"{'x' * 200}"
    bench.ledger.letters["trip:t1"] = (
        MessageRecord(message_id=there, direction="out", body=back, **given),
        MessageRecord(message_id=there, direction="in", body=b"{}", **given),
        MessageRecord(message_id=lost, direction="in", **given),
    )
    path = f"/executions/trip:t1/messages/out/{quote(there, safe='')}"
    async with bench.asking(ROLES[Role.OPERATOR]) as api:
        assert (await api.get(path)).json()["body"] is None
        assert is_problem(await api.get(f"{path}/body"), 403, "denied")
    async with bench.asking(ADMIN) as api:
        assert (await api.get(path)).json()["body"] == "\ufffd\x00 secret"
        answer = await api.get(f"{path}/body")
        assert answer.content == back
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"] == 'attachment; filename="trip_1__.body"'
        assert (await api.get(path.replace("/out/", "/in/"))).json()["body"] == {}
        assert is_problem(await api.get(f"{path}x"), 404, "not-found")
        assert is_problem(await api.get(path.replace("/out/", "/by/")), 422, "invalid")
        assert is_problem(await api.get(f"/executions/trip:t1/messages/in/{lost}/body"), 404, "not-found")


async def test_with_the_ledger_away_nothing_is_claimed(bench) -> None:
    async with bench.asking(VIEWER) as api:
        bench.ledger.away = True
        assert is_problem(await api.get("/executions"), 503, "unavailable")
        assert is_problem(await api.get("/executions/trip:t1"), 503, "unavailable")
