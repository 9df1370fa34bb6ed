"""A rehearsal takes only what could happen."""

from datetime import timedelta

import pytest

from orchestrator import Event, Saga, action, step, wait_for
from orchestrator.errors import RehearsalError
from orchestrator.testing import rehearse


class Asked(Event, type="asked"):
    id: str


class Came(Event, type="came"):
    id: str


class Strange(Event, type="strange"):
    id: str


@action
async def work(asked: Asked) -> None: ...


WAITING = Saga(
    "waiting",
    step(work, no_undo="reads only"),
    wait_for(Came, within=timedelta(minutes=1)),
    starts_on=Asked,
    key="id",
    version=1,
)


def waiting():
    run = rehearse(WAITING, given=Asked(id="1"))
    run.succeeds(work)
    return run


def test_another_event_does_not_start_it() -> None:
    with pytest.raises(RehearsalError, match="waiting starts on Asked, not Came"):
        rehearse(WAITING, given=Came(id="1"))


def test_an_event_of_another_execution_is_refused() -> None:
    with pytest.raises(RehearsalError, match="this event is for waiting:2, not for waiting:1"):
        waiting().happens(Came(id="2"))


def test_time_does_not_go_back() -> None:
    with pytest.raises(RehearsalError, match="time does not go back"):
        waiting().after(timedelta(seconds=-5))


def test_an_event_after_the_end_is_parked() -> None:
    run = waiting()
    run.happens(Came(id="1"))
    assert run.status.word == "Completed"
    run.happens(Came(id="1"))
    assert [(park.event.type, park.code) for park in run.parked] == [("came", "ended")]


def test_an_event_that_no_step_waits_for_is_parked() -> None:
    run = waiting()
    run.happens(Strange(id="2"))
    assert [(park.event.type, park.code) for park in run.parked] == [("strange", "unwanted")]


def test_a_cancel_after_the_end_changes_nothing() -> None:
    run = waiting()
    run.happens(Came(id="1"))
    run.cancel()
    assert run.status.word == "Completed"
