import asyncio
import json
from contextlib import asynccontextmanager, nullcontext
from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.rabbitmq.pace import Pace
from orchestrator.adapters.rabbitmq.parking import CANDIDATES, REASON, TEXT
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.rabbitmq.replies import ReplyDesk
from orchestrator.adapters.rabbitmq.wire import to_amqp
from orchestrator.contracts.protocol import CommandHeaders, refusal_of, reply_to
from orchestrator.errors import EngineRefusedError, Rejected, TopologyError
from orchestrator.messages import Envelope
from orchestrator.service.ports import Delivery
from orchestrator.service.reply_contracts import ReplyContracts
from tests.rabbitmq_kit import Engine, corner, until
from tests.temporal_kit import saga

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]

HEADERS = CommandHeaders(
    execution="fulfil:A17",
    workflow="fulfil:A17",
    step="reserve",
    direction="do",
    attempt=1,
    key="fulfil:A17:reserve:do:1",
)
COMMAND = Envelope(
    id=HEADERS.command_id,
    source="/saga",
    type="inventory.reserve",
    body=b"{}",
    correlation_id="c1",
    headers=HEADERS.to_headers(),
)
REPLY = reply_to(COMMAND, source="/inventory", reply_type="StockReserved", body=b'{"reservation_id":"r1"}')


class Desk:
    """A desk with a participant beside it."""

    def __init__(self, here, desk, publisher):
        self.here = here
        self.desk = desk
        self.publisher = publisher

    async def reply(self, envelope=REPLY, *, to=None):
        await self.publisher.publish(
            envelope,
            exchange=self.here.names.replies,
            routing_key=to or self.desk.worker_id,
            pairs=envelope.causation_id,
        )

    def settled(self):
        counts = asdict(self.desk.counts)
        return counts.pop("consumed") == sum(counts.values())


@asynccontextmanager
async def open_desk(here, engine, **options):
    async with (
        connected(here.settings, purpose="replies") as connection,
        Publisher.open(here.settings) as publisher,
        ReplyDesk.open(here.settings, connection, publisher, engine, **options) as desk,
    ):
        yield Desk(here, desk, publisher)


async def test_a_reply_reaches_whoever_waits_for_it_in_this_process():
    engine = Engine()
    async with corner() as here, open_desk(here, engine) as beside:
        with beside.desk.expect(COMMAND.id) as reply:
            await beside.reply()
            found = await asyncio.wait_for(reply, 30)
        assert (found.command_id, found.outcome, found.body) == (COMMAND.id, "completed", REPLY.body)
        assert (found.execution, found.step, found.attempt) == ("fulfil:A17", "reserve", 1)
        await until(lambda: beside.desk.counts.handed == 1)
        assert engine.answered == []
        assert await beside.desk.is_healthy()
        assert beside.settled()


async def test_all_who_wait_for_one_command_get_the_reply_and_are_then_forgotten():
    async with corner() as here, open_desk(here, Engine()) as beside:
        with beside.desk.expect(COMMAND.id) as first, beside.desk.expect(COMMAND.id) as second:
            await beside.reply(
                refusal_of(COMMAND, source="/inventory", rejected=Rejected("out of stock", code="empty"))
            )
            found = await asyncio.gather(first, second)
        assert {(reply.outcome, reply.code, reply.reason) for reply in found} == {("rejected", "empty", "out of stock")}
        assert beside.desk._waiting == {}


@pytest.mark.parametrize(("delivery", "counted"), [(Delivery.ACCEPTED, "answered"), (Delivery.ENDED, "ignored")])
async def test_a_reply_that_nobody_waits_for_goes_to_its_execution(delivery, counted):
    engine = Engine({"fulfil:A17": delivery})
    async with corner() as here, open_desk(here, engine) as beside:
        await beside.reply()
        await until(lambda: getattr(beside.desk.counts, counted) == 1)
        assert [reply.command_id for reply in engine.answered] == [COMMAND.id]
        assert beside.settled()


async def test_a_second_reply_goes_to_the_execution_too():
    engine = Engine({"fulfil:A17": Delivery.ENDED})
    async with corner() as here, open_desk(here, engine) as beside:
        with beside.desk.expect(COMMAND.id) as reply:
            await beside.reply()
            await reply
            await beside.reply()
            await until(lambda: beside.desk.counts.ignored == 1)
        assert beside.desk.counts.handed == 1


async def test_a_reply_of_an_unknown_execution_climbs_the_ladder_and_is_parked():
    engine = Engine({"fulfil:A17": Delivery.MISSING})
    async with corner() as here, open_desk(here, engine) as beside:
        await beside.reply()
        (parked,) = await here.parked()
        assert parked.headers[REASON] == "no-execution"
        assert json.loads(str(parked.headers[CANDIDATES])) == ["fulfil:A17"]
        assert parked.body == REPLY.body
        await until(lambda: beside.desk.counts.parked == 1)
        assert beside.desk.counts.retried >= 2
        assert beside.settled()


