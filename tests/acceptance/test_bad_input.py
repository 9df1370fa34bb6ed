"""Whatever comes in: the whole shop on real servers refuses it with a reason, goes on, and does nothing twice."""

import asyncio
import json
from dataclasses import asdict
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.service import RPCError, RPCStatusCode

from orchestrator.adapters.rabbitmq.parking import CANDIDATES, EXCHANGE, QUEUE, REASON, ROUTING_KEY, TEXT
from orchestrator.contracts.protocol import CommandHeaders
from tests.rabbitmq_kit import CE, until
from tests.shop_kit import ALL, shop

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
PLACED = "order.placed"


def nested(depth):
    return b'{"order_id": ' + b"[" * depth + b"]" * depth + b"}"


REFUSED = {
    "not json": (PLACED, b"hello", {}, "malformed", "not acceptable JSON"),
    "2 MiB": (PLACED, b"x" * 2_097_152, {}, "too-large", "1048576 are allowed"),
    "nested 10,000 deep": (PLACED, nested(10_000), {}, "malformed", "recursion"),
    "wrong schema": (PLACED, b'{"order_id": 7}', {}, "wrong-schema", "order_id"),
    "unknown type, known key": (PLACED, b"{}", {"ce-type": "order.plcaed"}, "unknown-type", "'order.plcaed'"),
    "unknown type": ("order.plcaed", b"{}", {"ce-type": "order.plcaed"}, "unknown-type", "saga topology apply"),
    "missing key": (
        PLACED,
        b'{"order_id": " ", "customer": "c", "lines": [{"sku": "tea", "quantity": 1}], "total_cents": 1}',
        {},
        "missing-key",
        "'order_id'",
    ),
    "three times as large in Temporal": (
        PLACED,
        (
            '{"order_id": "A17", "customer": "%s", "lines": [{"sku": "tea", "quantity": 1}], "total_cents": 1}'
            % ("\N{GRINNING FACE}" * 250_000)
        ).encode(),
        {},
        "too-large",
        "1900000 are allowed",
    ),
    "no envelope": (PLACED, b"{}", dict.fromkeys(CE), "malformed", "ce-id"),
}


async def all_settled(place):
    """Every message that the relay took met one of the ends that it counts."""

    def adds_up():
        counts = asdict(place.running.relay.counts)
        return counts.pop("consumed") == sum(counts.values())

    await until(adds_up)
    for queue in (place.corner.names.ingress, place.corner.names.unrouted_queue, place.corner.names.replies):
        assert await place.corner.depth(queue) == 0


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED.keys())
async def test_a_message_that_cannot_be_taken_is_parked_and_the_next_order_is_fulfilled(tmp_path, refused) -> None:
    key, body, headers, reason, told = refused
    async with shop(tmp_path, *ALL) as place:
        await place.corner.event(body, {**CE, "ce-type": key, **headers}, key=key)
        (parked,) = await place.corner.parked()
        assert parked.headers[REASON] == reason
        assert told in str(parked.headers[TEXT])
        assert parked.body == body
        assert (await place.result(await place.place(place.order())))["word"] == "Completed"
        assert (await place.effects()).count(("money", "do")) == 1
        await all_settled(place)
        assert await place.corner.depth(place.corner.names.parking) == 0


async def test_a_batch_of_cloudevents_is_parked_whole_and_starts_nothing(tmp_path) -> None:
    async with shop(tmp_path) as place:
        one = {"specversion": "1.0", "id": "b1", "source": "/partner", "type": PLACED}
        body = json.dumps([{**one, "data": json.loads(place.order().model_dump_json())}]).encode()
        await place.corner.event(body, {}, content_type="application/cloudevents-batch+json")
        (parked,) = await place.corner.parked()
        assert parked.headers[REASON] == "malformed"
        assert "a batch of CloudEvents is not taken: send each event as a message" in str(parked.headers[TEXT])
        assert (parked.body, parked.content_type) == (body, "application/cloudevents-batch+json")
        assert place.running.relay.counts.started == 0


