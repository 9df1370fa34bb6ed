"""Every operation through the command line: who may do what in which status, and what a script can tell apart."""

import json
from typing import Any

import pytest

from orchestrator.cli.exits import CONFLICT, DENIED, ERROR, NOT_FOUND, OK, TIMEOUT, USAGE
from orchestrator.errors import EngineUnavailableError
from tests.cli_kit import AWAY, FakeDesk, caller_of, saga
from tests.service_kit import ADMIN
from tests.table_kit import EVERYTHING, in_status, is_done, may

TRIP = "trip:t1"
WHY = ("--reason", "decided by hand")
FLIGHT = (TRIP, "book_flight")
COMMANDS: dict[str, tuple[str, ...]] = {
    "retry": ("retry", *FLIGHT),
    "edit_and_retry": ("retry", *FLIGHT, "--input", '{"trip_ordered": {"trip": "t1", "guests": 2}}'),
    "skip": ("skip", TRIP, "send_papers", "--output", '{"parcel": "p"}'),
    "resolve": ("resolve", *FLIGHT, "--how", "mark_done", "--evidence", "slip 7"),
    "suspend": ("suspend", TRIP),
    "resume": ("resume", TRIP),
    "cancel": ("cancel", TRIP),
    "abandon": ("abandon", TRIP),
    "release": ("release", TRIP),
}
PARKED: dict[str, tuple[str, ...]] = {
    "retry": ("retry", TRIP, "send_papers"),
    "edit_and_retry": ("retry", TRIP, "send_papers", "--input", '{"ticket_issued": {"ticket": "by hand"}}'),
}


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.mark.parametrize(("operation", "status", "role"), EVERYTHING)
def test_every_operation_in_every_status_for_every_role_through_the_command_line(desk, operation, status, role) -> None:
    in_status(desk.bench, status)
    desk.caller = caller_of(role)
    command = {**COMMANDS, **(PARKED if status == "parked" else {})}.get(operation, ())
    if operation == "compensate":
        plan = saga(FakeDesk(desk.bench), "compensate", TRIP, "--dry-run", "--json").document["hash"]
        command = ("compensate", TRIP, "--plan", plan, "--override")
    ended = saga(desk, *command, *WHY, "--json")
    if is_done(operation, status, role):
        assert (ended.status, ended.document["state"]) == (OK, "applied")
        assert desk.bench.results == [(operation, "accepted")]
    else:
        assert ended.status == (CONFLICT if may(operation, role) else DENIED)
        assert (ended.out, desk.bench.results) == ("", [(operation, "refused")])


def test_the_operation_is_told_with_its_id_and_how_far_it_is(desk) -> None:
    desk.bench.stuck()
    document = saga(desk, *COMMANDS["resolve"], *WHY, "--json").document
    (record,) = desk.bench.register.operations.values()
    assert document["id"] == record.id
    assert (document["execution_id"], document["operation"], document["step"]) == (TRIP, "resolve", "book_flight")
    assert (document["state"], document["actor"], document["reason"]) == ("applied", "ann", "decided by hand")
    told = saga(desk, "operations", TRIP).out
    assert record.id in told


def test_waiting_ends_when_it_is_verified(desk) -> None:
    desk.bench.stuck()
    document = saga(desk, *COMMANDS["resolve"], *WHY, "--wait", "--json").document
    assert (document["state"], document["text"]) == ("verified", "it counts as undone by hand")


def test_waiting_ends_after_the_time_limit_with_a_status_of_its_own(desk) -> None:
    hand = desk.bench.stuck()
    hand.answers["undo book_flight"] = "hold"
    ended = saga(desk, "retry", *FLIGHT, *WHY, "--wait", "--timeout", "0.3", "--json")
    assert (ended.status, ended.document["state"]) == (TIMEOUT, "applied")


def test_what_had_no_effect_is_no_success(desk) -> None:
    hand = desk.bench.completed(issue_ticket="hold")
    record = saga(desk, "cancel", TRIP, *WHY, "--json").document
    from orchestrator.engine.signals import Succeeded

    hand.tell(Succeeded(step="issue_ticket", attempt=1, result={"ticket": "k"}))
    again = saga(desk, "cancel", TRIP, *WHY, "--key", record["key"], "--wait", "--json")
    assert (again.status, again.document["state"]) == (ERROR, "no_effect")
    assert again.document["id"] == record["id"], "the same key again is the same operation"


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_reason_is_needed_and_nothing_is_done_without_one(desk, command) -> None:
    in_status(desk.bench, "stuck")
    ended = saga(desk, *command)
    assert (ended.status, desk.bench.results) == (USAGE, [])
    assert "--reason" in ended.err


