"""`saga operations` and `saga audit`: what people did, also while Temporal is away."""

from dataclasses import replace

import pytest

from orchestrator.cli.exits import DENIED, ERROR, NOT_FOUND, OK
from orchestrator.service.access import Role
from tests.cli_kit import FakeDesk, caller_of, saga

TRIP = "trip:t1"
WHY = ("--reason", "decided by hand")


@pytest.fixture
def desk() -> FakeDesk:
    """A trip that was suspended, and a retry of it that was refused."""
    made = FakeDesk()
    made.bench.run()
    saga(made, "suspend", TRIP, *WHY)
    saga(made, "retry", TRIP, "book_flight", *WHY)
    return made


def test_looking_at_operations_sees_what_came_of_them(desk) -> None:
    (item,) = saga(desk, "operations", TRIP, "--json").document["items"]
    assert (item["operation"], item["state"]) == ("suspend", "verified")
    assert saga(desk, "operations", item["id"], "--json").document["items"] == [item]
    assert saga(desk, "operations", "--json").document["items"] == [item]


def test_with_temporal_away_they_are_as_they_were_written_down(desk) -> None:
    desk.bench.live.away = True
    (item,) = saga(desk, "operations", TRIP, "--json").document["items"]
    assert item["state"] == "applied"


def test_an_operation_that_is_not_there_is_not_found_and_none_are_none(desk) -> None:
    assert saga(desk, "operations", "0" * 32).status == NOT_FOUND
    assert saga(desk, "operations", "trip:t2").out == "no operations\n"
    assert saga(desk, "operations", "--actor", "bob").out == "no operations\n"


def test_the_audit_has_what_was_refused_too_newest_first_also_with_temporal_away(desk) -> None:
    desk.bench.live.away = True
    items = saga(desk, "audit", "--json").document["items"]
    assert [(item["number"], item["what"], item["result"]) for item in items] == [
        (2, "retry", "refused"),
        (1, "suspend", "accepted"),
    ]
    assert (items[0]["actor"], items[0]["target"], items[0]["origin"]) == ("ann", TRIP, "cli")
    older = saga(desk, "audit", "--before", "2", "--json").document
    assert [item["number"] for item in older["items"]] == [1]
    assert "refused" in saga(desk, "audit", "--of", TRIP).out
    assert saga(desk, "audit", "--of", "trip:t2").out == "no rows\n"


def test_the_audit_is_verified_and_a_changed_row_is_found(desk) -> None:
    assert saga(desk, "audit", "verify", "--json").document == {"ok": True, "faults": []}
    rows = desk.bench.register.rows
    rows[0] = replace(rows[0], entry=replace(rows[0].entry, actor="nobody"))
    ended = saga(desk, "audit", "verify", "--json")
    assert ended.status == ERROR
    (fault,) = ended.document["faults"]
    assert (fault["number"], fault["kind"]) == (1, "changed")
    assert "row 1 is changed" in saga(desk, "audit", "verify").out


def test_who_may_not_see_the_audit_is_denied(desk) -> None:
    desk.caller = caller_of(Role.VIEWER)
    assert saga(desk, "audit").status == DENIED
    assert saga(desk, "operations", TRIP).status == OK