async def test_the_same_id_with_other_content_is_parked_while_the_order_runs(tmp_path) -> None:
    async with shop(tmp_path) as place:
        order = place.order()
        await place.place(order)
        await place.place(order.model_copy(update={"total_cents": 1}))
        (parked,) = await place.corner.parked()
        assert parked.headers[REASON] == "same-id-other-content"
        names, headers = place.corner.names, parked.headers
        assert (headers["ce-id"], headers["ce-source"]) == (f"placed-{order.order_id}", "test")
        assert (headers[EXCHANGE], headers[ROUTING_KEY], headers[QUEUE]) == (names.events, PLACED, names.ingress)
        assert json.loads(str(headers[CANDIDATES])) == [f"fulfil-order:{order.order_id}"]
        assert f"'fulfil-order:{order.order_id}' cannot use message 'placed-{order.order_id}'" in str(headers[TEXT])
        assert str(headers[TEXT]).endswith("send it with a new id, or ignore it")
        assert json.loads(parked.body)["total_cents"] == 1
        async with place.serving(*ALL):
            assert (await place.result(f"fulfil-order:{order.order_id}"))["word"] == "Completed"
        assert (await place.effects()).count(("money", "do")) == 1
        await all_settled(place)


async def test_the_same_id_with_other_content_is_parked_after_the_order_has_ended(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place:
        order = place.order()
        await place.result(await place.place(order))
        await place.place(order)
        await until(lambda: place.running.relay.counts.duplicate == 1)
        await place.place(order.model_copy(update={"total_cents": 1}))
        (parked,) = await place.corner.parked()
        assert parked.headers[REASON] == "same-id-other-content"
        assert order.order_id in str(parked.headers[TEXT])
        assert (await place.effects()).count(("money", "do")) == 1
        await all_settled(place)


def reply(execution, step="reserve_stock", *, outcome="completed", body=b'{"reservation_id": "r9"}'):
    """As the participant would send it, of this execution's first attempt."""
    key = f"{execution}:{step}:do:1"
    headers = CommandHeaders(execution=execution, workflow=execution, step=step, direction="do", attempt=1, key=key)
    told = {
        name: value
        for name, value in headers.to_headers().items()
        if name in ("saga-id", "saga-workflow", "saga-step", "saga-direction", "saga-attempt")
    }
    return {
        **CE,
        "ce-id": f"reply-{outcome}",
        "ce-type": "inventory.reserved",
        "ce-causationid": headers.command_id,
        **told,
        "saga-outcome": outcome,
    }, body


async def tell(place, headers, body):
    names = place.corner.names
    await place.corner.put(body, headers, exchange=names.replies, key=place.running.desk.worker_id)


async def test_a_second_reply_while_the_order_runs_changes_nothing_whatever_it_says(tmp_path) -> None:
    async with shop(tmp_path, "inventory") as place:
        execution = await place.place(place.order())
        while await place.corner.depth(place.corner.names.command_queue("payments")) == 0:
            await asyncio.sleep(0.05)
        before = place.running.desk.counts.answered
        await tell(place, *reply(execution))
        await tell(place, *reply(execution, outcome="rejected", body=b"null"))
        await until(lambda: place.running.desk.counts.answered == before + 2)
        async with place.serving("payments", "shipping"):
            result = await place.result(execution)
        assert (result["word"], result["abort"]) == ("Completed", None)
        facts = result["state"]["facts"]
        assert facts["stock_reserved"]["reservation_id"] == f"r-{execution.partition(':')[2]}"
        assert await place.corner.depth(place.corner.names.parking) == 0
        await all_settled(place)


async def test_a_reply_for_an_order_that_has_ended_is_acknowledged_and_counted_as_ignored(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place:
        execution = await place.place(place.order())
        await place.result(execution)
        await tell(place, *reply(execution))
        await until(lambda: place.running.desk.counts.ignored == 1)
        counts = asdict(place.running.desk.counts)
        assert counts.pop("consumed") == sum(counts.values())
        assert await place.corner.depth(place.corner.names.parking) == 0
        await all_settled(place)


async def test_a_reply_of_an_unknown_execution_waits_for_it_and_is_parked_with_its_name(tmp_path) -> None:
    async with shop(tmp_path, *ALL, missing_patience=timedelta(seconds=2)) as place:
        await tell(place, *reply(f"fulfil-order:{place.run}-9"))
        (parked,) = await place.corner.parked()
        assert parked.headers[REASON] == "no-execution"
        assert f"{place.run}-9" in str(parked.headers[TEXT])
        assert place.running.desk.counts.retried >= 1
        assert (await place.result(await place.place(place.order())))["word"] == "Completed"


async def test_a_reply_of_an_execution_that_appears_meanwhile_is_handed_to_it(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place:
        order = place.order()
        await tell(place, *reply(f"fulfil-order:{order.order_id}"))
        await until(lambda: place.running.desk.counts.retried == 1)
        assert (await place.result(await place.place(order)))["word"] == "Completed"
        await until(lambda: place.running.desk.counts.ignored + place.running.desk.counts.answered >= 1)
        assert await place.corner.depth(place.corner.names.parking) == 0


@pytest.mark.parametrize(
    ("headers", "body", "told"),
    [
        ({"saga-outcome": "perhaps"}, b"null", "saga-outcome"),
        ({"saga-step": None}, b"null", "saga-step"),
        ({"saga-workflow": ""}, b"null", "saga-workflow"),
        ({}, b"not json", "not acceptable JSON"),
    ],
)
async def test_a_reply_that_cannot_be_read_is_parked_and_the_right_one_is_taken(tmp_path, headers, body, told) -> None:
    async with shop(tmp_path) as place:
        execution = await place.place(place.order())
        while await place.corner.depth(place.corner.names.command_queue("inventory")) == 0:
            await asyncio.sleep(0.05)
        good, _ = reply(execution, step="charge_payment")
        await tell(place, {**good, **headers}, body)
        (parked,) = await place.corner.parked()
        assert parked.headers[REASON] == "malformed"
        assert told in str(parked.headers[TEXT])
        assert place.running.desk.gate.is_open
        async with place.serving(*ALL):
            assert (await place.result(execution))["word"] == "Completed"


@pytest.mark.parametrize(
    ("body", "reason"), [(b'{"nope": 1}', "wrong-schema"), (b"not json", "malformed")], ids=["wrong type", "not json"]
)
async def test_a_late_reply_that_does_not_fit_never_becomes_a_fact(tmp_path, body, reason) -> None:
    """The step counts as failed with unknown outcome, as when somebody waits for the reply: all is undone."""
    async with shop(tmp_path, "inventory") as place:
        execution = await place.place(place.order())
        while await place.corner.depth(place.corner.names.command_queue("payments")) == 0:
            await asyncio.sleep(0.05)
        headers, _ = reply(execution, step="charge_payment")
        before = place.running.desk.counts.parked
        await tell(place, headers, body)
        await until(lambda: place.running.desk.counts.parked == before + 1)
        (parked,) = await place.corner.parked()
        assert (parked.headers[REASON], parked.body) == (reason, body)
        async with place.serving("payments", "shipping"):
            result = await place.result(execution)
        assert result["word"] == "Compensated"
        assert "cannot be used" in result["abort"]["text"]
        assert "payment_charged" not in result["state"]["facts"]


async def test_a_reply_for_a_step_that_the_saga_does_not_have_is_parked_and_harms_nobody(tmp_path) -> None:
    async with shop(tmp_path, "inventory") as place:
        execution = await place.place(place.order())
        while await place.corner.depth(place.corner.names.command_queue("payments")) == 0:
            await asyncio.sleep(0.05)
        before = place.running.desk.counts.answered
        await tell(place, *reply(execution, step="no_such_step"))
        await until(lambda: place.running.desk.counts.answered == before + 1)
        (parked,) = await place.corner.parked()
        assert "no_such_step" in str(parked.headers[TEXT])
        assert parked.headers[QUEUE] == place.corner.names.replies
        assert json.loads(str(parked.headers[CANDIDATES])) == [execution]
        async with place.serving("payments", "shipping"):
            assert (await place.result(execution))["word"] == "Completed"


async def test_a_command_that_nobody_is_bound_for_is_sent_again_until_somebody_is(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place:
        names = place.corner.names
        queue, key = names.command_queue("inventory"), "inventory.reserve"
        async with place.corner.connection.channel() as channel:
            bound = await channel.get_queue(queue, ensure=False)
            await bound.unbind(names.commands, key)
            execution = await place.place(place.order())
            handle = place.running.client.get_workflow_handle(execution)
            await resent(handle)
            assert await place.effects() == []
            await bound.bind(names.commands, key)
        assert (await place.result(execution))["word"] == "Completed"
        assert (await place.effects()).count(("stock", "do")) == 1
        await all_settled(place)


async def resent(handle):
    """Wait until an execution waits for the moment to send a command again: it has asked for a timer twice."""
    timers = 0
    while timers < 2:
        await asyncio.sleep(0.1)
        try:
            history = await handle.fetch_history()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            continue  # not started yet
        timers = sum(event.event_type == EventType.EVENT_TYPE_TIMER_STARTED for event in history.events)


async def test_an_event_of_ours_that_nobody_listens_to_is_nobodys_business(tmp_path) -> None:
    async with shop(tmp_path, *ALL, event_store=False) as place:  # the store would hear it
        await place.result(await place.place(place.order()))
        await until(lambda: place.running.relay.counts.unheard == 1)  # order.fulfilled
        assert await place.corner.depth(place.corner.names.parking) == 0
        await all_settled(place)
