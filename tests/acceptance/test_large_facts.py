"""Facts and events too large for Temporal, on real servers: a step fails, an event is parked, no execution hangs."""

import secrets
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from orchestrator import Event, Saga, action, parallel, step, wait_for
from orchestrator.adapters.rabbitmq.parking import REASON, TEXT
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.messages import Envelope
from tests.rabbitmq_kit import corner, until
from workers.saga_worker import open_worker

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


class Place:
    """A worker of these sagas on a corner of the broker, and what a test does with it."""

    def __init__(self, there, running):
        self.corner, self.running, self.key = there, running, secrets.token_hex(4)

    async def send(self, event: Event, message_id: str) -> None:
        envelope = Envelope(
            id=message_id, source="test", type=event.message_type, body=event.model_dump_json().encode()
        )
        async with Publisher.open(self.corner.settings) as publisher:
            await publisher.publish(envelope, exchange=self.corner.names.events, routing_key=event.message_type)

    async def begin(self, event: Any) -> Any:
        started = self.running.relay.counts.started
        await self.send(event, f"start-{event.key}")
        await until(lambda: self.running.relay.counts.started == started + 1)
        return self.running.client


@asynccontextmanager
async def place(folder):
    database = SecretStr(f"sqlite:///{folder / 'worker.db'}")
    plans = [saga.plan for saga in SAGAS]
    async with corner(plans, task_queue=f"bulk-{secrets.token_hex(4)}", database_url=database) as there:
        async with open_worker(SAGAS, there.settings, {}) as running:
            yield Place(there, running)


@pytest.mark.parametrize(("size", "failed"), [(900_000, "make_second"), (600_000, "make_third")])
async def test_a_result_for_which_there_is_no_room_fails_its_step_and_the_saga_turns_back(
    tmp_path, size, failed
) -> None:
    async with place(tmp_path) as here:
        client = await here.begin(BulkWanted(key=here.key, size=size))
        found = await client.get_workflow_handle(f"bulk-deep:{here.key}").result()
        assert (found["word"], found["abort"]["step"]) == ("Compensated", failed)
        assert f"its result takes {size + 11} bytes" in found["abort"]["text"]
        assert found["state"]["steps"][failed]["phase"] == "undone", "it was done, so it is undone"


async def test_attempts_that_are_too_much_for_one_message_are_asked_for_in_portions(tmp_path) -> None:
    async with place(tmp_path) as here:
        client = await here.begin(BulkAsked(key=here.key, size=0, ballast="x" * 900_000))
        found = await client.get_workflow_handle(f"bulk-wide:{here.key}").result()
        assert found["word"] == "Completed"


async def test_events_are_held_while_there_is_room_and_then_parked(tmp_path) -> None:
    async with place(tmp_path) as here:
        name = f"bulk-patient:{here.key}"
        client = await here.begin(BulkHoped(key=here.key, size=0))
        for number in range(4):
            await here.send(Noted(key=here.key, text="x" * 450_000), f"note-{number}")
        (parked,) = await here.corner.parked()
        assert parked.headers[REASON] == "no-room"
        assert "are left of what the execution may know" in str(parked.headers[TEXT])
        await here.running.executions.cancel(name, actor="ann", reason="enough")
        found = await client.get_workflow_handle(name).result()
        assert found["word"] == "Aborted"
        held = [str(message.headers[REASON]) for message in await here.corner.parked(3)]
        assert held == ["held-at-end"] * 3
