import asyncio
from contextlib import contextmanager
from typing import Any

import pytest

from orchestrator.contracts.protocol import CommandHeaders, Reply
from orchestrator.messages import Envelope
from orchestrator.service.ports import Delivery
from orchestrator.service.recording import MAX_BODY, RecordingCourier, RecordingExecutions
from tests.ledger_kit import PLANS

HEADERS = CommandHeaders(execution="shop:1", workflow="shop:1", step="pay", direction="undo", attempt=2, key="k")
EVENT = Envelope(id="e1", source="s", type="placed", body=b"{}", correlation_id="thread")
COMMAND = Envelope(id="c1", source="s", type="charge", body=b'{"a":1}', headers=HEADERS.to_headers())
REPLY = Reply(
    execution="shop:1",
    workflow="shop:1",
    step="pay",
    direction="do",
    attempt=1,
    command_id="c1",
    outcome="completed",
    body=b"1",
    message_id="r1",
)


class Buffer:
    def __init__(self):
        self.noted = []
        self.is_full = False

    def record(self, message):
        self.noted.append(message)

    async def admitted(self):
        self.noted.append("admitted")


class Courier:
    answer: asyncio.Future[Reply]

    def __init__(self, fault=None):
        self.fault = fault
        self.reply_to = "here"
        self.parked = []

    async def send(self, command):
        if self.fault:
            raise self.fault

    publish = send

    async def park(self, event, *, code, reason):
        self.parked.append((event, code, reason))

    @contextmanager
    def expect(self, command_id):
        self.answer = asyncio.get_running_loop().create_future()
        yield self.answer


class Executions:
    def __init__(self, delivery):
        self.delivery = delivery

    async def start(self, *_):
        return self.delivery

    deliver = answer = start

    async def is_available(self):
        return False


def courier_of(courier: Any, buffer: Any) -> RecordingCourier:
    return RecordingCourier(courier, buffer)


def executions_of(executions: Any, buffer: Any) -> RecordingExecutions:
    return RecordingExecutions(executions, buffer)


@pytest.fixture
def buffer():
    return Buffer()


async def test_a_command_that_the_broker_has_is_noted(buffer) -> None:
    await courier_of(Courier(), buffer).send(COMMAND)
    (noted,) = buffer.noted
    assert (noted.execution_id, noted.message_id, noted.direction, noted.kind, noted.type) == (
        "shop:1",
        "c1",
        "out",
        "command",
        "charge",
    )
    assert (noted.step, noted.call, noted.attempt, noted.body, noted.size) == ("pay", "undo", 2, b'{"a":1}', 7)


async def test_what_the_broker_did_not_take_is_not_noted(buffer) -> None:
    for send in (
        courier_of(Courier(OSError()), buffer).send,
        courier_of(Courier(OSError()), buffer).publish,
    ):
        with pytest.raises(OSError):
            await send(COMMAND)
    assert buffer.noted == []


async def test_of_a_large_body_only_the_size_is_kept(buffer) -> None:
    large = Envelope(id="e", source="s", type="t", body=b"x" * (MAX_BODY + 1), headers=HEADERS.to_headers())
    await courier_of(Courier(), buffer).publish(large)
    assert (buffer.noted[0].body, buffer.noted[0].size, buffer.noted[0].kind) == (None, MAX_BODY + 1, "event")


async def test_a_reply_is_noted_when_it_comes(buffer) -> None:
    inner = Courier()
    with courier_of(inner, buffer).expect("c1") as answer:
        inner.answer.set_result(REPLY)
        assert await answer == REPLY
    await asyncio.sleep(0)
    (noted,) = buffer.noted
    assert (noted.message_id, noted.direction, noted.kind, noted.outcome) == ("r1", "in", "reply", "completed")
    assert (noted.causation_id, noted.step, noted.body) == ("c1", "pay", b"1")


async def test_a_reply_that_never_comes_is_not_noted(buffer) -> None:
    inner = Courier()
    with courier_of(inner, buffer).expect("c1"):
        inner.answer.cancel()
    await asyncio.sleep(0)
    assert buffer.noted == []


async def test_the_rest_of_the_courier_is_as_it_was(buffer) -> None:
    inner = Courier()
    recording = courier_of(inner, buffer)
    await recording.park(EVENT, code="c", reason="r")
    assert inner.parked == [(EVENT, "c", "r")]
    assert recording.reply_to == "here"


@pytest.mark.parametrize("delivery", list(Delivery))
async def test_an_event_is_noted_if_the_engine_took_it(buffer, delivery) -> None:
    recording = executions_of(Executions(delivery), buffer)
    assert await recording.deliver("shop:1", EVENT, {}) is delivery
    taken = delivery in (Delivery.STARTED, Delivery.ACCEPTED)
    assert [(one.execution_id, one.message_id, one.kind) for one in buffer.noted] == [
        ("shop:1", EVENT.identity, "event")
    ] * taken


async def test_a_new_execution_waits_until_the_ledger_admits_it(buffer) -> None:
    await executions_of(Executions(Delivery.STARTED), buffer).start(PLANS["shop"], "shop:1", EVENT, {})
    assert buffer.noted[0] == "admitted"
    assert buffer.noted[1].correlation_id == "thread"


async def test_a_late_reply_is_noted_if_the_engine_took_it(buffer) -> None:
    await executions_of(Executions(Delivery.ENDED), buffer).answer(REPLY)
    assert buffer.noted == []
    await executions_of(Executions(Delivery.ACCEPTED), buffer).answer(REPLY)
    assert [one.kind for one in buffer.noted] == ["reply"]


async def test_whether_the_engine_answers_is_its_own_word(buffer) -> None:
    assert not await executions_of(Executions(Delivery.STARTED), buffer).is_available()
