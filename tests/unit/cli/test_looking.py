"""`saga show` and `saga watch`: from Temporal while it answers, else from the ledger, and then as of when."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from orchestrator.cli import looking
from orchestrator.cli.exits import DENIED, ERROR, NOT_FOUND, OK, TIMEOUT
from orchestrator.cli.looking import NO_WORKER, WITHOUT_LEDGER
from orchestrator.errors import LedgerOutdatedError, StoreUnavailableError
from orchestrator.service.access import Caller, Role
from orchestrator.service.records import milliseconds
from tests.cli_kit import AWAY, FakeDesk, saga
from tests.service_kit import ADMIN, NOW
from tests.trip_kit import command

TRIP = "trip:t1"


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk(caller=ADMIN)


def line_of(picture, step):
    return next(line for line in picture.splitlines() if f" {step}" in line)


def test_what_was_done_undone_left_and_stuck_is_drawn_with_both_errors(desk) -> None:
    desk.bench.stuck()
    picture = saga(desk, "show", TRIP).out
    assert picture.startswith("trip:t1: Stuck\n")
    assert "undo stuck" in line_of(picture, "book_flight")
    assert "undo: undo book_flight says no" in line_of(picture, "book_flight")
    assert "undone" in line_of(picture, "book_car")
    assert "done" in line_of(picture, "book_hotel")
    assert "not begun" in line_of(picture, "take_money")
    assert "what you may do: compensate, retry, edit_and_retry, resolve" in picture
    assert "as of" not in picture


def test_of_an_execution_for_which_no_worker_answers_it_is_said_why_nothing_goes_on(desk) -> None:
    desk.bench.run()
    assert NO_WORKER not in saga(desk, "show", TRIP).out
    assert saga(desk, "show", TRIP, "--json").document["by_history"] is False
    desk.bench.live.seen[TRIP] = {"by_history": True}
    assert NO_WORKER in saga(desk, "show", TRIP).out
    assert saga(desk, "show", TRIP, "--json").document["by_history"] is True


def test_with_temporal_away_the_ledger_is_shown_as_of_a_time_and_why(desk) -> None:
    desk.bench.ledger.keep_open(desk.bench.stuck(), changed_ms=milliseconds(NOW))
    desk.bench.live.away = True
    ended = saga(desk, "show", TRIP)
    assert (ended.status, ended.err) == (OK, "")
    assert "undo stuck" in line_of(ended.out, "book_flight")
    assert f"as of 2026-01-01 00:00:00 UTC ({AWAY})" in ended.out
    document = saga(desk, "show", TRIP, "--json").document
    assert (document["source"], document["as_of"], document["status"]) == ("ledger", "2026-01-01T00:00:00Z", "stuck")


@pytest.mark.parametrize(
    "fault", [LedgerOutdatedError("the tables are not there"), StoreUnavailableError("it is away")]
)
def test_without_a_ledger_temporal_alone_is_shown_with_what_it_cannot_say(desk, fault) -> None:
    desk.bench.stuck()
    desk.ledger_fault = fault
    ended = saga(desk, "show", TRIP)
    assert (ended.status, ended.err) == (OK, "")
    assert "undo stuck" in line_of(ended.out, "book_flight")
    assert f"{WITHOUT_LEDGER} ({fault})" in ended.out
    assert "what you may do" not in ended.out
    document = saga(desk, "show", TRIP, "--json").document
    assert (document["source"], document["status"], document["without_ledger"]) == ("temporal", "stuck", str(fault))
    assert {action["why_not"] for action in document["actions"]} == {"the ledger cannot be used now"}


def test_what_neither_can_tell_is_no_claim_that_nobody_knows_it(desk) -> None:
    desk.ledger_fault = StoreUnavailableError("it is away")
    ended = saga(desk, "show", "trip:nobody")
    assert (ended.status, "it is away" in ended.err) == (ERROR, True)
    desk.bench.live.away = True
    assert saga(desk, "show", "trip:nobody").status == ERROR


def test_who_may_not_see_payloads_does_not_see_them_without_a_ledger_either(desk) -> None:
    desk.bench.stuck()
    desk.ledger_fault = StoreUnavailableError("it is away")
    desk.caller = Caller(actor="zoe", role=Role.ADMIN, sagas=frozenset({"order"}))
    assert saga(desk, "show", TRIP).status == DENIED


def test_the_document_has_each_step_with_its_errors(desk) -> None:
    desk.bench.stuck()
    document = saga(desk, "show", TRIP, "--json").document
    assert (document["id"], document["word"], document["status"]) == (TRIP, "Stuck", "stuck")
    assert (document["source"], document["as_of"]) == ("temporal", None)
    flight = document["steps"]["book_flight"]
    assert (flight["phase"], flight["outcome"], flight["undo_error"]) == ("stuck", "ok", "undo book_flight says no")
    allowed = {action["operation"]: action["why_not"] for action in document["actions"] if not action["allowed"]}
    assert "skip is for executions that are parked" in allowed["skip"]


def test_one_that_was_ended_from_outside_says_how(desk) -> None:
    desk.bench.run()
    desk.bench.live.seen[TRIP] = {"gone": "terminated", "is_open": False, "ended": NOW, "first_ended": NOW}
    document = saga(desk, "show", TRIP, "--json").document
    assert (document["word"], document["status"]) == ("Terminated", "terminated")


def test_one_that_nobody_knows_is_not_found(desk) -> None:
    assert saga(desk, "show", "trip:nobody").status == NOT_FOUND
    desk.bench.live.away = True
    assert saga(desk, "show", "trip:nobody").status == NOT_FOUND


def test_watching_ends_with_the_execution_and_tells_each_change_in_a_line(desk) -> None:
    hand = desk.bench.run(undo_book_flight="reject")
    looked = desk.bench.live.look

    async def cancelled_meanwhile(execution_id):
        seen = await looked(execution_id)
        if not hand.execution.state.is_unwinding:
            hand.tell(command("CancelRequested"))
        return seen

    desk.bench.live.look = cancelled_meanwhile
    lines = saga(desk, "watch", TRIP).out.splitlines()
    assert [line.split()[1] for line in lines] == ["Running", "Stuck"]
    assert lines[-1].endswith("book_flight")


def test_watching_ends_after_its_time_limit(desk) -> None:
    desk.bench.run()
    ended = saga(desk, "watch", TRIP, "--timeout", "0.2", "--json")
    assert ended.status == TIMEOUT
    assert ended.document["status"] == "running"


def test_what_watching_holds_open_is_closed_by_who_opened_it(desk, monkeypatch) -> None:
    desk.bench.stuck()
    opened = desk.service
    tasks = []

    @asynccontextmanager
    async def service(sagas):
        tasks.append(asyncio.current_task())
        try:
            async with opened(sagas) as found:
                yield found
        finally:
            tasks.append(asyncio.current_task())

    monkeypatch.setattr(desk, "service", service)
    saga(desk, "watch", TRIP)
    assert len(tasks) == 2
    assert tasks[0] is tasks[1], "else the end of the program tears it down, in any order"


@pytest.fixture
def quickly(monkeypatch) -> None:
    """Looks follow each other at once, and what was away is asked for again each time."""
    monkeypatch.setattr(looking, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(looking, "MAKESHIFT_S", 0.0)


def test_without_a_ledger_it_is_watched_as_temporal_has_it(desk) -> None:
    desk.bench.stuck()
    desk.ledger_fault = LedgerOutdatedError("the tables are not there")
    ended = saga(desk, "watch", TRIP)
    assert (ended.status, ended.err) == (OK, "")
    assert ended.out.rstrip().endswith("Stuck book_flight (by Temporal alone: the tables are not there)")
    line = saga(desk, "watch", TRIP, "--json").document
    assert (line["source"], line["without_ledger"]) == ("temporal", "the tables are not there")


def test_with_temporal_away_it_is_watched_as_the_ledger_has_it(desk) -> None:
    desk.bench.ledger.keep_open(desk.bench.stuck(), changed_ms=milliseconds(NOW))
    desk.bench.live.away = True
    assert f"Stuck book_flight (by the ledger: {AWAY})" in saga(desk, "watch", TRIP).out
    line = saga(desk, "watch", TRIP, "--json").document
    assert (line["source"], line["as_of"]) == ("ledger", "2026-01-01T00:00:00Z")


def test_with_nothing_to_ask_it_says_what_is_away(desk) -> None:
    desk.bench.stuck()
    desk.bench.live.away = True
    desk.ledger_fault = StoreUnavailableError("it is away")
    ended = saga(desk, "watch", TRIP)
    assert (ended.status, ended.out) == (ERROR, "")
    assert "it is away" in ended.err


@pytest.mark.usefixtures("quickly")
def test_temporal_that_goes_away_and_comes_back_is_watched_on(desk) -> None:
    hand = desk.bench.run(undo_book_flight="reject")
    desk.bench.ledger.keep_open(hand, changed_ms=milliseconds(NOW))
    live, told = desk.bench.live, desk.bench.ledger.find
    done: list[str] = []

    async def looked(execution_id):
        if not done:
            hand.arrives("trip.confirmed")  # the ledger does not know of it: what it has is older
            done.append("looked")
            seen = await type(live).look(live, execution_id)
            live.away = True
            return seen
        return await type(live).look(live, execution_id)

    async def found(execution_id):
        detail = await told(execution_id)
        done.append("ledger")
        if done.count("ledger") == 3:
            live.away = False
            hand.tell(command("CancelRequested"))
        return detail

    live.look, desk.bench.ledger.find = looked, found
    lines = saga(desk, "watch", TRIP, "--timeout", "20").out.splitlines()
    assert [line.split()[1] for line in lines] == ["Running", "Stuck"]
    assert done.count("ledger") >= 3
    assert "by the ledger" not in "".join(lines)
