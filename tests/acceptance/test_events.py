"""The event store on the real servers: what an order sent and took, once each, whatever happens to the recorder."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from contextlib import asynccontextmanager, closing
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import delete
from typer.testing import CliRunner

from orchestrator import Projection, Retry, Saga, parallel, pivot, publish, step, wait_for
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.ledger_tables import messages as ledger_messages
from orchestrator.adapters.sql.migrating import migrate_at
from orchestrator.cli.app import build_app
from orchestrator.cli.exits import DIFFERS
from orchestrator.errors import ExecutionNotFoundError
from orchestrator.service.access import Caller, Role
from orchestrator.service.event_ports import EventFilter
from sagas import SAGAS
from sagas.order_fulfilment.messages import OrderPlaced, PaymentSettled
from sagas.order_fulfilment.saga import (
    charge_payment,
    create_shipment,
    order_fulfilled,
    pack_parcel,
    print_label,
    refund_payment,
    release_stock,
    reserve_stock,
    unpack_parcel,
    void_label,
)
from tests.docs.shown import CASE, hold
from tests.rabbitmq_kit import CE, corner, until
from tests.shop_kit import ALL, shop
from workers.console import open_app
from workers.demo_processes import environment_of
from workers.desk import ServerDesk
from workers.events import open_events
from workers.message_recorder import MessageRecorder
from workers.recorder import open_recorder

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
ANN = Caller(actor="ann", role=Role.ADMIN, origin="test")
LIST = ("events", "--correlation")
SENT_AND_TAKEN = [
    ("in", "order.placed"),
    ("out", "inventory.reserve"),
    ("in", "inventory.reserved"),
    ("out", "payments.charge"),
    ("in", "payments.charged"),
    ("in", "payment.settled"),
    ("out", "shipping.create"),
    ("in", "shipping.created"),
    ("out", "order.fulfilled"),
]


def saga(settings, *arguments):
    """A command, in a thread of its own: it runs a loop of its own."""
    app = build_app(lambda: ServerDesk(lambda: settings))
    ended = CliRunner(env={"COLUMNS": "120"}).invoke(app, list(arguments))
    assert ended.exit_code == 0, (ended.output, ended.exception)
    return ended.stdout


async def kept(settings, number, wanted=None):
    """What is stored, as soon as it is so many."""
    async with asyncio.timeout(30), open_events(settings) as events:
        while True:
            page = await events.page(ANN, wanted or EventFilter(), limit=200, contents="all")
            if len(page.messages) >= number:
                return page.messages
            await asyncio.sleep(0.05)


async def test_every_message_of_an_order_is_kept_once_and_found_by_its_correlation_id(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place, open_recorder(place.corner.settings):
        settings, order = place.corner.settings, place.order()
        execution = await place.place(order)
        await place.place(order)  # the same message again
        assert (await place.result(execution))["word"] == "Completed"
        wanted = EventFilter(correlation_id=execution)
        messages = await kept(settings, len(SENT_AND_TAKEN), wanted)
        assert sorted((one.way, one.type) for one in messages) == sorted(SENT_AND_TAKEN)
        assert messages[0].payload["order_id"] == order.order_id
        charge = next(one for one in messages if one.type == "payments.charge")
        assert (charge.execution_id, charge.step, charge.call, charge.attempt) == (execution, "charge_payment", "do", 1)
        charged = next(one for one in messages if one.type == "payments.charged")
        assert (charged.kind, charged.outcome, charged.causation_id) == ("reply", "completed", charge.message_id)

        shown = await asyncio.to_thread(saga, settings, *LIST, execution, "--json")
        assert [one["message_id"] for one in json.loads(shown)["items"]] == [one.message_id for one in messages]
        named = (execution, CASE), (messages[0].source + "\n", "demo-shop\n"), (messages[0].source + " ", "demo-shop ")
        hold(
            "events.md", "saga events --correlation", await asyncio.to_thread(saga, settings, *LIST, execution), *named
        )
        asked, types = ("events", "--execution", execution, "--bodies", "--output", "-"), set[str]()
        async with asyncio.timeout(30):  # what it took in is known by the ledger, which is written behind
            while types != {name for _, name in SENT_AND_TAKEN}:
                lines = await asyncio.to_thread(saga, settings, *asked)
                types = {json.loads(line)["type"] for line in lines.splitlines()}
        async with open_app(SAGAS, settings) as (app, feed):
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as api:
                chosen = {"correlation_id": execution, "contents": "true"}
                exported = await api.get("/api/v1/messages/export", params=chosen)
            feed.close()
        assert [json.loads(line)["number"] for line in exported.text.splitlines()] == [one.number for one in messages]
        before = await place.effects()
        noted = {line for line in SENT_AND_TAKEN if line[0] == "out"}
        engine = open_engine(settings.ledger)
        try:
            async with engine.begin() as connection:  # as a crash would have it
                await connection.execute(delete(ledger_messages).where(ledger_messages.c.direction == "out"))
        finally:
            await engine.dispose()
        rebuild = ("replay", "--to", "projection", "messages", "--json")
        assert json.loads(await asyncio.to_thread(saga, settings, *rebuild))["executions"] == 1
        listed = json.loads(await asyncio.to_thread(saga, settings, "messages", execution, "--json"))["items"]
        assert noted <= {(one["direction"], one["type"]) for one in listed}
        assert len(listed) == len(SENT_AND_TAKEN)
        revenue = ("replay", "--to", "projection", "revenue-per-day")
        hold("events.md", f"saga {' '.join(revenue)}", await asyncio.to_thread(saga, settings, *revenue))
        made = json.loads(await asyncio.to_thread(saga, settings, *revenue, "--json"))
        assert [row["cents"] for row in made["rows"].values()] == [order.total_cents]
        assert (made["messages"], await place.effects()) == (2, before)
        assert await place.corner.depth(place.corner.names.store) == 0


OTHERWISE = Saga(
    "fulfil-order",
    step(charge_payment, undo=refund_payment, retry=Retry(attempts=5, backoff=2.0)),
    step(reserve_stock, undo=release_stock, within=timedelta(seconds=30)),
    wait_for(PaymentSettled, within=timedelta(minutes=15)),
    parallel(step(print_label, undo=void_label), step(pack_parcel, undo=unpack_parcel)),
    pivot(create_shipment),
    publish(order_fulfilled),
    starts_on=OrderPlaced,
    key="order_id",
    within=timedelta(days=7),
    version=2,
)
"""The order's saga with its first two steps in another order."""


