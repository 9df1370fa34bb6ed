"""`saga switches`: what is held is listed, held and let go, without Temporal, and audited."""

import pytest

from orchestrator.cli.exits import CONFLICT, DENIED, OK, USAGE
from orchestrator.service.access import Role
from tests.cli_kit import FakeDesk, caller_of, saga

WHY = ("--reason", "the bank is migrated")


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


def test_something_is_held_listed_and_let_go_while_temporal_is_away(desk) -> None:
    desk.bench.live.away = True
    assert saga(desk, "switches").out == "nothing is held\n"
    assert saga(desk, "switches", "--json").document == {"items": []}
    (held,) = saga(desk, "switches", "suspend", "commands", "bank", *WHY, "--json").document["items"]
    assert (held["kind"], held["name"], held["actor"], held["reason"]) == ("commands", "bank", "ann", WHY[1])
    assert held["at"].endswith("Z")
    assert saga(desk, "switches", "--json").document["items"] == [held]
    shown = saga(desk, "switches").out
    assert all(word in shown for word in ("commands", "bank", "ann", WHY[1]))
    assert saga(desk, "switches", "resume", "commands", "bank", *WHY, "--json").document == {"items": []}
    assert desk.bench.results == [("suspend commands", "accepted"), ("resume commands", "accepted")]


def test_people_are_told_what_is_held_now_and_when_it_counts(desk) -> None:
    told = saga(desk, "switches", "suspend", "starts", "trip", *WHY)
    assert (told.status, told.err) == (OK, "")
    assert "starts of trip are held: every process heeds it within a second" in told.out
    assert "starts of trip go on" in saga(desk, "switches", "resume", "starts", "trip", *WHY).out


def test_what_is_refused_says_why_and_holds_nothing_more(desk) -> None:
    assert saga(desk, "switches", "resume", "starts", "trip", *WHY).status == CONFLICT
    assert saga(desk, "switches", "suspend", "starts", "trip", "--reason", "short").status == USAGE
    assert saga(desk, "switches", "suspend", "steps", "trip", *WHY).status == USAGE
    typed = saga(desk, "switches", "suspend", "starts", "tripp", *WHY)
    assert (typed.status, typed.out) == (USAGE, "")
    assert "did you mean 'trip'" in typed.err
    desk.caller = caller_of(Role.OPERATOR)
    assert saga(desk, "switches", "suspend", "starts", "trip", *WHY).status == DENIED
    assert saga(desk, "switches", "--json").document == {"items": []}


def test_a_saga_can_be_held_before_its_first_start(desk) -> None:
    held = saga(desk, "switches", "suspend", "starts", "cruise", "--new", *WHY, "--json").document
    assert held["items"][0]["name"] == "cruise"
