"""`saga list` and `saga messages`: from the ledger alone, in pages, with a stable document."""

import pytest

from orchestrator.cli.exits import NOT_FOUND, OK, USAGE
from orchestrator.service.records import Freshness, MessageRecord, milliseconds
from tests.cli_kit import FakeDesk, saga
from tests.service_kit import NOW


@pytest.fixture
def desk() -> FakeDesk:
    """Four trips in the ledger, and a Temporal that is away."""
    made = FakeDesk()
    bench, at = made.bench, milliseconds(NOW)
    bench.ledger.keep_open(bench.stuck("t1"), changed_ms=at - 1_000, correlation_id="thread")
    bench.ledger.keep_open(bench.parked("t2"), changed_ms=at - 120_000)
    bench.ledger.keep(bench.completed("t3"), changed_ms=at - 7_200_000)
    bench.ledger.keep(bench.run("t4"), changed_ms=at - 200_000_000, gone="terminated")
    bench.live.away = True
    return made


def ids(document) -> list[str]:
    return [item["id"].partition(":")[2] for item in document["items"]]


def test_what_goes_on_or_needs_a_person_is_listed_and_what_has_ended_well_is_not(desk) -> None:
    assert ids(saga(desk, "list", "--json").document) == ["t1", "t2", "t4"]
    assert ids(saga(desk, "list", "--all", "--json").document) == ["t1", "t2", "t3", "t4"]


def test_statuses_are_the_words_of_lists_and_may_be_several(desk) -> None:
    assert ids(saga(desk, "list", "--status", "stuck", "--json").document) == ["t1"]
    assert ids(saga(desk, "list", "--status", "completed", "--status", "stuck", "--json").document) == ["t1", "t3"]
    ended = saga(desk, "list", "--status", "broken")
    assert ended.status == USAGE
    assert "running, suspended, parked" in ended.err


def test_a_line_of_the_document_has_what_scripts_read(desk) -> None:
    (item,) = saga(desk, "list", "--status", "stuck", "--limit", "1", "--json").document["items"]
    assert {"id", "saga", "version", "status", "correlation_id", "business_key", "failed_step", "error"} <= set(item)
    assert (item["id"], item["saga"], item["status"], item["correlation_id"]) == ("trip:t1", "trip", "stuck", "thread")


def test_pages_follow_one_another_by_their_cursors(desk) -> None:
    first = saga(desk, "list", "--limit", "2", "--json").document
    assert ids(first) == ["t1", "t2"]
    rest = saga(desk, "list", "--limit", "2", "--cursor", first["next_cursor"], "--json").document
    assert (ids(rest), rest["next_cursor"]) == (["t4"], None)
    assert f"--cursor {first['next_cursor']}\n" in saga(desk, "list", "--limit", "2", columns=40).out


@pytest.mark.parametrize("cursor", ["nonsense", "", "W10"])
def test_a_cursor_that_is_none_is_wrong_usage(desk, cursor) -> None:
    assert saga(desk, "list", "--cursor", cursor).status == (USAGE if cursor else OK)


def test_a_cursor_of_another_filter_is_refused(desk) -> None:
    cursor = saga(desk, "list", "--limit", "1", "--json").document["next_cursor"]
    ended = saga(desk, "list", "--status", "parked", "--cursor", cursor)
    assert ended.status == USAGE
    assert "another filter" in ended.err


def test_the_table_says_what_is_wrong_since_when_and_as_of_when(desk) -> None:
    lines = saga(desk, "list").out.splitlines()
    assert lines[0].split() == ["execution", "status", "step", "since", "said"]
    assert lines[1].split()[:5] == ["trip:t1", "stuck", "book_flight", "1", "s"]
    assert "undo book_flight says no" in lines[1]
    assert [line.split()[1] for line in lines[1:4]] == ["stuck", "parked", "terminated"]
    assert lines[-1] == "as of 2026-01-01 00:00:00 UTC"


def test_a_stale_ledger_says_so(desk) -> None:
    desk.bench.ledger.fresh = Freshness(stale_since=NOW, reconciled=None)
    assert "later changes may be missing" in saga(desk, "list").out
    assert saga(desk, "list", "--json").document["stale"] is True


def test_nothing_is_said_to_be_nothing(desk) -> None:
    assert saga(desk, "list", "--saga", "order").out.startswith("no executions")


def letter(number: int, **more) -> MessageRecord:
    given = {"execution_id": "trip:t1", "message_id": f"m:{number}", "direction": "out", "kind": "command"}
    return MessageRecord(**{**given, "type": "book", "at_ms": number, "size": 6, "body": b"secret", **more})


def test_messages_come_newest_first_in_pages_and_say_their_bodies_only_if_asked(desk) -> None:
    sent = (letter(1), letter(2, step="book_flight", call="do", attempt=1), letter(3))
    desk.bench.ledger.letters = {"trip:t1": sent}
    first = saga(desk, "messages", "trip:t1", "--limit", "2", "--json").document
    assert [item["message_id"] for item in first["items"]] == ["m:3", "m:2"]
    assert "body" not in first["items"][0]
    rest = saga(desk, "messages", "trip:t1", "--cursor", first["next_cursor"], "--bodies", "--json").document
    assert [(item["message_id"], item["body"]) for item in rest["items"]] == [("m:1", "secret")]
    assert rest["next_cursor"] is None
    assert f"--cursor {first['next_cursor']}\n" in saga(desk, "messages", "trip:t1", "--limit", "2", columns=10).out
    assert "secret" not in saga(desk, "messages", "trip:t1").out
    assert "secret" in saga(desk, "messages", "trip:t1", "--bodies").out


def test_messages_of_nobody_are_not_found_and_a_wrong_cursor_is_wrong_usage(desk) -> None:
    assert saga(desk, "messages", "trip:nobody").status == NOT_FOUND
    assert saga(desk, "messages", "trip:t1", "--cursor", "x").status == USAGE
    assert saga(desk, "messages", "trip:t1", "--cursor", "7:by:m").status == USAGE
