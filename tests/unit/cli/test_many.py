"""One operation on many executions by command line: counted, confirmed by what was counted, followed to its end."""

import io
from typing import Any

import pytest

from orchestrator.cli import bulks, many
from orchestrator.cli.exits import CONFLICT, DENIED, OK, TIMEOUT, USAGE
from orchestrator.service.access import Role
from orchestrator.service.live import linked_id
from tests.cli_kit import FakeDesk, caller_of, saga
from tests.service_kit import run_all
from tests.table_kit import in_status

WHY = ("--reason", "the agency is back")
STUCK = ("--all", "--status", "stuck")


@pytest.fixture
def desk() -> FakeDesk:
    """Three trips that are stuck."""
    made = FakeDesk()
    for number in (1, 2, 3):
        hand = made.bench.stuck(f"t{number}")
        made.bench.ledger.keep_open(hand)
        hand.answers.clear()
    return made


@pytest.fixture
def worked(monkeypatch, desk) -> None:
    """A worker goes on with bulks whenever a command looks how far one is."""
    look = bulks.follow

    async def follow(caller, kept, bulk_id, *given, **more):
        await run_all(desk.bench.running)
        return await look(caller, kept, bulk_id, *given, **more)

    monkeypatch.setattr(many, "follow", follow)


def token(desk, *more) -> Any:
    return saga(desk, "retry", *STUCK, *more, "--dry-run", "--json").document["token"]


def test_a_dry_run_counts_and_begins_nothing(desk) -> None:
    found = saga(desk, "retry", *STUCK, "--dry-run", "--json").document
    assert (found["operation"], found["count"]) == ("retry", 3)
    assert found["first_ids"] == ["trip:t1", "trip:t2", "trip:t3"]
    told = saga(desk, "retry", *STUCK, "--dry-run").out
    assert "retry of 3 executions" in told
    assert f"--confirm {found['token']}" in told
    assert desk.bench.bulks.bulks == {}


def test_what_was_counted_is_confirmed_by_its_token_and_done(desk, worked) -> None:
    found = saga(desk, "retry", *STUCK, "--confirm", token(desk), *WHY, "--wait", "--json").document
    assert (found["state"], found["done"], found["total"]) == ("completed", 3, 3)
    assert {hand.execution.word for hand in desk.bench.live.runs.values()} == {"Compensated"}
    assert desk.bench.results[0] == ("bulk begin retry", "accepted")


def test_another_selection_than_was_counted_is_a_conflict(desk) -> None:
    seen = token(desk)
    desk.bench.ledger.keep_open(desk.bench.stuck("t4"))
    ended = saga(desk, "retry", *STUCK, "--confirm", seen, *WHY, "--json")
    assert (ended.status, ended.out) == (CONFLICT, "")
    assert "selects other executions now (4)" in ended.err


def test_filters_narrow_it(desk) -> None:
    assert saga(desk, "retry", *STUCK, "--failed-step", "book_hotel", "--dry-run", "--json").document["count"] == 0
    assert saga(desk, "retry", *STUCK, "--failed-step", "book_flight", "--dry-run", "--json").document["count"] == 3
    assert saga(desk, "retry", *STUCK, "--saga", "order", "--dry-run", "--json").document["count"] == 0


def test_the_throttle_is_that_of_the_bulk(desk) -> None:
    begun = saga(desk, "retry", *STUCK, "--confirm", token(desk), *WHY, "--rate", "2.5", "--json").document
    assert (begun["rate"], begun["state"], begun["waiting"]) == (2.5, "running", 3)


@pytest.mark.parametrize("word", ["compensate", "suspend", "resume", "abandon", "release"])
def test_every_operation_that_needs_no_words_of_its_own_can_be_for_many(desk, worked, word) -> None:
    found = saga(desk, word, *STUCK, "--yes", *WHY, "--wait", "--json")
    assert found.status == OK
    assert (found.document["operation"], found.document["total"]) == (word, 3)