def test_a_reason_that_says_nothing_is_wrong_usage(desk) -> None:
    desk.bench.run()
    assert saga(desk, "suspend", TRIP, "--reason", "because").status == USAGE


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("skip", TRIP, "send_papers", "--output", "{no json"), "--output: it is not acceptable JSON"),
        (("skip", TRIP, "send_papers", "--output", "[NaN]"), "--output: it is not acceptable JSON"),
        (
            ("retry", TRIP, "send_papers", "--input", f'{{"a": {2**64}}}'),
            "/input: it has a whole number beyond 64 bits",
        ),
        (("skip", TRIP, "send_papers", "--output", '{"parcel": []}'), "--output/parcel"),
        (("retry", TRIP, "send_papers", "--input", "[1]"), "/input"),
        (("retry", TRIP, "send_papers", "--input", '{"nothing": 1}'), "it takes ticket_issued"),
    ],
)
def test_what_was_typed_is_checked_and_told(desk, command, told) -> None:
    desk.bench.parked()
    ended = saga(desk, *command, *WHY)
    assert ended.status == USAGE
    assert told in ended.err


def test_an_edited_input_is_shown_before_and_after_and_a_dry_run_does_nothing(desk) -> None:
    desk.bench.parked()
    command = (*PARKED["edit_and_retry"], "--dry-run")
    ended = saga(desk, *command)
    assert (ended.status, desk.bench.results) == (OK, [])
    assert "/ticket_issued/ticket" in ended.out
    changes = saga(desk, *command, "--json").document["changes"]
    assert changes == [
        {"pointer": "/ticket_issued/by", "before": "issue_ticket", "after": None},
        {"pointer": "/ticket_issued/ticket", "before": None, "after": "by hand"},
    ]


def test_the_code_that_checks_input_is_loaded_only_where_something_is_typed(desk) -> None:
    desk.bench.parked()
    saga(desk, *PARKED["retry"], *WHY, "--sagas", "shop:SAGAS")
    saga(desk, *PARKED["edit_and_retry"], *WHY, "--sagas", "shop:SAGAS")
    assert desk.asked == ["", "shop:SAGAS"]


def test_the_step_may_be_left_out_where_one_waits(desk) -> None:
    desk.bench.stuck()
    desk.caller = ADMIN
    assert saga(desk, "retry", TRIP, *WHY, "--json").document["step"] == "book_flight"


def test_a_step_that_cannot_be_guessed_is_asked_for(desk) -> None:
    desk.bench.run()
    desk.caller = ADMIN
    ended = saga(desk, "retry", TRIP, *WHY)
    assert (ended.status, desk.bench.results) == (CONFLICT, [])
    assert "no step of it waits for a person" in ended.err


def test_a_stale_revision_is_a_conflict_and_says_what_happened(desk) -> None:
    hand = desk.bench.run()
    seen = hand.execution.state.revision
    assert saga(desk, "suspend", TRIP, *WHY, "--revision", str(seen)).status == OK
    ended = saga(desk, "cancel", TRIP, *WHY, "--revision", str(seen))
    assert ended.status == CONFLICT
    assert f"revision {seen + 1}, not {seen}" in ended.err


def test_an_execution_that_nobody_knows_is_not_found(desk) -> None:
    ended = saga(desk, "cancel", "trip:nobody", *WHY)
    assert ended.status == NOT_FOUND
    assert "ids are written saga:key" in ended.err


def test_with_temporal_away_it_is_told_what_to_do_and_nothing_is_done(desk) -> None:
    desk.bench.run()
    desk.bench.live.away = True
    ended = saga(desk, "cancel", TRIP, *WHY)
    assert (ended.status, ended.out, desk.bench.results) == (ERROR, "", [])
    assert AWAY in ended.err


def test_with_temporal_away_at_the_last_moment_it_is_accepted_and_told_that_it_waits(desk) -> None:
    hand = desk.bench.run()

    def away() -> None:
        raise EngineUnavailableError("away")

    desk.bench.live.on_command = away
    ended = saga(desk, "suspend", TRIP, *WHY, "--key", "k1")
    assert (ended.status, ended.err) == (OK, "")
    assert "accepted: it waits: away" in ended.out
    desk.bench.live.on_command = lambda: None
    assert saga(desk, "suspend", TRIP, *WHY, "--key", "k1").status == OK, "the same key goes on with it"
    assert hand.execution.word == "Suspended"


def test_the_document_is_stable(desk) -> None:
    desk.bench.run()
    found: dict[str, Any] = json.loads(saga(desk, "suspend", TRIP, *WHY, "--json").out)
    assert list(found) == [
        "id", "execution_id", "operation", "step", "state", "text", "reason", "actor", "role", "key", "workflow_id",
        "before", "after", "accepted", "settled", "bulk",
    ]  # fmt: skip
