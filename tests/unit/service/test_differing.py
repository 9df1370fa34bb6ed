"""Today's definition against what was lived: each way in which they can differ, and what cannot be known."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from orchestrator import Command, Event, Retry, Saga, action, command, parallel, pivot, sleep, step, wait_for
from orchestrator.engine.signals import (
    CancelRequested,
    CompensateRequested,
    Lost,
    RetryRequested,
    SkipRequested,
    Stalled,
    Succeeded,
)
from orchestrator.service.requests import EditAndRetry, Skip
from tests.rerun_kit import Lived, compared

WHO: Any = {"actor": "ann", "reason": "because it must be"}


class Ordered(Event, type="rerun.ordered"):
    order_id: str
    cents: int = 700


class Paid(Event, type="rerun.paid"):
    order_id: str


class Held(Event, type="rerun.held"):
    shelf: str = "s1"


class Charged(Event, type="rerun.charged"):
    by: str = "card"


class Weighed(Event, type="rerun.weighed"):
    grams: int


class Hold(Command["Held"], type="rerun.hold"):
    order_id: str
    cents: int = 0


class LetGo(Command["Held"], type="rerun.let_go"):
    order_id: str


class Charge(Command["Charged"], type="rerun.charge"):
    order_id: str


class GiveBack(Command["Charged"], type="rerun.give_back"):
    order_id: str


class Weigh(Command["Weighed"], type="rerun.weigh"):
    order_id: str


@command(to="stock")
def hold(ordered: Ordered) -> Hold:
    return Hold(order_id=ordered.order_id, cents=ordered.cents)


@command(to="stock")
def let_go(ordered: Ordered) -> LetGo:
    return LetGo(order_id=ordered.order_id)


@command(to="bank")
def charge(ordered: Ordered) -> Charge:
    return Charge(order_id=ordered.order_id)


@command(to="bank")
def give_back(ordered: Ordered) -> GiveBack:
    return GiveBack(order_id=ordered.order_id)


@command(to="scale")
def weigh(ordered: Ordered) -> Weigh:
    return Weigh(order_id=ordered.order_id)


class Counted(Event, type="rerun.counted"):
    pieces: int


class Take(Command["Counted"], type="rerun.hold"):
    order_id: str
    cents: int = 0


class Void(Command["Weighed"], type="rerun.void"):
    order_id: str


@command(to="scale")
def void(ordered: Ordered) -> Void:
    return Void(order_id=ordered.order_id)


@action
async def note(ordered: Ordered) -> None:
    """Nothing."""


TWICE = Retry(attempts=2, first_delay=timedelta(seconds=5))
HOLD = step(hold, undo=let_go, retry=TWICE)
CHARGE = step(charge, undo=give_back, retry=Retry(attempts=1))
WEIGH = step(weigh, no_undo="a weight does nothing")
WAIT = wait_for(Paid, within=timedelta(minutes=1))


def a_saga(*parts, version=2, **more):
    return Saga("rerun", *parts, version=version, starts_on=Ordered, key="order_id", **more)


def begun(*parts, **more):
    return Lived(a_saga(*parts, version=1, **more)).starts(Ordered(order_id="A17"))


def a_week_later(lived):
    """The wall clock does not matter: a record is compared with itself."""
    return compared(lived, lived.saga)


def ended_all():
    """Executions that went every way, whose own definition must go the same way."""
    yield "completed", begun(HOLD, CHARGE).replies("hold", Held()).replies("charge", Charged())
    refused = begun(HOLD, CHARGE).replies("hold", Held()).rejects("charge")
    yield "undone", refused.replies("hold", direction="undo")
    retried = begun(HOLD, CHARGE).fails("hold").rings("retry:do:1:hold").replies("hold", Held(), attempt=2)
    yield "retried", retried.replies("charge", Charged())
    doubtful = begun(HOLD, CHARGE).replies("hold", Held()).fails("charge", retryable=False, fence_ms=5_000)
    doubtful.rings("fence:undo:1:charge").replies("charge", direction="undo").replies("hold", direction="undo")
    yield "fenced", doubtful
    yield "timed out", begun(HOLD).rings("limit:do:1:hold").replies("hold", direction="undo")
    yield "waited", begun(HOLD, WAIT, CHARGE).replies("hold", Held()).happens(Paid(order_id="A17"))
    no_event = begun(HOLD, WAIT).replies("hold", Held()).rings("wait:do:0:paid").replies("hold", direction="undo")
    yield "no event", no_event
    slept = begun(HOLD, sleep(timedelta(hours=1)), CHARGE).replies("hold", Held())
    yield "slept", slept.rings(next(iter(slept.walk.timers))).replies("charge", Charged())
    late = begun(HOLD, CHARGE, within=timedelta(minutes=2)).replies("hold", Held()).rings("saga")
    yield (
        "deadline",
        late.replies("charge", Charged()).replies("charge", direction="undo").replies("hold", direction="undo"),
    )
    both = begun(parallel(HOLD, CHARGE)).rejects("charge").replies("hold", Held()).replies("hold", direction="undo")
    yield "branches", both
    cancelled = begun(HOLD, CHARGE).replies("hold", Held()).told(CancelRequested(command_id="c", **WHO))
    yield (
        "cancelled",
        cancelled.replies("charge", Charged()).replies("charge", direction="undo").replies("hold", direction="undo"),
    )
    undone = begun(HOLD, CHARGE).replies("hold", Held()).replies("charge", Charged())
    undone.told(CompensateRequested(command_id="c", from_step="charge", **WHO)).replies("charge", direction="undo")
    yield "undone by hand from a step", undone
    lost = begun(HOLD, CHARGE, WEIGH).replies("hold", Held()).rejects("charge")
    yield "lost", lost.told(Lost(("weigh",))).replies("hold", direction="undo")
    yield "a proof of a lost attempt", begun(HOLD, CHARGE).told(Succeeded(step="charge", result={"by": "cash"}))
    yield "no code", begun(HOLD).told(Stalled(step="hold", reason="no code"))
    yield "an action", begun(step(note, no_undo="none"), HOLD).replies("note").replies("hold", Held())
    twice = begun(HOLD, CHARGE).happens(Ordered(order_id="A17", cents=1)).replies("hold", Held())
    yield "a second start is parked", twice.replies("charge", Charged())
    stuck = (
        begun(HOLD, pivot(charge, retry=Retry(attempts=1)), WEIGH).replies("hold", Held()).replies("charge", Charged())
    )
    stuck.told(Stalled(step="weigh", reason="no code")).told(
        SkipRequested(command_id="s", step="weigh", result={"grams": 3}, **WHO)
    )
    stuck.typed["s"] = Skip(step="weigh", output={"grams": 3})
    yield "skipped by hand", stuck
    edited = begun(HOLD).told(Stalled(step="hold", reason="no code"))
    changed = {"ordered": {"order_id": "A17", "cents": 9}}
    edited.told(RetryRequested(command_id="r", step="hold", edited=changed, **WHO))
    edited.typed["r"] = EditAndRetry(step="hold", input=changed)
    yield "edited", edited.replies("hold", Held(), attempt=2)


ENDED = dict(ended_all())


@pytest.mark.parametrize("way", ENDED)
def test_a_record_and_its_own_definition_go_the_same_way(way):
    found = a_week_later(ENDED[way])
    assert (found.verdict, found.first, found.unknown, found.others) == ("same", "", (), ())
    assert found.status_then == found.status_today == ENDED[way].walk.execution.word
    assert [one.places[0] for one in found.lines] == [one.places[1] for one in found.lines]


COMPLETED = ENDED["completed"]


def changed_input():
    @command(to="stock")
    def hold(ordered: Ordered) -> Hold:
        return Hold(order_id=ordered.order_id, cents=ordered.cents + 1)

    return a_saga(step(hold, undo=let_go), CHARGE)


def test_another_input_is_named_with_the_fields_that_differ():
    found = compared(COMPLETED, changed_input())
    assert found.verdict == "differs"
    assert found.first == "at 1: hold do 1: input: /cents 700 -> 701"
    assert [one.differs for one in found.lines] == [("input: /cents 700 -> 701",), ()]
    assert found.status_today == "Completed"


def test_another_order_is_named_at_its_first_place():
    found = compared(COMPLETED, a_saga(CHARGE, HOLD))
    assert found.first == "at 1: hold do 1 then, charge do 1 today"
    assert {one.name: (one.places, one.differs) for one in found.lines} == {
        "hold do 1": ((1, 2), ("order",)),
        "charge do 1": ((2, 1), ("order",)),
    }
    assert found.status_today == "Completed"


def test_a_new_step_has_no_recorded_answer_and_stays_open():
    found = compared(COMPLETED, a_saga(HOLD, WEIGH, CHARGE))
    assert found.first == "at 2: charge do 1 then, weigh do 1 today"
    assert [(one.name, one.differs) for one in found.lines] == [
        ("hold do 1", ()),
        ("charge do 1", ("not begun today",)),
        ("weigh do 1", ("not begun then",)),
    ]
    assert found.unknown == ("answer of weigh do 1: none was recorded, so it stays open",)
    assert (found.status_then, found.status_today) == ("Completed", "Running")


def test_a_step_that_is_gone_is_named():
    found = compared(COMPLETED, a_saga(HOLD))
    assert found.first == "at 2: charge do 1 then, nothing today"
    assert (found.verdict, found.status_today) == ("differs", "Completed")


def test_fewer_attempts_turn_back_where_the_record_went_on():
    found = compared(ENDED["retried"], a_saga(step(hold, undo=let_go, retry=Retry(attempts=1)), CHARGE))
    assert found.first == "at 2: hold do 2 then, hold undo 1 today"
    assert found.unknown == ("answer of hold undo 1: none was recorded, so it stays open",)
    assert found.status_today == "Compensating"


def test_the_order_of_undoing_is_compared():
    last = step(weigh, undo=void)
    lived = begun(HOLD, CHARGE, last).replies("hold", Held()).replies("charge", Charged()).rejects("weigh")
    lived.replies("charge", direction="undo").replies("hold", direction="undo")
    found = compared(lived, a_saga(CHARGE, HOLD, last))
    assert [(one.name, one.places) for one in found.lines if "order" in one.differs] == [
        ("hold do 1", (1, 2)),
        ("charge do 1", (2, 1)),
        ("charge undo 1", (4, 5)),
        ("hold undo 1", (5, 4)),
    ]
    assert (found.status_then, found.status_today) == ("Compensated", "Compensated")


def test_a_shorter_limit_runs_out_before_the_answer_came():
    lived = begun(HOLD)
    lived.now_ms += 20_000
    lived.replies("hold", Held())
    assert compared(lived, a_saga(step(hold, undo=let_go, within=timedelta(seconds=25)))).verdict == "same"
    found = compared(lived, a_saga(step(hold, undo=let_go, within=timedelta(seconds=5))))
    assert found.first == "at 1: hold do 1: outcome: ok then, unknown today"
    assert [one.name for one in found.lines] == ["hold do 1", "hold undo 1"]


def test_a_wait_that_is_new_never_runs_out_since_nobody_recorded_such_events():
    found = compared(COMPLETED, a_saga(HOLD, WAIT, CHARGE))
    assert (found.first, found.status_today) == ("at 2: charge do 1 then, nothing today", "Running")


def test_a_sleep_that_is_new_lets_recorded_answers_come_behind_it():
    found = compared(COMPLETED, a_saga(HOLD, sleep(timedelta(days=1)), CHARGE))
    assert (found.verdict, found.status_today) == ("same", "Completed")


def test_an_event_that_nothing_waits_for_today_is_told_of():
    found = compared(ENDED["waited"].replies("charge", Charged()), a_saga(HOLD, CHARGE))
    assert found.others == ("1 rerun.paid parked today (unwanted), not then",)
    assert found.verdict == "differs"


def test_what_a_person_did_and_could_not_do_today_is_told_of():
    found = compared(ENDED["skipped by hand"], a_saga(HOLD, pivot(charge)))
    assert (
        "SkipRequested by ann would be refused: the step is neither parked nor stuck: there is nothing to decide"
        in (found.others)
    )


def test_an_answer_that_todays_contract_does_not_take_stays_untold():
    @command(to="stock")
    def hold(ordered: Ordered) -> Take:
        return Take(order_id=ordered.order_id, cents=ordered.cents)

    found = compared(COMPLETED, a_saga(step(hold, undo=let_go), CHARGE))
    assert found.first == "at 1: hold do 1: the recorded answer does not fit: pieces: Field required"
    assert found.status_today == "Running"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (lambda: int("seven"), "it cannot be built: ValueError"),
        (iter(range(10)).__next__, "two calls with the same facts gave two messages: it must be pure"),
    ],
    ids=["raises", "impure"],
)
def test_a_function_that_builds_nothing_today_is_named(fault, told):
    @command(to="stock")
    def hold(ordered: Ordered) -> Hold:
        return Hold(order_id=ordered.order_id, cents=fault())

    found = compared(COMPLETED, a_saga(step(hold, undo=let_go), CHARGE))
    assert found.first.startswith(f"at 1: hold do 1: {told}")
    assert found.status_today == "Running"


def test_messages_that_are_not_kept_are_named_and_not_guessed():
    found = compared(COMPLETED, COMPLETED.saga, messages=())
    assert found.verdict == "unknown"
    assert found.unknown == (
        "input of hold do 1: it is not in the event store",
        "input of charge do 1: it is not in the event store",
    )
    kept = [replace(one, body=None, size=70_000) for one in COMPLETED.messages]
    assert (
        "input of hold do 1: its body of 70000 bytes was not kept"
        in compared(COMPLETED, COMPLETED.saga, messages=kept).unknown
    )
    foreign = [replace(one, body=b"\x00\x01", headers={"content-type": "avro/binary"}) for one in COMPLETED.messages]
    assert (
        "input of hold do 1: its body is no JSON (avro/binary)"
        in compared(COMPLETED, COMPLETED.saga, messages=foreign).unknown
    )
    sealed = compared(COMPLETED, COMPLETED.saga, messages=(), missing="the key 'k1' is not known here")
    assert sealed.unknown[0] == "input of hold do 1: the key 'k1' is not known here"


def test_a_journal_with_a_hole_is_named():
    journal = [one for one in COMPLETED.record.journal if one.revision != 2]
    found = compared(COMPLETED, COMPLETED.saga, journal=journal)
    assert found.unknown[0] == "the journal lacks revision 2"
    assert found.verdict != "same"


def test_a_journal_of_an_older_version_lacks_the_names_of_timers():
    lived = ENDED["retried"]
    journal = [replace(one, said=None) for one in lived.record.journal]
    found = compared(lived, lived.saga, journal=journal)
    assert "revision 3, Elapsed: an older version wrote it without the timer's name" in found.unknown


def test_a_journal_that_does_not_lead_to_the_state_is_named():
    lived = begun(HOLD, CHARGE).replies("hold", Held()).fails("charge", retryable=False)
    entries = [replace(one, kind="Refused") if one.kind == "Failed" else one for one in lived.record.journal]
    assert any("does not lead" in one for one in compared(lived, lived.saga, journal=entries).unknown)


def test_what_a_person_typed_is_not_guessed():
    found = compared(ENDED["edited"], ENDED["edited"].saga, requests={})
    assert "RetryRequested hold: what ann typed is not kept" in found.unknown
