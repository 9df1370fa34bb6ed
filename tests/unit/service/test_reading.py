"""What may be read, by whom: from the ledger alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.errors import (
    DeniedError,
    ExecutionNotFoundError,
    InvalidRequestError,
    MessageNotFoundError,
    RefusedCommandError,
)
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.reading import statuses
from orchestrator.service.records import Filter, Freshness, MessageRecord, milliseconds
from tests.service_kit import ADMIN, NOW, OPERATOR, VIEWER, ServiceBench

ELSEWHERE = Caller(actor="zoe", role=Role.ADMIN, sagas=frozenset({"order"}))
NOWHERE = Caller(actor="zoe", role=Role.ADMIN, sagas=frozenset())
SEES = replace(VIEWER, granted=frozenset({Permission.PAYLOAD}))


@pytest.fixture
def bench() -> ServiceBench:
    """Three trips, and a Temporal that is away."""
    made = ServiceBench()
    made.live.away = True
    made.ledger.keep_open(made.stuck("t1"), changed_ms=milliseconds(NOW) + 3)
    made.ledger.keep(made.completed("t2"), changed_ms=milliseconds(NOW) + 2, correlation_id="thread")
    made.ledger.keep_open(made.run("t3"), changed_ms=milliseconds(NOW) + 1, correlation_id="thread")
    return made


def ids(listing) -> list[str]:
    return [row.execution_id for row in listing.rows]


def letter(number: int) -> MessageRecord:
    return MessageRecord(
        execution_id="trip:t1",
        message_id=f"m{number}",
        direction="out",
        kind="command",
        type="book",
        at_ms=number,
        body=b"secret",
    )


# -- lists ----------------------------------------------------------------------------------------------------------


async def test_a_list_comes_in_pages_newest_change_first(bench) -> None:
    first = await bench.reading.page(VIEWER, Filter(), limit=2)
    assert ids(first) == ["trip:t1", "trip:t2"]
    rest = await bench.reading.page(VIEWER, Filter(), after=first.following, limit=2)
    assert (ids(rest), rest.following) == (["trip:t3"], None)


async def test_a_caller_of_other_sagas_sees_none_of_these(bench) -> None:
    for caller in (ELSEWHERE, NOWHERE):
        assert ids(await bench.reading.page(caller, Filter())) == []
        assert ids(await bench.reading.page(caller, Filter(sagas=("trip",)))) == []
        assert (await bench.reading.count(caller, Filter())).number == 0
        assert {count.number for count in (await bench.reading.tally(caller, Filter())).values()} == {0}
        with pytest.raises(DeniedError):
            await bench.reading.page(caller, Filter(saga="trip"))


async def test_a_caller_of_this_saga_sees_them_all(bench) -> None:
    caller = replace(ELSEWHERE, sagas=frozenset({"trip", "order"}))
    assert len(ids(await bench.reading.page(caller, Filter()))) == 3
    assert ids(await bench.reading.page(caller, Filter(sagas=("order",)))) == []
    assert (await bench.reading.count(caller, Filter())).number == 3


async def test_counts_stop_at_a_cap_and_are_told_by_status(bench) -> None:
    capped = await bench.reading.count(VIEWER, Filter(), cap=2)
    assert (capped.number, capped.is_capped) == (2, True)
    tally = await bench.reading.tally(VIEWER, Filter())
    assert {status: count.number for status, count in tally.items() if count.number} == {
        "running": 1,
        "stuck": 1,
        "completed": 1,
    }
    assert list(await bench.reading.tally(VIEWER, Filter(statuses=("stuck",)))) == ["stuck"]


@pytest.mark.parametrize("limit", [0, 201])
async def test_a_page_has_a_limit(bench, limit) -> None:
    with pytest.raises(InvalidRequestError, match="1 to 200"):
        await bench.reading.page(VIEWER, Filter(), limit=limit)
    with pytest.raises(InvalidRequestError, match="1 to 200"):
        await bench.reading.messages(VIEWER, "trip:t1", limit=limit)


def test_a_word_that_is_no_status_is_refused_with_those_there_are() -> None:
    assert statuses(["stuck", "parked", "stuck"]) == ("stuck", "parked")
    with pytest.raises(InvalidRequestError, match="'broken' is none of running, suspended"):
        statuses(["stuck", "broken"])


# -- one execution --------------------------------------------------------------------------------------------------


async def test_a_look_shows_every_step_of_the_flow_also_those_never_begun(bench) -> None:
    look = await bench.reading.look(VIEWER, "trip:t1")
    stands = [(line.leaf.id, line.row.phase) for line in look.steps]
    assert stands[:3] == [("book_hotel", "done"), ("book_flight", "stuck"), ("book_car", "undone")]
    assert stands[-1] == ("file_copy", "idle")
    assert look.row.error == "undo book_flight says no"


async def test_a_look_says_what_the_caller_may_do_and_why_not(bench) -> None:
    async def allowed(caller):
        look = await bench.reading.look(caller, "trip:t1")
        assert all(action.allowed or action.why_not for action in look.actions)
        return {action.operation for action in look.actions if action.allowed}

    assert await allowed(VIEWER) == set()
    assert await allowed(OPERATOR) == {
        "compensate",
        "retry",
        "edit_and_retry",
        "resolve",
        "suspend",
        "resume",
    }
    assert await allowed(ADMIN) == await allowed(OPERATOR) | {"abandon"}


async def test_facts_are_shown_to_those_with_the_right_alone(bench) -> None:
    hidden, shown = [await bench.reading.look(caller, "trip:t2") for caller in (OPERATOR, SEES)]
    assert (hidden.shows_payloads, hidden.state.facts) == (False, {})
    assert (shown.shows_payloads, shown.state.facts["trip_ordered"]) == (True, {"trip": "t1"})
    assert hidden.state.steps == shown.state.steps


async def test_edited_facts_and_held_events_are_payloads_too(bench) -> None:
    hand = bench.run("t4", book_hotel="hold")
    hand.arrives("trip.confirmed")
    hand.execution.state.steps["book_hotel"].edited = {"secret": 1}
    bench.ledger.keep_open(hand)
    hidden = (await bench.reading.look(OPERATOR, "trip:t4")).state
    assert ([event.payload for event in hidden.held], hidden.steps["book_hotel"].edited) == ([None], {})
    shown = (await bench.reading.look(SEES, "trip:t4")).state
    assert shown.held[0].payload is not None
    assert shown.steps["book_hotel"].edited == {"secret": 1}


async def test_an_execution_ended_from_outside_shows_what_is_in_doubt(bench) -> None:
    bench.ledger.keep(bench.run("t5", book_hotel="hold"), gone="terminated")
    look = await bench.reading.look(VIEWER, "trip:t5")
    assert look.row.status == "terminated"
    assert "book_flight" in look.in_doubt
    assert (await bench.reading.look(VIEWER, "trip:t1")).in_doubt == ()


async def test_what_nobody_knows_is_not_found_and_what_is_not_theirs_is_denied(bench) -> None:
    reading = bench.reading
    for read in (reading.look, reading.attempts, reading.journal, reading.messages, reading.related, reading.undo_plan):
        with pytest.raises(ExecutionNotFoundError):
            await read(VIEWER, "trip:t9")
        with pytest.raises(DeniedError):
            await read(ELSEWHERE, "trip:t1")


async def test_the_journal_and_the_attempts_tell_how_it_came_to_this(bench) -> None:
    kinds = [entry.kind for entry in await bench.reading.journal(VIEWER, "trip:t1")]
    assert (kinds[0], kinds.count("CancelRequested")) == ("Started", 1)
    made = await bench.reading.attempts(VIEWER, "trip:t1")
    flight = [(one.direction, one.end, one.reason) for one in made if one.step == "book_flight"]
    assert flight == [("do", "ok", ""), ("undo", "rejected", "undo book_flight says no")]


async def test_messages_come_in_pages_and_bodies_to_those_with_the_right_alone(bench) -> None:
    bench.ledger.letters["trip:t1"] = tuple(letter(number) for number in range(3))
    hidden = await bench.reading.messages(OPERATOR, "trip:t1", limit=2, bodies=True)
    assert [(one.message_id, one.body) for one in hidden.messages] == [("m2", None), ("m1", None)]
    shown = await bench.reading.messages(SEES, "trip:t1", before=hidden.following, limit=2, bodies=True)
    assert [(one.message_id, one.body) for one in shown.messages] == [("m0", b"secret")]
    assert (hidden.shows_payloads, shown.shows_payloads, shown.following) == (False, True, None)
    unasked = await bench.reading.messages(SEES, "trip:t1")
    assert {one.body for one in unasked.messages} == {None}


async def test_one_message_has_its_body_for_those_with_the_right_alone(bench) -> None:
    bench.ledger.letters["trip:t1"] = (letter(1), letter(2))
    hidden, shown = [await bench.reading.message(caller, "trip:t1", "m2", "out") for caller in (OPERATOR, SEES)]
    assert (hidden.message.body, hidden.shows_payloads) == (None, False)
    assert (shown.message.message_id, shown.message.body, shown.shows_payloads) == ("m2", b"secret", True)
    for caller, name, way, error in (
        (SEES, "m3", "out", MessageNotFoundError),
        (SEES, "m2", "in", MessageNotFoundError),
        (ELSEWHERE, "m2", "out", DeniedError),
    ):
        with pytest.raises(error):
            await bench.reading.message(caller, "trip:t1", name, way)


async def test_related_are_those_of_one_thread(bench) -> None:
    assert ids(await bench.reading.related(VIEWER, "trip:t2")) == ["trip:t2", "trip:t3"]


# -- the plan of an undo --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["t1", "t2", "t3"])
async def test_the_plan_from_the_ledger_is_the_one_that_can_be_confirmed(bench, name) -> None:
    found = await bench.reading.undo_plan(SEES, f"trip:{name}")
    bench.live.away = False
    assert found == await bench.operating.plan(SEES, f"trip:{name}")


async def test_the_plan_from_the_ledger_shows_inputs_to_those_with_the_right_alone(bench) -> None:
    hidden, shown = [await bench.reading.undo_plan(caller, "trip:t3") for caller in (OPERATOR, SEES)]
    assert {step.inputs for step in hidden.steps} == {None}
    assert all(step.inputs for step in shown.steps)
    assert hidden.hash == shown.hash


async def test_of_what_was_undone_nothing_is_left_to_undo(bench) -> None:
    bench.ledger.keep(bench.run("t6", book_car="reject"))
    assert (await bench.reading.undo_plan(ADMIN, "trip:t6")).steps == ()
    with pytest.raises(RefusedCommandError):
        await bench.reading.undo_plan(ADMIN, "trip:t6", "no_such_step")


# -- as of ----------------------------------------------------------------------------------------------------------


async def test_an_answer_is_of_now_unless_changes_may_be_missing(bench) -> None:
    earlier = NOW - timedelta(minutes=5)
    bench.ledger.fresh = Freshness(None, earlier)
    found = (await bench.reading.page(VIEWER, Filter())).as_of
    assert (found.moment, found.is_stale, found.reconciled) == (NOW, False, earlier)
    bench.ledger.fresh = Freshness(earlier, None)
    stale = (await bench.reading.look(VIEWER, "trip:t1")).as_of
    assert (stale.moment, stale.is_stale, stale.reconciled) == (earlier, True, None)
