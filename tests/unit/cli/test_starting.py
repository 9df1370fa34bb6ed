"""`saga start`: once per key, checked against its contract, waited for."""

import json

import pytest

from orchestrator.cli.exits import CONFLICT, DENIED, ERROR, NOT_FOUND, OK, TIMEOUT, USAGE
from orchestrator.service.access import Role
from tests.cli_kit import FakeDesk, caller_of, saga

WHY = ("--reason", "asked by telephone")


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def trip_file(tmp_path) -> str:
    file = tmp_path / "trip.json"
    file.write_text('{"trip": "t9"}')
    return str(file)


def test_it_is_started_once_per_key(desk, trip_file) -> None:
    command = ("start", "trip", trip_file, *WHY, "--key", "k1", "--json")
    first = saga(desk, *command).document
    assert first == {"id": "trip:t9", "is_new": True, "has_ended": False, "execution": None}
    assert saga(desk, *command).document["is_new"] is False
    assert saga(desk, "start", "trip", trip_file, *WHY, "--key", "k2").status == CONFLICT
    assert desk.bench.results == [("start", "accepted"), ("start", "accepted"), ("start", "refused")]


def test_the_code_is_where_it_is_said_to_be(desk, trip_file) -> None:
    saga(desk, "start", "trip", trip_file, *WHY, "--sagas", "trips:SAGAS")
    assert desk.asked == ["trips:SAGAS"]


def test_its_end_is_waited_for_as_long_as_is_said(desk, trip_file) -> None:
    ended = saga(desk, "start", "trip", trip_file, *WHY, "--key", "k1", "--wait", "--timeout", "0.3", "--json")
    assert (ended.status, ended.err, json.loads(ended.out)["has_ended"]) == (TIMEOUT, "", False)
    told = saga(desk, "start", "trip", trip_file, *WHY, "--key", "k1", "--wait", "--timeout", "0.3").err
    assert "`saga watch trip:t9` follows it" in told


def test_a_file_of_an_editor_that_begins_with_a_byte_order_mark_is_read(desk, tmp_path) -> None:
    file = tmp_path / "marked.json"
    file.write_bytes(b'\xef\xbb\xbf{"trip": "t9"}')
    assert saga(desk, "start", "trip", str(file), *WHY).status == OK


def test_the_end_is_told(desk, trip_file) -> None:
    command = ("start", "trip", trip_file, *WHY, "--key", "k1", "--wait", "--timeout", "1")
    saga(desk, "start", "trip", trip_file, *WHY, "--key", "k1")
    hand = desk.bench.live.runs["trip:t9"]
    hand.arrives("trip.approved")
    hand.arrives("trip.confirmed")
    desk.bench.ledger.keep(hand)
    document = saga(desk, *command, "--json").document
    assert (document["has_ended"], document["execution"]["status"]) == (True, "completed")
    assert "was started before by the same request: completed" in saga(desk, *command).out


def test_what_does_not_fit_is_told_with_its_place(desk, tmp_path) -> None:
    file = tmp_path / "wrong.json"
    for text, told in (
        ('{"trip": 7}', "/input"),
        ("{", "it is not acceptable JSON"),
        ("", "it is empty"),
        ('{"trip": "t9", "nights": 1e999}', "it has a number too large for a double"),
    ):
        file.write_text(text)
        ended = saga(desk, "start", "trip", str(file), *WHY)
        assert (ended.status, ended.out) == (USAGE, "")
        assert told in ended.err


def test_nobody_knows_the_saga_or_nobody_lets_him(desk, trip_file) -> None:
    assert saga(desk, "start", "voyage", trip_file, *WHY).status == NOT_FOUND
    desk.caller = caller_of(Role.VIEWER)
    assert saga(desk, "start", "trip", trip_file, *WHY).status == DENIED


def test_temporal_away_is_told(desk, trip_file) -> None:
    desk.bench.live.away = True
    ended = saga(desk, "start", "trip", trip_file, *WHY)
    assert (ended.status, ended.out) == (ERROR, "")
