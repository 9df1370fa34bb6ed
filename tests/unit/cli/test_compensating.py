"""`saga compensate`: the plan first, then its confirmation."""

import pytest

from orchestrator.cli.exits import CONFLICT, OK, USAGE
from tests.cli_kit import FakeDesk, saga
from tests.service_kit import ADMIN
from tests.trip_kit import command

TRIP = "trip:t1"
WHY = ("--reason", "decided by hand")


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk(caller=ADMIN)


def planned(desk, *more):
    return saga(desk, "compensate", TRIP, "--dry-run", "--json", *more).document


def test_the_plan_names_steps_order_inputs_and_what_stays(desk) -> None:
    desk.bench.completed()
    plan = planned(desk)
    assert plan["execution_id"] == TRIP
    assert [step["step"] for step in plan["steps"]] == ["take_money", "book_car", "book_flight", "book_hotel"]
    assert [step["wave"] for step in plan["steps"]] == [1, 2, 2, 3]
    assert plan["steps"][0]["inputs"] is not None
    assert {"step": "issue_ticket", "why": "it is the point of no return"} in plan["cannot_undo"]
    assert (plan["needs_override"], plan["as_of"]) == (True, None)
    assert desk.bench.results == []


def test_the_table_says_the_same(desk) -> None:
    desk.bench.completed()
    shown = saga(desk, "compensate", TRIP, "--dry-run").out
    assert "4 steps would be undone, in this order" in shown
    assert "stays: issue_ticket: it is the point of no return" in shown
    assert "needs --override" in shown
    assert planned(desk)["hash"] in shown


def test_a_plan_is_confirmed_by_its_hash_and_once(desk) -> None:
    desk.bench.completed()
    confirm = ("compensate", TRIP, "--override", "--plan", planned(desk)["hash"], *WHY, "--wait", "--json")
    first = saga(desk, *confirm).document
    assert (first["state"], first["text"]) == ("verified", "it ended: Compensated")
    assert saga(desk, *confirm).document["id"] == first["id"], "a second confirmation is the same operation"
    assert len(desk.bench.live.started) == 1


def test_a_part_is_undone_from_a_step(desk) -> None:
    desk.bench.completed()
    plan = planned(desk, "--from", "take_money")
    assert [step["step"] for step in plan["steps"]] == ["take_money"]
    confirm = ("compensate", TRIP, "--from", "take_money", "--override", "--plan", plan["hash"], *WHY, "--wait")
    assert saga(desk, *confirm, "--json").document["text"] == "it ended: Partially compensated"


def test_past_the_point_of_no_return_it_is_refused_without_the_override(desk) -> None:
    desk.bench.completed()
    ended = saga(desk, "compensate", TRIP, "--plan", planned(desk)["hash"], *WHY)
    assert ended.status == CONFLICT
    assert "that needs the override" in ended.err


def test_a_saga_that_has_moved_is_a_conflict_and_the_new_plan_is_named(desk) -> None:
    hand = desk.bench.run()
    plan = planned(desk)["hash"]
    hand.arrives("trip.approved")
    hand.arrives("trip.confirmed")
    ended = saga(desk, "compensate", TRIP, "--override", "--plan", plan, *WHY)
    assert ended.status == CONFLICT
    assert planned(desk)["hash"] in ended.err


def test_with_temporal_away_the_plan_is_the_ledgers_as_of_a_time(desk) -> None:
    hand = desk.bench.completed()
    desk.bench.ledger.keep(hand)
    live = planned(desk)
    desk.bench.live.away = True
    kept = planned(desk)
    assert kept["as_of"] == "2026-01-01T00:00:00Z"
    assert {**kept, "as_of": None} == live
    assert "as of 2026-01-01 00:00:00 UTC" in saga(desk, "compensate", TRIP, "--dry-run").out


def test_where_nobody_can_be_asked_it_needs_the_plan_or_a_yes(desk) -> None:
    desk.bench.run()
    ended = saga(desk, "compensate", TRIP, *WHY)
    assert (ended.status, desk.bench.results) == (USAGE, [])
    assert "--dry-run" in ended.err
    assert saga(desk, "compensate", TRIP, *WHY, "--yes").status == OK


def test_nothing_to_undo_is_refused(desk) -> None:
    desk.bench.run(book_hotel="reject")
    ended = saga(desk, "compensate", TRIP, "--yes", *WHY)
    assert ended.status == CONFLICT
    assert "there is nothing to undo" in ended.err


def test_one_that_is_undone_already_is_refused(desk) -> None:
    desk.bench.run().tell(command("CancelRequested"))
    assert saga(desk, "compensate", TRIP, "--yes", *WHY).status == CONFLICT