async def rehearsed(settings, execution, sagas="sagas:SAGAS"):
    """Exit status and document of `saga replay --rehearse`, with Temporal and RabbitMQ out of reach."""
    nowhere = settings.model_copy(
        update={"temporal_address": "127.0.0.1:1", "rabbitmq_url": SecretStr("amqp://guest:guest@127.0.0.1:1")}
    )
    app = build_app(lambda: ServerDesk(lambda: nowhere))
    arguments = ["replay", "--rehearse", execution, "--sagas", sagas, "--json"]
    ended = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    if isinstance(ended.exception, ExecutionNotFoundError):  # the ledger is written behind
        return None, {}
    assert ended.stdout, ended.exception
    return ended.exit_code, json.loads(ended.stdout)


async def test_real_executions_are_rehearsed_by_todays_definition_and_by_a_changed_one(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place, open_recorder(place.corner.settings):
        settings = place.corner.settings
        good, bad = [await place.place(place.order(n, how)) for n, how in ((1, ""), (2, "shipping-declined"))]
        assert [(await place.result(one))["word"] for one in (good, bad)] == ["Completed", "Compensated"]
        before = await place.effects()
        for execution, word in ((good, "Completed"), (bad, "Compensated")):
            status, found = await rehearsed(settings, execution)
            async with asyncio.timeout(30):
                while not found or found["then"]["status"] != word or found["unknown"]:
                    status, found = await rehearsed(settings, execution)
            assert (status, found["verdict"], found["unknown"]) == (0, "same", [])
            assert found["today"]["status"] == word
            assert all(one["then"]["input"]["value"] for one in found["attempts"])
        status, changed = await rehearsed(settings, bad, "tests.acceptance.test_events:OTHERWISE")
        assert (status, changed["verdict"], changed["today"]["version"]) == (DIFFERS, "differs", 2)
        app = build_app(lambda: ServerDesk(lambda: settings))
        otherwise = ("replay", "--rehearse", good, "--sagas", "tests.acceptance.test_events:OTHERWISE")
        told = await asyncio.to_thread(CliRunner(env={"COLUMNS": "120"}).invoke, app, list(otherwise))
        hold("events.md", "saga replay --rehearse", told.stdout, (good, CASE))
        assert changed["first_divergence"] == "at 1: reserve_stock do 1 then, charge_payment do 1 today"
        assert changed["today"]["status"] == "Compensated"
        moved = [one["step"] for one in changed["attempts"] if one["direction"] == "undo" and one["differs"]]
        assert sorted(moved) == ["charge_payment", "reserve_stock"]
        assert await place.effects() == before


async def test_events_sent_again_reach_others_and_no_participant(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place, open_recorder(place.corner.settings):
        here, settings, relay = place.corner, place.corner.settings, place.running.relay
        execution = await place.place(place.order())
        assert (await place.result(execution))["word"] == "Completed"
        await kept(settings, len(SENT_AND_TAKEN), EventFilter(correlation_id=execution))
        before = await place.effects()
        async with here.connection.channel() as channel:
            analytics = await channel.declare_queue(exclusive=True)
            for key in ("order.placed", "order.fulfilled"):
                await analytics.bind(here.names.events, key)
            filters = [f"execution={execution}", "type=order.placed", "type=order.fulfilled"]
            chosen = ("replay", "--json", *(part for one in filters for part in ("--send", one)))
            offer = json.loads(await asyncio.to_thread(saga, settings, *chosen, "--dry-run"))
            day = ("replay", "--send", "since=2026-01-01", "--send", "until=2999-01-01", "--dry-run")
            hold("events.md", "saga replay --send", await asyncio.to_thread(saga, settings, *day))
            assert offer["types"] == {"order.placed": 1, "order.fulfilled": 1}
            ignored = relay.counts.ignored
            send = (*chosen, "--confirm", "2", "--reason", "analytics lost a day")
            assert json.loads(await asyncio.to_thread(saga, settings, *send))["sent"] == 2
            placed, fulfilled = [await analytics.get(timeout=10, no_ack=True) for _ in range(2)]
            assert placed.headers["saga-replay-of"] != placed.message_id == placed.headers["ce-id"]
            assert json.loads(placed.body)["order_id"] == place.order().order_id
            assert fulfilled.headers["saga-id"] == execution
            await until(lambda: relay.counts.ignored == ignored + 1)  # order.placed; no saga takes the other
            repeats = relay.counts.duplicate
            await asyncio.to_thread(saga, settings, *send[:-1], "and to the sagas", "--reach-participants")
            await until(lambda: relay.counts.duplicate == repeats + 1)  # its execution has ended with this content
        assert await place.effects() == before
        again = await kept(settings, len(SENT_AND_TAKEN) + 4, EventFilter(since_ms=0))
        assert sum("saga-replay-of" in (one.headers or {}) for one in again) == 4


@asynccontextmanager
async def storing(folder):
    """A corner of the broker with a database of its own."""
    async with corner(database_url=SecretStr(f"sqlite:///{folder}/events.db")) as here:
        yield here


async def alter(folder, statement):
    """Change the tables from outside. In a thread: whoever has the lock now needs the loop to let go of it."""

    def change():
        with closing(sqlite3.connect(folder / "events.db", isolation_level=None, timeout=30)) as other:
            other.execute(statement)

    await asyncio.to_thread(change)


async def tell(here, *numbers, **more):
    """Events that a saga takes, numbered by their source."""
    for number in numbers:
        headers = {**CE, "ce-id": f"m{number}", "ce-sequence": f"{number:04d}", **more}
        await here.event(b'{"order_id": "A17"}', headers)


def ids(messages):
    return [one.message_id for one in messages]


async def test_a_recorder_killed_between_commit_and_acknowledgement_stores_nothing_twice(tmp_path) -> None:
    async with storing(tmp_path) as here:
        mark = tmp_path / "died"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.recorder_process", str(mark), "messages"),
            env={**os.environ, **environment_of(here.settings)},
        )
        await tell(here, 1, 2, 3)
        assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
        assert mark.exists()
        before = await kept(here.settings, 1)
        async with open_recorder(here.settings) as recording:
            await tell(here, 4)
            messages = await kept(here.settings, 4)
            assert sorted(ids(messages)) == ["m1", "m2", "m3", "m4"]
            assert [one.number for one in messages[: len(before)]] == [one.number for one in before]
            assert recording.messages is not None
            assert recording.messages.counts["repeated"] == len(before)
        assert await here.depth(here.names.store) == 0


async def test_while_the_database_is_away_messages_wait_and_publishers_do_not(tmp_path) -> None:
    async with storing(tmp_path) as here, open_recorder(here.settings) as recording:
        await tell(here, 1)
        await kept(here.settings, 1)
        await alter(tmp_path, "ALTER TABLE event_store RENAME TO hidden")
        await tell(here, 2, 3)  # each is confirmed by the broker
        assert recording.messages is not None
        gate = recording.messages.gate
        await until(lambda: not gate.is_open)
        await alter(tmp_path, "ALTER TABLE hidden RENAME TO event_store")
        assert ids(await kept(here.settings, 3)) == ["m1", "m2", "m3"]
        await until(lambda: gate.is_open)


async def test_a_message_that_the_database_refuses_keeps_no_other_from_it_and_comes_again(tmp_path) -> None:
    async with storing(tmp_path) as here, open_recorder(here.settings) as recording:
        await tell(here, 1)
        await kept(here.settings, 1)
        refusing = "CREATE TRIGGER refusing BEFORE INSERT ON event_store WHEN NEW.message_id = 'm3'"
        await alter(tmp_path, f"{refusing} BEGIN SELECT RAISE(ABORT, 'no'); END")
        await tell(here, 2, 3, 4)
        await here.event(b"{}", {})  # nobody knows what it is
        assert ids(await kept(here.settings, 3)) == ["m1", "m2", "m4"]
        await alter(tmp_path, "DROP TRIGGER refusing")
        assert ids(await kept(here.settings, 4)) == ["m1", "m2", "m4", "m3"]
        assert recording.messages is not None
        counts = recording.messages.counts
        await until(lambda: counts["stored"] == 4)
        assert (counts["repeated"], counts["unreadable"]) == (0, 1)


async def test_a_second_recorder_joins_while_messages_come_and_nobody_else_notices(tmp_path) -> None:
    """A consumer is added without a change to those who publish, or to those who take."""
    async with storing(tmp_path) as here:
        second = here.settings.model_copy(
            update={"database_url": SecretStr(f"sqlite:///{tmp_path}/second.db"), "name_prefix": here.names.prefix}
        )
        async with here.connection.channel() as channel:
            async with open_recorder(here.settings):
                await tell(here, *range(1, 11))
                queue = await channel.declare_queue(f"{here.names.prefix}.analytics", durable=True)
                await queue.bind(here.names.events, "order.placed")
                engine = open_engine(second.ledger)
                async with MessageRecorder(second, engine, queue=queue.name).consuming(here.connection):
                    await tell(here, *range(11, 21))
                    late = await kept(second, 10)
                await engine.dispose()
                assert ids(late) == [f"m{number}" for number in range(11, 21)]
                assert ids(await kept(here.settings, 20)) == [f"m{number}" for number in range(1, 21)]
        assert await here.depth(here.names.ingress) == 20


async def test_what_a_source_left_out_is_told_until_it_comes(tmp_path) -> None:
    async with storing(tmp_path) as here, open_recorder(here.settings):
        await tell(here, 1, 2, 5)
        await kept(here.settings, 3)
        printed = await asyncio.to_thread(saga, here.settings, "events", "gaps")
        hold("events.md", "saga events gaps", printed, ("/shop", "/bank"))
        (gap,) = json.loads(await asyncio.to_thread(saga, here.settings, "events", "gaps", "--json"))["items"]
        assert (gap["source"], gap["first"], gap["last"]) == ("/shop", 3, 4)
        await tell(here, 3, 4)
        await kept(here.settings, 5)
        assert json.loads(await asyncio.to_thread(saga, here.settings, "events", "gaps", "--json"))["items"] == []


async def test_an_event_in_structured_mode_starts_a_saga_and_is_kept_like_any_other(tmp_path) -> None:
    async with shop(tmp_path, *ALL) as place, open_recorder(place.corner.settings):
        order = place.order()
        event = {"specversion": "1.0", "id": "s1", "source": "/partner", "type": "order.placed"}
        body = json.dumps({**event, "data": json.loads(order.model_dump_json())}).encode()
        await place.corner.event(body, {}, content_type="application/cloudevents+json; charset=utf-8")
        assert (await place.result(f"fulfil-order:{order.order_id}"))["word"] == "Completed"
        (message,) = await kept(place.corner.settings, 1, EventFilter(source="/partner"))
        assert (message.message_id, message.payload["order_id"]) == ("s1", order.order_id)


def names(found):
    return [(one["number"], one["message_id"]) for one in found]


PLACED = Projection(
    name="placed",
    types=("order.placed",),
    empty=dict,
    fold=lambda known, message: {**known, message.source: known.get(message.source, 0) + 1},
    rows=lambda known: known,
)


async def streamed(settings, number, *filters):
    """What `saga events --from-stream` lists, as soon as it is so many, with the database out of reach."""
    nowhere = settings.model_copy(update={"database_url": SecretStr("sqlite:////nowhere/events.db")})
    async with asyncio.timeout(30):
        while True:
            shown = await asyncio.to_thread(
                saga, nowhere, "events", "--from-stream", "--limit", "200", "--json", *filters
            )
            if len(found := json.loads(shown)["items"]) >= number:
                return found
            await asyncio.sleep(0.2)


async def test_the_stream_is_a_second_source_from_which_nothing_is_taken_out(tmp_path) -> None:
    database = SecretStr(f"sqlite:///{tmp_path}/events.db")
    async with corner(database_url=database, event_stream=True) as here:
        await tell(here, 1, 2, 3)
        await here.event(
            b'{"order_id": "A17", "amount_cents": 700}', {**CE, "ce-id": "p1", "ce-type": "payments.charged"}
        )
        found = await streamed(here.settings, 4)
        assert names(found) == [(1, "m1"), (2, "m2"), (3, "m3"), (4, "p1")]
        assert names(await streamed(here.settings, 4)) == names(found)
        assert [one["message_id"] for one in await streamed(here.settings, 2, "--cursor", "2")] == ["m3", "p1"]
        assert [one["message_id"] for one in await streamed(here.settings, 1, "--type", "payments.charged")] == ["p1"]
        await migrate_at(here.settings.ledger)
        replay = (
            "replay",
            "--to",
            "projection",
            "placed",
            "--projections",
            f"{__name__}:PLACED",
            "--from-stream",
            "--json",
        )
        made = json.loads(await asyncio.to_thread(saga, here.settings, *replay))
        assert (made["rows"], made["messages"]) == ({"/shop": 3}, 3)


async def test_a_stream_that_is_not_there_is_told_with_what_to_do(tmp_path) -> None:
    async with storing(tmp_path) as here:
        app = build_app(lambda: ServerDesk(lambda: here.settings))
        ended = await asyncio.to_thread(CliRunner().invoke, app, ["events", "--from-stream"])
        assert "SAGA_EVENT_STREAM=1" in str(ended.exception)
