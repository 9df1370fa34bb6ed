import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from aio_pika import Message
from pamqp import encode

from orchestrator.adapters.rabbitmq import gate
from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.rabbitmq.headers import LEFT_OUT
from orchestrator.adapters.rabbitmq.parking import CANDIDATES, EXCHANGE, QUEUE, REASON, RETRIES, ROUTING_KEY, TEXT
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.contracts.catalogue import Catalogue
from orchestrator.errors import EngineRefusedError
from orchestrator.saga.plan import Plan, SequencePlan, TriggerPlan
from orchestrator.service.ports import Delivery
from orchestrator.service.routing import Routes
from tests.rabbitmq_kit import CE, MESSAGES, PLAN, Engine, corner, until, wait_for
from workers.relay import Relay

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]

ORDER = b'{"order_id": "A17", "amount": 7}'


@asynccontextmanager
async def relaying(here, engine, plans=(PLAN,)):
    async with (
        connected(here.settings, purpose="consumer") as connection,
        Publisher.open(here.settings) as publisher,
        Relay.open(
            here.settings,
            connection,
            publisher,
            routes=Routes.of(plans),
            catalogue=Catalogue(MESSAGES),
            executions=engine,
        ) as relay,
    ):
        yield relay


def nested(depth):
    value: dict[str, object] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def settled(relay):
    counts = asdict(relay.counts)
    return counts.pop("consumed") == sum(counts.values())


REFUSED = {
    "not json": (b"hello", {}, "malformed", "not acceptable JSON"),
    "empty": (b"", {}, "malformed", "empty"),
    "two megabytes": (b"x" * 2_097_152, {}, "too-large", "2097152 bytes, 1048576 are allowed"),
    "nested 10,000 deep": (b"[" * 10_000 + b"]" * 10_000, {}, "malformed", "recursion"),
    "wrong schema": (b'{"order_id": ["A17"]}', {}, "wrong-schema", "order_id"),
    "unknown type": (ORDER, {"ce-type": "order.paid"}, "unknown-type", "'order.paid'"),
    "missing key": (b'{"order_id": " "}', {}, "missing-key", "'order_id'"),
    "unknown version": (ORDER, {"ce-dataversion": "2"}, "unknown-version", "only version 1 is taken here"),
    "key too long": (b'{"order_id": "%s"}' % (b"x" * 201), {}, "missing-key", "201 characters, 200 are allowed"),
    "key with a line break": (rb'{"order_id": "A\n17"}', {}, "missing-key", "a control character"),
    "no id": (ORDER, {"ce-id": None}, "malformed", "ce-id"),
    "no cloud event": (ORDER, dict.fromkeys(CE), "malformed", "no CloudEvent"),
    "nan": (b'{"order_id": "A17", "amount": NaN}', {}, "malformed", "JSON"),
    "lone surrogate": (rb'{"order_id": "\ud800"}', {}, "malformed", "JSON"),
    "a megabyte of digits": (b"1" * 1_000_000, {}, "malformed", "number"),
}


