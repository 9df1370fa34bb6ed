"""Facts and events too large for Temporal, on real servers: a step fails, an event is parked, no execution hangs."""

from datetime import timedelta

import pytest

from orchestrator import Event, Saga, action, parallel, step, wait_for
from orchestrator.adapters.rabbitmq.parking import REASON, TEXT
from tests.worker_kit import working

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]


class BulkWanted(Event, type="bulk.wanted"):
    key: str
    size: int
    ballast: str = ""


class BulkAsked(BulkWanted, type="bulk.asked"):
    pass


class BulkHoped(BulkWanted, type="bulk.hoped"):
    pass


class Due(BulkWanted, type="bulk.due"):
    pass


class Noted(Event, type="bulk.noted"):
    key: str
    text: str


class First(Event):
    text: str


class Second(Event):
    text: str


class Third(Event):
    text: str


@action(brief=True)
async def make_first(bulk_wanted: BulkWanted) -> First:
    return First(text="x" * bulk_wanted.size)


@action(brief=True)
async def make_second(bulk_wanted: BulkWanted) -> Second:
    return Second(text="y" * bulk_wanted.size)


@action
async def make_third(bulk_wanted: BulkWanted) -> Third:
    return Third(text="z" * bulk_wanted.size)


@action(brief=True)
async def drop(bulk_wanted: BulkWanted) -> None:
    assert bulk_wanted.size


@action
async def look(bulk_asked: BulkAsked) -> None:
    assert bulk_asked.ballast


deep = Saga(
    "bulk-deep",
    step(make_first, undo=drop),
    step(make_second, undo=drop),
    step(make_third, undo=drop),
    starts_on=BulkWanted,
    key="key",
    version=1,
)
wide = Saga(
    "bulk-wide",
    parallel(*(step(look, no_undo="only looks", as_=f"look_{number}") for number in range(6))),
    starts_on=BulkAsked,
    key="key",
    version=1,
)
patient = Saga(
    "bulk-patient",
    wait_for(Due, within=timedelta(minutes=5)),
    wait_for(Noted, within=timedelta(minutes=5)),
    starts_on=BulkHoped,
    key="key",
    version=1,
)
SAGAS = (deep, wide, patient)


@pytest.mark.parametrize(("size", "failed"), [(900_000, "make_second"), (600_000, "make_third")])
async def test_a_result_for_which_there_is_no_room_fails_its_step_and_the_saga_turns_back(
    tmp_path, size, failed
) -> None:
    async with working(tmp_path, SAGAS) as here:
        found = await (await here.begin(deep, BulkWanted(key=here.key, size=size))).result()
        assert (found["word"], found["abort"]["step"]) == ("Compensated", failed)
        assert f"its result takes {size + 11} bytes" in found["abort"]["text"]
        assert found["state"]["steps"][failed]["phase"] == "undone", "it was done, so it is undone"


async def test_attempts_that_are_too_much_for_one_message_are_asked_for_in_portions(tmp_path) -> None:
    async with working(tmp_path, SAGAS) as here:
        event = BulkAsked(key=here.key, size=0, ballast="x" * 900_000)
        found = await (await here.begin(wide, event)).result()
        assert found["word"] == "Completed"


async def test_events_are_held_while_there_is_room_and_then_parked(tmp_path) -> None:
    async with working(tmp_path, SAGAS) as here:
        execution = await here.begin(patient, BulkHoped(key=here.key, size=0))
        for number in range(4):
            await here.send(Noted(key=here.key, text="x" * 450_000), f"note-{number}")
        (parked,) = await here.corner.parked()
        assert parked.headers[REASON] == "no-room"
        assert "are left of what the execution may know" in str(parked.headers[TEXT])
        await here.running.executions.cancel(execution.id, actor="ann", reason="enough")
        found = await execution.result()
        assert found["word"] == "Aborted"
        held = [str(message.headers[REASON]) for message in await here.corner.parked(3)]
        assert held == ["held-at-end"] * 3
