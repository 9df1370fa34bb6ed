"""The words of a flow: what they hold, where they were written, and that nothing else is offered."""

from datetime import timedelta
from typing import Any

import pytest

import orchestrator
from orchestrator import (
    Command,
    Event,
    Retry,
    action,
    command,
    event,
    parallel,
    pivot,
    publish,
    sequence,
    sleep,
    step,
    wait_for,
)
from orchestrator.saga.flow import holds_pivot, parts_within
from orchestrator.saga.places import caller_place

DAY = timedelta(days=1)


class Placed(Event):
    order_id: str


class Reserve(Command["Reserved"]):
    order_id: str


class Reserved(Event):
    pass


@command(to="stock")
def reserve(placed: Placed) -> Reserve:
    return Reserve(order_id=placed.order_id)


@action
async def work(placed: Placed) -> None: ...


@event
def told(placed: Placed) -> Placed:
    return placed


def test_a_step_is_called_like_its_function_and_its_fact_like_the_reply() -> None:
    plain, renamed = step(reserve), step(reserve, as_="deposit")
    assert (plain.id, plain.fact) == ("reserve", "reserved")
    assert (renamed.id, renamed.fact) == ("deposit", "deposit")
    assert step(work, as_="labour").fact is None


def test_every_part_knows_where_it_was_written() -> None:
    here = caller_line()
    parts: list[Any] = [step(work), pivot(work), publish(told), wait_for(Placed), sleep(DAY), sequence(), parallel()]
    assert {part.place for part in parts} == {f"saga/test_flow.py:{here + 1}"}


def caller_line() -> int:
    return int(caller_place().rpartition(":")[2])


def test_an_undo_goes_on_for_four_minutes_before_a_person_is_asked() -> None:
    policy = step(reserve, undo=work).undo_retry
    waited = sum((policy.delay(attempt) for attempt in range(1, (policy.attempts or 0) + 1)), timedelta())
    assert timedelta(minutes=4) < waited < timedelta(minutes=5)


def test_a_publish_without_a_correcting_event_needs_no_undo() -> None:
    assert publish(told).no_undo == "what was told cannot be untold"
    corrected = publish(told, undo=publish(told), undo_retry=Retry(attempts=7))
    assert (corrected.undo, corrected.no_undo, corrected.undo_retry.attempts) == (told, None, 7)


def test_a_pivot_can_be_probed_and_has_no_undo() -> None:
    made = pivot(work, probe=reserve, within=timedelta(minutes=2))
    assert (made.is_pivot, made.undo, made.functions) == (True, None, (work, reserve))


def test_a_wait_and_a_sleep_have_names_of_their_own() -> None:
    assert wait_for(Placed).id == "placed"
    assert wait_for(Placed, as_="again").id == "again"
    assert sleep(timedelta(seconds=2)).id == "sleep_2000ms"
    assert sleep(timedelta(seconds=2), as_="rest").id == "rest"


def test_parts_are_found_however_deep_they_stand() -> None:
    deep = parallel(step(work), sequence(sleep(DAY), parallel(pivot(reserve))))
    assert [type(part).__name__ for part in parts_within((deep,))] == [
        "Parallel",
        "Step",
        "Sequence",
        "Sleep",
        "Parallel",
        "Step",
    ]
    assert holds_pivot(deep)
    assert not holds_pivot(sequence(step(work)))


@pytest.mark.parametrize("name", ["wait_any", "each", "choose", "repeat", "child", "approval", "scope", "sleep_until"])
def test_kinds_that_do_not_work_yet_are_not_offered(name) -> None:
    assert not hasattr(orchestrator, name)


def test_the_front_door_offers_what_it_lists() -> None:
    assert all(hasattr(orchestrator, name) for name in orchestrator.__all__)