@pytest.mark.parametrize(("body", "headers", "reason", "told"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_message_that_cannot_be_taken_is_parked_as_it_came_and_the_queue_goes_on(body, headers, reason, told):
    engine = Engine()
    async with corner() as here, relaying(here, engine) as relay:
        await here.event(body, {**CE, **headers}, message_id="m1", expiration=600)
        (parked,) = await here.parked()
        assert parked.headers[REASON] == reason
        assert told in str(parked.headers[TEXT])
        assert parked.body == body
        assert parked.message_id == "m1"
        assert parked.expiration is None
        assert (parked.headers[EXCHANGE], parked.headers[ROUTING_KEY]) == (here.names.events, "order.placed")
        assert (parked.headers[QUEUE], parked.headers[RETRIES]) == (here.names.ingress, "0")
        for name, value in headers.items():
            assert parked.headers[name] == value
        assert engine.started == []
        await here.event(ORDER)
        await until(lambda: relay.counts.started == 1)
        assert settled(relay)


async def test_a_header_bomb_is_parked_without_its_fuse_and_the_relay_survives():
    engine = Engine()
    async with corner() as here, relaying(here, engine) as relay:
        # Published by the same library, which recurses as it writes: the limit is raised by now.
        await here.event(ORDER, {**CE, "bomb": nested(1_500)})
        await here.event(ORDER)
        (parked,) = await here.parked()
        await until(lambda: relay.counts.started == 1)
        assert parked.headers[REASON] == "malformed"
        assert "nested deeper" in str(parked.headers[TEXT])
        assert parked.headers["bomb"] == LEFT_OUT
        assert parked.headers["ce-id"] == "m1"
        assert parked.body == ORDER


@pytest.mark.parametrize(
    ("kind", "raw", "outcome"),
    [
        ("timestamp", b"\x7f" * 8, "started"),
        ("table", (4).to_bytes(4) + b"\x01\xffb\x01", "parked"),
    ],
    ids=["a time that no calendar has", "a header name that is no utf-8"],
)
async def test_what_would_end_the_reader_of_the_connection_is_one_message_only(monkeypatch, kind, raw, outcome):
    engine = Engine()
    async with corner() as here, relaying(here, engine) as relay:
        await here.event(b'{"order_id": "B1"}')
        await until(lambda: relay.counts.started == 1)
        with monkeypatch.context() as forged:
            forged.setitem(encode.METHODS, kind, lambda _: raw)
            await forge(here, ORDER)
        await here.event(b'{"order_id": "B2"}')
        await until(lambda: relay.counts.consumed == 3)
        await until(lambda: settled(relay))
        assert getattr(relay.counts, outcome) == (3 if outcome == "started" else 1)
        assert relay.counts.returned == 0


async def forge(here, body):
    """Publish with whatever the encoder writes just now."""
    async with here.connection.channel() as channel:
        exchange = await channel.get_exchange(here.names.events, ensure=False)
        sent = Message(body, headers=CE, delivery_mode=2, timestamp=datetime.now(UTC))
        await exchange.publish(sent, routing_key="order.placed")


async def test_a_message_that_the_engine_will_never_take_is_parked_and_harms_no_other():
    engine = Engine()

    def refuse(execution_id):
        if execution_id == "fulfil:bad":
            raise EngineRefusedError("Temporal answers INVALID_ARGUMENT: no")

    engine.on_call = refuse
    async with corner() as here, relaying(here, engine) as relay:
        await here.event(b'{"order_id": "bad"}')
        (parked,) = await here.parked()
        assert parked.headers[REASON] == "engine-refused"
        assert "INVALID_ARGUMENT" in str(parked.headers[TEXT])
        assert json.loads(str(parked.headers[CANDIDATES])) == ["fulfil:bad"]
        await here.event(ORDER)
        await until(lambda: relay.counts.started == 1)
        assert engine.calls["fulfil:bad"] == 1
        assert engine.probes == 0


async def test_a_trigger_starts_its_execution_and_is_acknowledged():
    engine = Engine()
    async with corner() as here, relaying(here, engine) as relay:
        await here.event(ORDER)
        await until(lambda: relay.counts.started == 1)
        assert engine.started == ["fulfil:A17"]
        assert await relay.is_healthy()
    async with corner():
        assert settled(relay)


@pytest.mark.parametrize(
    ("delivery", "counted"),
    [(Delivery.DUPLICATE, "duplicate"), (Delivery.ACCEPTED, "delivered"), (Delivery.CONFLICT, "parked")],
)
async def test_what_the_engine_says_about_a_trigger_is_counted(delivery, counted):
    engine = Engine({"fulfil:A17": delivery})
    async with corner() as here, relaying(here, engine) as relay:
        await here.event(ORDER)
        await until(lambda: getattr(relay.counts, counted) == 1)
        assert settled(relay)
        if counted == "parked":
            (parked,) = await here.parked()
            assert parked.headers[REASON] == "same-id-other-content"


async def test_an_event_for_a_finished_execution_is_parked_with_its_name():
    engine = Engine({"fulfil:A17": Delivery.ENDED})
    async with corner() as here, relaying(here, engine):
        await here.event(ORDER, {**CE, "ce-type": "payment.settled"}, key="payment.settled")
        (parked,) = await here.parked()
        assert parked.headers[REASON] == "ended"
        assert json.loads(str(parked.headers[CANDIDATES])) == ["fulfil:A17"]


@pytest.mark.parametrize(
    ("event", "counted", "reason"), [("prodded", "ignored", None), ("recalled", "parked", "no-execution")]
)
async def test_the_saga_says_what_becomes_of_an_event_without_an_execution(event, counted, reason):
    engine = Engine({"fulfil:A17": Delivery.MISSING})
    async with corner() as here, relaying(here, engine) as relay:
        await here.event(ORDER, {**CE, "ce-type": event}, key=event)
        await until(lambda: getattr(relay.counts, counted) == 1)
        if reason:
            (parked,) = await here.parked()
            assert parked.headers[REASON] == reason
        assert engine.calls["fulfil:A17"] == 1


async def test_an_early_event_waits_in_the_ladder_until_its_execution_comes():
    engine = Engine({"fulfil:A17": Delivery.MISSING})
    async with corner() as here, relaying(here, engine) as relay:
        await here.event(ORDER, {**CE, "ce-type": "payment.settled"}, key="payment.settled")
        await until(lambda: relay.counts.retried == 1)
        engine.answers.clear()
        await until(lambda: relay.counts.delivered == 1)
        assert [event_id for _, event_id in engine.delivered] == ["m1", "m1"]
        assert settled(relay)


async def test_an_event_whose_execution_never_comes_is_parked_when_patience_ends():
    engine = Engine({"fulfil:A17": Delivery.MISSING})
    async with corner() as here, relaying(here, engine) as relay:
        await here.event(ORDER, {**CE, "ce-type": "payment.settled", "other": "kept"}, key="payment.settled")
        (parked,) = await here.parked()
        assert parked.headers[REASON] == "no-execution"
        assert json.loads(str(parked.headers[CANDIDATES])) == ["fulfil:A17"]
        assert (parked.headers[EXCHANGE], parked.headers[ROUTING_KEY]) == (here.names.events, "payment.settled")
        assert int(str(parked.headers[RETRIES])) == relay.counts.retried >= 2
        assert parked.headers["other"] == "kept"
        assert "x-death" not in parked.headers
        assert parked.body == ORDER
        assert settled(relay)


async def test_an_event_that_may_start_the_saga_does_so():
    plan = PLAN.model_copy(
        update={"saga": "again", "root": SequencePlan(children=(wait_for("order.placed", "start"),))}
    )
    trigger = TriggerPlan(event="order.placed", gives="order", key="amount")
    plan = plan.model_copy(update={"trigger": trigger})
    engine = Engine({"again:A17": Delivery.MISSING})
    async with corner() as here, relaying(here, engine, [plan]) as relay:
        engine.on_call = lambda _: engine.answers.pop("again:A17", None) if engine.delivered else None
        await here.event(ORDER)
        await until(lambda: relay.counts.started == 1)
        assert sorted(engine.started) == ["again:7", "again:A17"]


async def test_of_several_executions_only_those_are_told_again_that_were_missing():
    other = Plan(
        saga="bill",
        version=1,
        trigger=TriggerPlan(event="payment.settled", gives="payment", key="order_id"),
        root=SequencePlan(children=()),
    )
    engine = Engine({"fulfil:A17": Delivery.MISSING})
    async with corner([PLAN, other]) as here, relaying(here, engine, [PLAN, other]) as relay:
        await here.event(ORDER, {**CE, "ce-type": "payment.settled"}, key="payment.settled")
        await until(lambda: relay.counts.retried == 1)
        engine.answers.clear()
        await until(lambda: relay.counts.delivered == 1)
        assert engine.started == ["bill:A17"]
        assert engine.calls == {"bill:A17": 1, "fulfil:A17": 2}


async def test_a_fault_of_ours_is_tried_again_and_then_parked():
    engine = Engine()

    def fail(_):
        raise ZeroDivisionError

    engine.on_call = fail
    async with corner(missing_patience=timedelta(seconds=1)) as here, relaying(here, engine) as relay:
        await here.event(ORDER)
        (parked,) = await here.parked()
        assert parked.headers[REASON] == "fault"
        assert "ZeroDivisionError" in str(parked.headers[TEXT])
        assert relay.counts.retried >= 1


async def test_messages_of_one_execution_are_handed_over_in_order_and_others_go_past():
    engine = Engine(hold={"fulfil:slow"})
    async with corner() as here, relaying(here, engine) as relay:
        await here.event(b'{"order_id": "slow"}')
        for number in range(5):
            await here.event(
                b'{"order_id": "slow"}', {**CE, "ce-id": f"e{number}", "ce-type": "prodded"}, key="prodded"
            )
        await here.event(b'{"order_id": "quick"}')
        await until(lambda: relay.counts.started == 1)
        assert engine.started == ["fulfil:quick"]
        assert engine.calls["fulfil:slow"] == 1
        engine.gates["fulfil:slow"].set()
        await until(lambda: relay.counts.delivered == 5)
        assert [event_id for _, event_id in engine.delivered] == [f"e{number}" for number in range(5)]


async def test_while_the_engine_is_away_nothing_is_lost_and_nothing_spins():
    engine = Engine(available=False)
    async with corner() as here, relaying(here, engine) as relay:
        for number in range(30):
            await here.event(b'{"order_id": "A%d"}' % number)
        await until(lambda: not relay.gate.is_open)
        await until(lambda: all(consumer.is_paused for consumer in relay._consumers))
        await until(lambda: engine.probes >= 3)
        held = relay.counts.consumed
        assert engine.calls.total() <= held <= here.settings.prefetch
        assert await here.depth(here.names.ingress) == 30 - held
        assert await relay.is_healthy()
        engine.available = True
        await until(lambda: relay.counts.started == 30)
        assert sorted(engine.started) == sorted(f"fulfil:A{number}" for number in range(30))
        assert settled(relay)


async def test_what_is_held_too_long_goes_back_to_the_queue(monkeypatch):
    monkeypatch.setitem(gate.Gate.__init__.__kwdefaults__, "longest_hold", timedelta(milliseconds=50))
    engine = Engine(available=False)
    async with corner() as here, relaying(here, engine) as relay:
        await here.event(ORDER)
        await until(lambda: relay.counts.returned == 1)
        assert await here.depth(here.names.ingress) == 1
        engine.available = True
        await until(lambda: relay.counts.started == 1)


async def test_a_forced_close_in_the_middle_loses_nothing():
    engine = Engine(hold={"fulfil:A17"})
    async with corner() as here, relaying(here, engine) as relay:
        await here.event(ORDER)
        await until(lambda: engine.calls["fulfil:A17"] == 1)
        await here.close_connections("consumer")
        await until(lambda: relay.counts.consumed == 2)
        engine.gates["fulfil:A17"].set()
        await until(lambda: relay.counts.started == 1)
        await until(lambda: relay.counts.returned == 1)
        assert settled(relay)
        assert engine.started == ["fulfil:A17"] * 2


async def test_stopping_while_the_engine_is_away_leaves_everything_in_the_queue():
    engine = Engine(available=False)
    async with corner() as here:
        async with relaying(here, engine) as relay:
            for number in range(5):
                await here.event(b'{"order_id": "A%d"}' % number)
            await until(lambda: not relay.gate.is_open)
            await asyncio.wait_for(relay.drain(timedelta(minutes=10)), 30)
        assert settled(relay)
        assert len(await here.take(here.names.ingress, 5)) == 5


async def test_draining_lets_what_is_in_hand_end():
    engine = Engine(hold={"fulfil:A17"})
    async with corner() as here, relaying(here, engine) as relay:
        await here.event(ORDER)
        await until(lambda: engine.calls["fulfil:A17"] == 1)
        draining = asyncio.create_task(relay.drain(timedelta(seconds=30)))
        engine.gates["fulfil:A17"].set()
        await draining
        assert relay.counts.started == 1
        assert settled(relay)
        assert await here.depth(here.names.ingress) == 0


async def test_an_event_that_nobody_is_bound_for_is_parked_with_what_to_do_about_it():
    async with corner() as here, relaying(here, Engine()) as relay:
        await here.event(ORDER, {**CE, "ce-type": "order.plcaed", "other": "kept"}, key="order.plcaed")
        (parked,) = await here.parked()
        assert parked.headers[REASON] == "unknown-type"
        for told in ("'order.plcaed'", "spelled", "`saga topology apply`", "saga-optional"):
            assert told in str(parked.headers[TEXT])
        assert (parked.headers[EXCHANGE], parked.headers[ROUTING_KEY]) == (here.names.events, "order.plcaed")
        assert parked.headers[QUEUE] == here.names.unrouted_queue
        assert (parked.body, parked.headers["other"]) == (ORDER, "kept")
        await until(lambda: relay.counts.parked == 1)
        assert await here.depth(here.names.unrouted_queue) == 0
        assert settled(relay)


async def test_what_nobody_is_bound_for_and_nobody_could_read_is_parked_too():
    async with corner() as here, relaying(here, Engine()) as relay:
        await here.event(b"hello", {"from": "a stranger"}, key="anything")
        (parked,) = await here.parked()
        assert parked.headers[REASON] == "malformed"
        await until(lambda: relay.counts.parked == 1)
        assert settled(relay)


@pytest.mark.parametrize(
    ("headers", "changes"),
    [({"saga-optional": "true"}, {}), ({}, {"unrouted_events": "ignore"})],
    ids=["its sender says so", "the setting says so"],
)
async def test_an_event_that_nobody_need_listen_to_leaves_no_trace(headers, changes):
    async with corner(**changes) as here, relaying(here, Engine()) as relay:
        await here.event(ORDER, {**CE, "ce-type": "order.told", **headers}, key="order.told")
        await until(lambda: relay.counts.unheard == 1)
        assert await here.depth(here.names.parking) == 0
        assert await here.depth(here.names.unrouted_queue) == 0
        assert settled(relay)


async def test_an_event_that_nobody_need_listen_to_may_travel_as_it_likes():
    async with corner() as here, relaying(here, Engine()) as relay:
        told = {**CE, "ce-type": "order.told", "saga-optional": "true"}
        await here.event(b"\xc3\x01", told, key="order.told", content_type="application/avro")
        await here.event(b"\xc3\x01", {**CE, "ce-id": "2", "ce-type": "order.told"}, key="a", content_type="a/b")
        await until(lambda: relay.counts.unheard == relay.counts.parked == 1)
        (parked,) = await here.parked()
        assert parked.headers[REASON] == "unknown-type"
        # What a saga takes is looked into, by whichever way it came.
        await here.event(ORDER, {**CE, "ce-id": "3"}, key="by.another.key", content_type="application/avro")
        await until(lambda: relay.counts.parked == 2)
        (parked,) = await here.parked()
        assert parked.headers[REASON] == "wrong-content-type"
        assert settled(relay)


async def test_an_event_that_came_before_its_saga_was_applied_or_by_another_key_is_not_lost():
    engine = Engine()
    async with corner() as here, relaying(here, engine) as relay:
        await here.event(ORDER, {**CE, "saga-optional": "true"}, key="by.another.key")
        await until(lambda: relay.counts.started == 1)
        assert engine.started == ["fulfil:A17"]
        assert settled(relay)


async def test_an_event_of_that_kind_whose_execution_is_missing_goes_up_the_ladder_and_comes_home():
    engine = Engine({"fulfil:A17": Delivery.MISSING})
    async with corner() as here, relaying(here, engine) as relay:
        await here.event(ORDER, {**CE, "ce-type": "payment.settled"}, key="by.another.key")
        await until(lambda: relay.counts.retried == 1)
        engine.answers.clear()
        await until(lambda: relay.counts.delivered == 1)
        assert settled(relay)


async def test_when_parking_is_full_the_message_stays_until_there_is_room():
    engine = Engine()
    async with corner() as here, here.connection.channel() as channel:
        await channel.queue_delete(here.names.parking)
        async with relaying(here, engine) as relay:
            await here.event(b"hello")
            await until(lambda: relay.counts.consumed == 1)
            assert relay.counts.parked == 0
            parking = await channel.declare_queue(
                here.names.parking, durable=True, arguments={"x-queue-type": "quorum"}
            )
            await parking.bind(here.names.dead_letters, "#")
            (parked,) = await here.parked()
            assert parked.headers[REASON] == "malformed"
            await until(lambda: relay.counts.parked == 1)