async def test_a_reply_whose_execution_appears_meanwhile_is_delivered():
    engine = Engine({"fulfil:A17": Delivery.MISSING})
    async with corner() as here, open_desk(here, engine) as beside:
        await beside.reply()
        await until(lambda: beside.desk.counts.retried == 1)
        engine.answers.clear()
        await until(lambda: beside.desk.counts.answered == 1)


@pytest.mark.parametrize(
    ("headers", "told"),
    [({"saga-outcome": "maybe"}, "saga-outcome is 'maybe'"), ({"saga-id": None}, "lacks header 'saga-id'")],
)
async def test_a_reply_that_cannot_be_read_is_parked(headers, told):
    async with corner() as here, open_desk(here, Engine()) as beside:
        changed = {name: value for name, value in {**REPLY.headers, **headers}.items() if value is not None}
        await beside.reply(Envelope(id="r1", source="/x", type="t", body=b"{}", causation_id="c", headers=changed))
        (parked,) = await here.parked()
        assert parked.headers[REASON] == "malformed"
        assert told in str(parked.headers[TEXT])


UNFIT = {
    "not json": (b"hello", "malformed", "not acceptable JSON"),
    "another type": (b'{"reservation_id": 7}', "wrong-schema", "the reply to take"),
}


def unfit(body):
    headers = {**REPLY.headers, "saga-id": "fetch:1", "saga-workflow": "fetch:1", "saga-step": "take"}
    return replace(REPLY, body=body, headers=headers)


@pytest.mark.parametrize(("body", "reason", "told"), UNFIT.values(), ids=UNFIT.keys())
@pytest.mark.parametrize("late", [False, True], ids=["awaited", "late"])
async def test_a_reply_that_does_not_fit_fails_its_step_and_is_parked_with_its_reason(late, body, reason, told):
    engine, contracts = Engine(), ReplyContracts.of([saga])
    async with corner() as here, open_desk(here, engine, contracts=contracts) as beside:
        with nullcontext() if late else beside.desk.expect(COMMAND.id) as waiting:
            await beside.reply(unfit(body))
            (parked,) = await here.parked()
            failed = engine.answered[0] if waiting is None else await waiting
        assert (failed.outcome, failed.retryable, failed.code, failed.body) == ("failed", False, reason, b"null")
        assert told in failed.reason
        assert (parked.headers[REASON], parked.body) == (reason, body)
        assert told in str(parked.headers[TEXT])
        assert json.loads(str(parked.headers[CANDIDATES])) == ["fetch:1"]
        await until(lambda: beside.desk.counts.parked == 1)
        assert len(engine.answered) == (1 if late else 0)
        assert beside.settled()


async def test_a_reply_whose_body_cannot_be_decoded_fails_its_step_too():
    async with corner() as here, open_desk(here, Engine()) as beside:
        with beside.desk.expect(COMMAND.id) as waiting:
            sent = to_amqp(REPLY)
            sent.content_type = "application/avro"
            await beside.publisher.send(sent, exchange=here.names.replies, routing_key=beside.desk.worker_id)
            (parked,) = await here.parked()
            failed = await waiting
        assert (failed.outcome, failed.code, failed.body) == ("failed", "wrong-content-type", b"null")
        assert (parked.headers[REASON], parked.body) == ("wrong-content-type", REPLY.body)
        await until(lambda: beside.desk.counts.parked == 1)
        assert beside.settled()


async def test_a_reply_that_the_engine_will_never_take_fails_its_step_and_is_parked():
    engine = Engine()

    def refuse(_):
        engine.on_call = lambda _: None
        raise EngineRefusedError("Temporal answers INVALID_ARGUMENT: no")

    engine.on_call = refuse
    async with corner() as here, open_desk(here, engine) as beside:
        await beside.reply()
        (parked,) = await here.parked()
        assert parked.headers[REASON] == "engine-refused"
        (failed,) = engine.answered
        assert (failed.outcome, failed.code) == ("failed", "engine-refused")
        assert beside.desk.gate.is_open


async def test_a_reply_of_which_nothing_can_be_told_is_parked_all_the_same():
    engine = Engine()

    def refuse(_):
        raise EngineRefusedError("Temporal answers INVALID_ARGUMENT: no")

    engine.on_call = refuse
    async with corner() as here, open_desk(here, engine) as beside:
        await beside.reply()
        (parked,) = await here.parked()
        assert parked.headers[REASON] == "engine-refused"
        assert (engine.answered, engine.calls.total(), engine.probes) == ([], 2, 0)


async def test_a_fault_of_ours_is_tried_again_and_then_parked_with_its_reason():
    engine = Engine()

    def fail(_):
        raise ZeroDivisionError

    engine.on_call = fail
    async with corner(missing_patience=timedelta(seconds=1)) as here, open_desk(here, engine) as beside:
        await beside.reply()
        (parked,) = await here.parked()
        assert parked.headers[REASON] == "fault"
        assert "ZeroDivisionError" in str(parked.headers[TEXT])
        assert beside.desk.counts.retried >= 1


