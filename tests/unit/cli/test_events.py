import json

import pytest

from orchestrator.cli.exits import DENIED
from orchestrator.service.access import Permission, Role
from tests.cli_kit import FakeDesk, caller_of, saga
from tests.event_kit import stored


@pytest.fixture
async def desk():
    made = FakeDesk()
    await made.events_kept.append(
        [
            stored(1, kind="event", way="in", type="order.placed", execution_id="", step="", call=""),
            stored(2, body=b'{"amount": 7}'),
            stored(3, kind="reply", way="in", type="payments.charged", outcome="completed"),
            stored(4, correlation_id="c2", source="/bank", sequence="1"),
            stored(7, correlation_id="c2", source="/bank", sequence="4"),
        ]
    )
    return made


def ids(ended):
    return [one["message_id"] for one in ended.document["items"]]


def test_the_newest_come_first_and_those_of_a_case_in_their_order(desk):
    assert ids(saga(desk, "events", "--json")) == ["m7", "m4", "m3", "m2", "m1"]
    assert ids(saga(desk, "events", "--correlation", "c1", "--json")) == ["m1", "m2", "m3"]
    assert ids(saga(desk, "events", "--execution", "shop:1", "--type", "payments.charged", "--json")) == ["m3"]
    assert ids(saga(desk, "events", "--source", "/bank", "--since", "2023-11-14T22:13:20", "--json")) == ["m7", "m4"]


def test_a_page_says_where_the_next_one_begins(desk):
    first = saga(desk, "events", "--limit", "2", "--json")
    second = saga(desk, "events", "--limit", "3", "--cursor", str(first.document["next_cursor"]), "--json")
    assert ids(second) == ["m3", "m2", "m1"]
    assert second.document["next_cursor"] is None
    told = saga(desk, "events", "--limit", "2", columns=10).out
    assert f"there are more: --cursor {first.document['next_cursor']}\n" in told


def test_a_table_says_way_type_owner_step_and_outcome(desk):
    shown = saga(desk, "events", "--correlation", "c1").out.splitlines()
    assert shown[2].split() == ["2023-11-14", "22:13:20", "out", "payments.charge", "shop:1", "charge", "do", "1"]
    assert shown[3].split()[-1] == "completed"
    assert saga(desk, "events", "--correlation", "nobody").out == "no messages\n"


def test_bodies_are_shown_when_they_are_asked_for(desk):
    line = saga(desk, "events", "--type", "payments.charge", "--correlation", "c1", "--bodies", "--json").document
    assert line["items"][0]["body"] == {"amount": 7}
    assert "body" not in saga(desk, "events", "--json").document["items"][0]
    assert '{"amount": 7}' in saga(desk, "events", "--correlation", "c1", "--bodies").out


def test_all_of_them_are_written_one_a_line(desk, tmp_path):
    ended = saga(desk, "events", "--output", str(tmp_path / "all.ndjson"), "--bodies")
    lines = [json.loads(line) for line in (tmp_path / "all.ndjson").read_text().splitlines()]
    assert [line["message_id"] for line in lines] == ["m1", "m2", "m3", "m4", "m7"]
    assert (ended.err, ended.out) == ("5 messages\n", "")
    assert saga(desk, "events", "--output", str(tmp_path / "no" / "all")).status == 2


def test_what_is_missing_is_told(desk):
    (gap,) = saga(desk, "events", "gaps", "--json").document["items"]
    assert (gap["source"], gap["first"], gap["last"], gap["missing"]) == ("/bank", 2, 3, 2)
    assert saga(desk, "events", "gaps").out.splitlines()[1].split()[:4] == ["/bank", "2", "2", "3"]
    assert saga(desk, "events", "gaps", "--source", "/shop").out == "no gaps\n"


def test_payloads_are_a_right_of_their_own(desk):
    desk.caller = caller_of(Role.VIEWER)
    assert len(ids(saga(desk, "events", "--json"))) == 5
    ended = saga(desk, "events", "--bodies")
    assert ended.status == DENIED
    assert Permission.PAYLOAD.value in ended.err


def test_who_is_limited_to_some_sagas_sees_no_others_messages(desk):
    desk.caller = caller_of(Role.VIEWER).__class__(actor="ben", role=Role.VIEWER, sagas=frozenset({"bank"}))
    assert saga(desk, "events", "--json").document["items"] == []
    assert saga(desk, "events", "--execution", "shop:1").status == DENIED