def test_many_are_undone_each_by_its_own_plan_and_never_past_the_pivot(desk, worked) -> None:
    desk.bench = FakeDesk().bench
    in_status(desk.bench, "running", "t1")
    desk.bench.completed("t2")
    for hand in desk.bench.live.runs.values():
        desk.bench.ledger.keep(hand)
    given = ("--all", "--status", "running", "--status", "completed", "--yes", *WHY, "--wait", "--json")
    found = saga(desk, "compensate", *given).document
    undone, stays = saga(desk, "bulks", "show", found["id"], "--json").document["items"]
    assert (undone["execution_id"], undone["state"]) == ("trip:t1", "done")
    assert desk.bench.live.runs["trip:t1"].execution.word == "Compensated"
    assert (stays["execution_id"], stays["state"]) == ("trip:t2", "skipped")
    assert "past the point of no return" in stays["text"]


def test_with_the_override_many_are_undone_past_the_pivot_too(desk, worked) -> None:
    desk.bench = FakeDesk().bench
    desk.bench.ledger.keep(desk.bench.completed("t2"))
    those = ("compensate", "--all", "--status", "completed", "--override")
    seen = saga(desk, *those, "--dry-run", "--json").document
    assert saga(desk, *those[:-1], "--confirm", seen["token"], *WHY).status == CONFLICT
    found = saga(desk, *those, "--confirm", seen["token"], *WHY, "--wait", "--json").document
    assert (found["state"], found["done"], found["override"]) == ("completed", 1, True)
    assert desk.bench.live.runs[linked_id("trip:t2")].execution.word == "Compensated"


def test_cancelling_many(desk, worked) -> None:
    desk.bench = FakeDesk().bench
    desk.bench.ledger.keep_open(desk.bench.run("t1"))
    ended = saga(desk, "cancel", "--all", "--status", "running", "--yes", *WHY, "--wait", "--json")
    assert (ended.status, ended.document["done"]) == (OK, 1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("retry", "--all", *WHY), "--status which"),
        (("retry", "trip:t1", *STUCK, *WHY), "an execution's id for one"),
        (("retry", *STUCK, "--input", "{}", *WHY), "--input for one"),
        (("compensate", *STUCK, "--plan", "12345678", *WHY), "--plan for one"),
        (("release", *STUCK, "--event-type", "x", *WHY), "--event-type for one"),
        (("retry", *WHY), "name an execution"),
        (("cancel", "trip:t1", "--status", "stuck", *WHY), "with --all"),
        (("retry", *STUCK, "--yes"), "--reason"),
        (("retry", *STUCK, *WHY), "--confirm TOKEN"),
        (("retry", *STUCK, *WHY, "--yes", "--revision", "3"), "--revision is for one"),
    ],
)
def test_what_is_not_clear_is_wrong_usage_and_says_why(desk, given, said) -> None:
    ended = saga(desk, *given)
    assert ended.status == USAGE
    assert said in " ".join(ended.err.replace("│", " ").split())
    assert desk.bench.bulks.bulks == {}


@pytest.mark.parametrize(("typed", "is_begun"), [("3", True), ("2", False)])
def test_where_somebody_can_be_asked_the_number_is_typed(desk, monkeypatch, typed, is_begun) -> None:
    monkeypatch.setattr(many, "may_ask", lambda manner: not manner.yes)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
    ended = saga(desk, "retry", *STUCK, *WHY)
    assert bool(desk.bench.bulks.bulks) is is_begun
    assert (ended.status == OK) is is_begun
    assert "retry of 3 executions" in ended.out


def test_waiting_ends_when_the_time_is_up(desk) -> None:
    ended = saga(desk, "retry", *STUCK, "--yes", *WHY, "--wait", "--timeout", "0.1", "--json")
    assert (ended.status, ended.document["state"]) == (TIMEOUT, "running")


def test_who_may_not_is_denied(desk) -> None:
    desk.caller = caller_of(Role.VIEWER)
    assert saga(desk, "retry", *STUCK, "--dry-run").status == DENIED
    assert saga(desk, "retry", *STUCK, "--yes", *WHY).status == DENIED
    assert desk.bench.bulks.bulks == {}