async def test_late_replies_beyond_the_pace_of_their_execution_wait_in_the_shared_queue_and_nobody_waits_behind_them():
    engine, pace = Engine(), Pace(burst=1, interval=1)
    async with corner() as here, open_desk(here, engine, pace=pace) as beside:
        engine.hold.add("fulfil:A17")
        for _ in range(5):
            await beside.reply()
        await until(lambda: beside.desk.counts.returned >= 1)
        with beside.desk.expect("command-2") as waiting:
            await beside.reply(replace(REPLY, causation_id="command-2"))
            assert (await asyncio.wait_for(waiting, 30)).command_id == "command-2"
        engine.gates["fulfil:A17"].set()
        await until(lambda: beside.desk.counts.answered == 5)
        await until(beside.settled)


async def test_while_the_engine_is_away_an_unfit_reply_waits_like_any_other():
    engine = Engine(available=False)
    async with corner() as here, open_desk(here, engine, contracts=ReplyContracts.of([saga])) as beside:
        await beside.reply(unfit(b"hello"))
        await until(lambda: not beside.desk.gate.is_open)
        await until(lambda: engine.probes >= 2)
        assert await here.depth(here.names.parking) == 0
        engine.available = True
        (parked,) = await here.parked()
        assert (parked.headers[REASON], engine.answered[0].outcome) == ("malformed", "failed")


async def test_a_reply_may_name_its_command_by_the_amqp_id_alone_but_must_name_it():
    async with corner() as here, open_desk(here, Engine()) as beside:
        foreign = Envelope(id="r1", source="/x", type="t", body=b"{}", headers=REPLY.headers)
        with beside.desk.expect("command-1") as reply:
            await beside.publisher.publish(
                foreign, exchange=here.names.replies, routing_key=beside.desk.worker_id, pairs="command-1"
            )
            assert (await reply).command_id == "command-1"
        await beside.reply(foreign)
        (parked,) = await here.parked()
        assert "ce-causationid" in str(parked.headers[TEXT])


async def test_a_reply_to_a_process_without_a_queue_goes_to_the_shared_one_at_once():
    engine = Engine()
    async with corner() as here, open_desk(here, engine) as beside:
        await beside.reply(to="never-lived")
        await until(lambda: beside.desk.counts.answered == 1)


async def test_a_reply_to_a_process_that_died_is_fetched_by_another():
    engine = Engine()
    async with corner() as here:
        async with open_desk(here, Engine(), worker_id="dead"):
            pass
        async with open_desk(here, engine) as beside:
            await beside.reply(to="dead")
            assert await here.depth(here.names.reply_queue("dead")) == 1
            await until(lambda: beside.desk.counts.answered == 1)


async def test_while_the_engine_is_away_waiters_are_served_and_the_rest_is_kept():
    engine = Engine(available=False)
    async with corner() as here, open_desk(here, engine) as beside:
        await beside.reply()
        await until(lambda: not beside.desk.gate.is_open)
        shared = beside.desk._consumers[1]
        await until(lambda: shared.is_paused)
        with beside.desk.expect(COMMAND.id) as reply:
            await beside.reply()
            await reply
        await beside.reply()
        await until(lambda: beside.desk.counts.returned >= 2)
        calls = engine.calls.total()
        await until(lambda: engine.probes >= 3)
        assert engine.calls.total() == calls
        engine.available = True
        await until(lambda: beside.desk.counts.answered == 2)
        assert beside.settled()


async def test_a_forced_close_loses_no_reply():
    engine = Engine(hold={"fulfil:A17"})
    async with corner() as here, open_desk(here, engine) as beside:
        await beside.reply()
        await until(lambda: engine.calls["fulfil:A17"] == 1)
        await here.close_connections("replies")
        await until(lambda: engine.calls["fulfil:A17"] == 2)
        engine.gates["fulfil:A17"].set()
        await until(lambda: beside.desk.counts.answered == 1)
        with beside.desk.expect(COMMAND.id) as reply:
            await beside.reply()
            await asyncio.wait_for(reply, 30)


async def test_draining_lets_what_is_in_hand_end():
    engine = Engine(hold={"fulfil:A17"})
    async with corner() as here, open_desk(here, engine) as beside:
        await beside.reply()
        await until(lambda: engine.calls["fulfil:A17"] == 1)
        draining = asyncio.create_task(beside.desk.drain(timedelta(seconds=30)))
        engine.gates["fulfil:A17"].set()
        await draining
        assert beside.desk.counts.answered == 1


async def test_a_broker_without_the_exchange_is_told():
    async with corner() as here, here.connection.channel() as channel:
        await channel.exchange_delete(here.names.replies)
        with pytest.raises(TopologyError, match="saga topology apply"):
            async with open_desk(here, Engine()):
                pass
