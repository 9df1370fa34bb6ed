"""Orders on the real servers: what a shop sees on good days and on bad ones."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace

import pytest
from temporalio import activity
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

from orchestrator.adapters.rabbitmq import parking
from orchestrator.adapters.temporal.connecting import connect, retention_of
from orchestrator.errors import RefusedCommandError
from orchestrator.messages import Envelope, short_hash
from sagas.order_fulfilment.messages import PaymentSettled
from tests.rabbitmq_kit import until
from tests.shop_kit import ALL, shop
from workers.ledger import open_reader
from workers.saga_worker import saga_plugin

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
PAID = PaymentSettled.message_type
NOTHING_LEFT = {"stock": 0, "money": 0, "label": 0, "parcel": 0, "shipment": 0}


def left(effects):
    """What is done and not undone, by kind."""
    kinds = dict(NOTHING_LEFT)
    for what, direction in effects:
        kinds[what] += 1 if direction == "do" else -1
    return kinds


async def test_an_order_is_fulfilled(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place:
        result = await place.result(await place.place(place.order()))
        assert result["word"] == "Completed"
        assert {name: step["outcome"] for name, step in result["steps"].items()} == dict.fromkeys(result["steps"], "ok")
        # Events and late replies of one execution come at one pace together.
        assert place.running.desk._pace is place.running.relay._turns._pace


async def test_an_order_whose_payment_is_declined_gives_the_stock_back(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place:
        result = await place.result(await place.place(place.order(simulate="payment-declined")))
        assert result["word"] == "Compensated"
        assert await place.effects() == [("stock", "do"), ("stock", "undo")]


async def test_an_order_that_nobody_ships_is_undone_in_order(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place:
        result = await place.result(await place.place(place.order(simulate="shipping-declined")))
        assert result["word"] == "Compensated"
        assert left([*await place.effects(), *await booked(place, tmp_path)]) == NOTHING_LEFT
        journal = [entry for entry in await place.effects() if entry[1] == "undo"]
        assert journal == [("stock", "undo"), ("money", "undo")]


async def booked(place, folder):
    """The label's and the parcel's effects, which the worker keeps."""
    from orchestrator.adapters.sql.databases import open_engine
    from workers.participants import books

    engine = open_engine(f"sqlite:///{folder / 'worker.db'}")
    try:
        return [(effect.what, effect.direction) for effect in await books.read_run(engine, place.run)]
    finally:
        await engine.dispose()


async def test_a_command_that_is_never_answered_the_first_time_is_sent_again_and_done_once(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place:
        result = await place.result(await place.place(place.order(simulate="silent-inventory")))
        assert result["word"] == "Completed"
        assert (await place.effects()).count(("stock", "do")) == 1


async def test_ten_copies_of_an_order_are_one_execution(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place:
        order = place.order()
        ids = await asyncio.gather(*(place.place(order) for _ in range(10)))
        assert (await place.result(ids[0]))["word"] == "Completed"
        assert (await place.effects()).count(("money", "do")) == 1
        assert await place.corner.depth(place.corner.names.parking) == 0


async def test_an_order_with_a_known_key_and_other_content_is_parked_with_its_reason(tmp_path) -> None:
    async with shop(tmp_path) as place:
        order = place.order()
        await place.place(order)
        await place.place(order.model_copy(update={"total_cents": 1}), message_id="another")
        parked = (await place.corner.parked())[0]
        assert parked.headers[parking.REASON] == "second-start"
        async with place.serving(*ALL):
            assert (await place.result(f"fulfil-order:{order.order_id}"))["word"] == "Completed"


async def test_an_event_for_a_finished_order_is_parked(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place:
        order = place.order()
        await place.result(await place.place(order))
        body = b'{"order_id": "%s", "payment_id": "p9"}' % order.order_id.encode()
        await place.send("payment.settled", body, "late")
        parked = (await place.corner.parked())[0]
        assert parked.headers[parking.REASON] == "ended"
        assert order.order_id in str(parked.headers[parking.TEXT])


async def test_what_an_order_took_is_known_after_its_end_too(tmp_path) -> None:
    """A worker that dies before it acknowledges hands a message over again, and the end may lie between."""
    async with shop(tmp_path, *ALL) as place:
        order = place.order()
        execution = await place.place(order)
        seen = (await place.result(execution))["state"]["seen"]
        settled = PaymentSettled(order_id=order.order_id, payment_id=f"p-{order.order_id}")
        message_id, body = short_hash(f"{execution}:charge_payment:do:1", PAID, "1"), settled.model_dump_json().encode()
        copy = Envelope(id=message_id, source="payments", type=PAID, body=body)
        assert seen[copy.identity] == copy.body_hash
        await place.send(
            PAID, b'{"order_id": "%s", "payment_id": "p9"}' % order.order_id.encode(), message_id, "payments"
        )
        (parked,) = await place.corner.parked()
        assert parked.headers[parking.REASON] == "same-id-other-content"
        await place.send(PAID, body, message_id, "payments")
        await place.place(order, message_id="the same order under another id")
        await until(lambda: place.running.relay.counts.duplicate == 2)
        assert await place.corner.depth(place.corner.names.parking) == 0


async def test_an_order_that_temporal_has_forgotten_is_known_by_the_ledger(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place:
        order = place.order()
        execution = await place.place(order)
        await place.result(execution)
        client = place.running.client
        old = await retention_of(client) + timedelta(hours=1)
        async with open_reader(place.corner.settings) as ledger:
            while (found := await ledger.find(execution)) is None or found.row.status != "completed":
                await asyncio.sleep(0.1)
        await client.workflow_service.delete_workflow_execution(
            DeleteWorkflowExecutionRequest(
                namespace=client.namespace, workflow_execution=WorkflowExecution(workflow_id=execution)
            )
        )
        while await exists(client, execution):
            await asyncio.sleep(0.1)
        await place.send(order.message_type, order.model_dump_json().encode(), f"placed-{order.order_id}", age=old)
        await until(lambda: place.running.relay.counts.duplicate == 1)
        forgotten = place.order(2).model_dump_json().encode()
        await place.send(order.message_type, forgotten, "nobody knows", age=timedelta(days=400))
        (parked,) = await place.corner.parked()
        assert parked.headers[parking.REASON] == "too-old"
        assert (await place.effects()).count(("money", "do")) == 1


async def exists(client, execution):
    try:
        await client.get_workflow_handle(execution).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


async def test_a_participant_that_is_away_is_waited_for(tmp_path) -> None:
    async with shop(tmp_path, "payments", "shipping") as place:
        execution = await place.place(place.order())
        while await place.corner.depth(place.corner.names.command_queue("inventory")) == 0:
            await asyncio.sleep(0.05)
        async with place.serving("inventory"):
            assert (await place.result(execution))["word"] == "Completed"
        assert (await place.effects()).count(("stock", "do")) == 1


async def test_cancel_undoes_what_was_done(tmp_path) -> None:
    async with shop(tmp_path, "inventory") as place:
        execution = await place.place(place.order())
        while await place.corner.depth(place.corner.names.command_queue("payments")) == 0:
            await asyncio.sleep(0.05)
        await place.running.executions.cancel(execution, actor="tester", reason="ordered twice")
        async with place.serving("payments"):
            result = await place.result(execution)
        assert result["word"] == "Compensated"
        assert result["abort"] == {"reason": "cancel", "step": "", "text": "ordered twice"}
        assert left(await place.effects()) == NOTHING_LEFT


async def test_cancel_after_the_end_is_refused_and_says_so(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place:
        execution = await place.place(place.order())
        await place.result(execution)
        with pytest.raises(RefusedCommandError, match="has ended"):
            await place.running.executions.cancel(execution, actor="tester", reason="too late")


async def test_a_cancel_in_temporal_is_a_cancel_of_the_saga(tmp_path) -> None:
    async with shop(tmp_path, "inventory") as place:
        execution = await place.place(place.order())
        while await place.corner.depth(place.corner.names.command_queue("payments")) == 0:
            await asyncio.sleep(0.05)
        await place.running.client.get_workflow_handle(execution).cancel()
        async with place.serving("payments"):
            result = await place.result(execution)
        assert (result["word"], result["abort"]["reason"]) == ("Compensated", "cancel")


async def test_a_long_execution_continues_in_a_new_run_and_loses_nothing(tmp_path) -> None:
    async with shop(tmp_path, "inventory", "payments", signals_per_run=1) as place:
        execution = await place.place(place.order())
        handle = place.running.client.get_workflow_handle(execution)
        while await place.corner.depth(place.corner.names.command_queue("shipping")) == 0:
            await asyncio.sleep(0.05)
        first = (await handle.describe()).run_id
        while (await handle.describe()).run_id == first:
            await asyncio.sleep(0.05)
        async with place.serving("shipping"):
            result = await place.result(execution)
        assert result["word"] == "Completed"
        assert left([*await place.effects(), *await booked(place, tmp_path)]) == dict.fromkeys(NOTHING_LEFT, 1)


@activity.defn
async def greet() -> str:
    return "hello"


@asynccontextmanager
async def their_worker(sagas, settings, ports):
    """A worker that has work of its own, and sagas by the plugin."""
    client = await connect(settings)
    async with saga_plugin(client, sagas, settings, ports) as plugin:
        async with Worker(client, task_queue=settings.task_queue, activities=[greet], plugins=[plugin]):
            yield SimpleNamespace(client=client)


async def test_a_worker_that_somebody_else_has_runs_sagas_by_the_plugin(tmp_path) -> None:
    async with shop(tmp_path, *ALL, worker=their_worker) as place:
        assert (await place.result(await place.place(place.order())))["word"] == "Completed"
        assert (await place.result(await place.place(place.order(2, "payment-declined"))))["word"] == "Compensated"
