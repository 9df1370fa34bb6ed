"""The event store by the API."""

import json
from dataclasses import replace

import pytest

from orchestrator.service.access import Caller, Permission, Role
from tests.api_kit import ApiBench, is_problem
from tests.event_kit import stored

VIEWER = Caller(actor="ann", role=Role.VIEWER)


@pytest.fixture
async def bench():
    made = ApiBench()
    await made.messages.append(
        [
            stored(1, kind="event", way="in", type="order.placed", body=b"no json"),
            stored(2, body=b'{"amount": 7}'),
            stored(3, correlation_id="c2", sequence="1"),
            stored(4, correlation_id="c2", sequence="4"),
        ]
    )
    return made


def ids(answer):
    return [one["message_id"] for one in answer.json()["items"]]


async def test_messages_are_read_in_pages_and_by_case_type_and_time(bench) -> None:
    async with bench.asking(VIEWER) as api:
        first = await api.get("/messages?limit=3")
        assert ids(first) == ["m1", "m2", "m3"]
        rest = await api.get("/messages", params={"limit": 3, "cursor": first.json()["next_cursor"]})
        assert (ids(rest), rest.json()["next_cursor"]) == (["m4"], None)
        assert ids(await api.get("/messages?correlation_id=c2")) == ["m3", "m4"]
        assert ids(await api.get("/messages?execution_id=shop:1&type=order.placed")) == ["m1"]
        assert ids(await api.get("/messages?since=2023-11-14T22:13:20.003Z&until=2023-11-14T22:13:20.004Z")) == ["m3"]
        other = {"cursor": first.json()["next_cursor"], "limit": 3, "source": "/shop"}
        assert is_problem(await api.get("/messages", params=other), 400, "cursor-mismatch")


@pytest.mark.parametrize("number", ["0", "1700000000", "-1.5", "1e9"])
@pytest.mark.parametrize("path", ["/messages?since=", "/messages/export?until=", "/executions?changed_after="])
async def test_a_number_is_no_time(bench, path, number) -> None:
    async with bench.asking(VIEWER) as api:
        assert (await api.get(path + number)).status_code in (400, 422)


@pytest.mark.parametrize("edge", ["0001-01-01T00:00Z", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("path", ["/messages?since=", "/executions?changed_before="])
async def test_a_time_at_the_edge_of_the_calendar_is_refused(bench, path, edge) -> None:
    async with bench.asking(VIEWER) as api:
        assert is_problem(await api.get(path + edge), 422, "invalid")


async def test_contents_are_a_right_of_their_own(bench) -> None:
    async with bench.asking(VIEWER) as api:
        assert (await api.get("/messages")).json()["items"][1]["body"] is None
        assert is_problem(await api.get("/messages?contents=true"), 403, "denied")
    async with bench.asking(Caller(actor="ben", role=Role.VIEWER, granted=frozenset({Permission.PAYLOAD}))) as api:
        one, two, *_ = (await api.get("/messages?contents=true")).json()["items"]
        assert (one["body"], two["body"]) == ("no json", {"amount": 7})
        assert two["headers"] == {"saga-step": "charge"}


async def test_one_message_is_read_by_its_number_and_its_body_is_a_file(bench) -> None:
    reader = Caller(actor="ben", role=Role.VIEWER, granted=frozenset({Permission.PAYLOAD}))
    async with bench.asking(VIEWER) as api:
        one = (await api.get("/messages/2")).json()
        assert (one["message_id"], one["headers"], one["body"]) == ("m2", None, None)
        assert is_problem(await api.get("/messages/2/body"), 403, "denied")
    async with bench.asking(reader) as api:
        one = (await api.get("/messages/2")).json()
        assert (one["headers"], one["body"]) == ({"saga-step": "charge"}, {"amount": 7})
        answer = await api.get("/messages/1/body")
        assert answer.content == b"no json"
        assert answer.headers["content-disposition"] == 'attachment; filename="m1.body"'
        assert is_problem(await api.get("/messages/9"), 404, "not-found")
        assert is_problem(await api.get("/messages/0"), 422, "invalid")
    async with bench.asking(Caller(actor="cy", role=Role.VIEWER, sagas=frozenset({"bank"}))) as api:
        assert is_problem(await api.get("/messages/2"), 404, "not-found")


async def test_what_is_missing_is_told(bench) -> None:
    async with bench.asking(VIEWER) as api:
        (gap,) = (await api.get("/messages/gaps")).json()["items"]
        assert (gap["source"], gap["first"], gap["last"], gap["missing"]) == ("/shop", 2, 3, 2)
        assert (await api.get("/messages/gaps?source=/other")).json() == {"items": []}
    async with bench.asking(replace(VIEWER, sagas=frozenset({"shop"}))) as api:
        assert is_problem(await api.get("/messages/gaps"), 403, "denied")


async def test_all_messages_of_a_filter_are_streamed_a_document_a_line(bench) -> None:
    await bench.messages.append([stored(number, correlation_id="many") for number in range(10, 500)])
    reader = Caller(actor="ben", role=Role.VIEWER, granted=frozenset({Permission.PAYLOAD}))
    async with bench.asking(reader) as api:
        answer = await api.get("/messages/export?correlation_id=many")
        assert answer.headers["content-type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert [one["message_id"] for one in lines] == [f"m{number}" for number in range(10, 500)]
        assert {one["body"] for one in lines} == {None}
        page = await api.get("/messages?execution_id=shop:1&contents=true&limit=200")
        whole = await api.get("/messages/export?execution_id=shop:1&contents=true")
        assert [json.loads(line) for line in whole.text.splitlines()][:200] == page.json()["items"]
        assert (await api.get("/messages/export?type=none")).text == ""


async def test_an_export_that_is_refused_is_a_problem_and_no_half_a_file(bench) -> None:
    async with bench.asking(VIEWER) as api:
        assert (await api.get("/messages/export")).status_code == 200
        assert is_problem(await api.get("/messages/export?contents=true"), 403, "denied")
    async with bench.asking(Caller(actor="cy", role=Role.VIEWER, sagas=frozenset({"bank"}))) as api:
        assert (await api.get("/messages/export")).text == ""
        assert is_problem(await api.get("/messages/export?execution_id=shop:1"), 403, "denied")


async def test_an_export_holds_a_few_bodies_at_a_time(bench) -> None:
    asked = []
    page = bench.messages.page

    async def counted(wanted, **more):
        asked.append(more["limit"])
        return await page(wanted, **more)

    bench.messages.page = counted
    reader = Caller(actor="ben", role=Role.VIEWER, granted=frozenset({Permission.PAYLOAD}))
    await bench.messages.append([stored(number) for number in range(10, 80)])
    async with bench.asking(reader) as api:
        await api.get("/messages/export?contents=true")
    assert len(asked) == 4
    assert max(asked) <= 21
