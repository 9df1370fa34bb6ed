"""A saga whose messages travel as Avro and Protobuf, on real servers: event, command, reply, and what it publishes."""

from datetime import timedelta

import pytest

from orchestrator import Command, Event, Saga, command, event, publish, step, upcasts
from orchestrator.adapters.rabbitmq import parking
from orchestrator.adapters.rabbitmq.participants import ParticipantServer
from orchestrator.adapters.rabbitmq.wire import from_amqp, to_amqp
from orchestrator.messages import Envelope
from orchestrator.participant import CommandContext, MemoryStore, Participant
from orchestrator.service.codecs import codecs_of_sagas
from tests.rabbitmq_kit import until
from tests.worker_kit import working

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]


class Wanted(Event, type="shelf.wanted", codec="avro", version=2):
    key: str
    shelves: tuple[str, ...]


@upcasts(Wanted, from_version=1)
def several(body):
    return {"key": body["key"], "shelves": [body["shelf"]]}


class Lent(Event, type="shelf.lent", codec="protobuf"):
    places: list[list[int]]


class Lend(Command["Lent"], type="shelf.lend", codec="protobuf"):
    key: str
    shelves: tuple[str, ...]
    until: str | None = None


class Borrowed(Event, type="shelf.borrowed", codec="avro"):
    key: str
    places: list[list[int]]


@command(to="shelf")
def lend(wanted: Wanted) -> Lend:
    return Lend(key=wanted.key, shelves=wanted.shelves)


@event
def borrowed(wanted: Wanted, lent: Lent) -> Borrowed:
    return Borrowed(key=wanted.key, places=lent.places)


saga = Saga(
    "borrow",
    step(lend, no_undo="a loan", within=timedelta(seconds=20)),
    publish(borrowed),
    starts_on=Wanted,
    key="key",
    version=1,
)
shelf = Participant("shelf")


@shelf.handles(Lend)
async def lending(command: Lend, ctx: CommandContext) -> Lent:
    assert command.until is None
    return Lent(places=[[len(name)] for name in command.shelves])


async def send(place, body: bytes, *, version: int, content_type: str = "", message_id: str) -> None:
    """An event onto the broker, encoded as its type says unless another content type is claimed."""
    codecs = codecs_of_sagas([saga], place.corner.settings)
    made = to_amqp(
        Envelope(id=message_id, source="test", type="shelf.wanted", body=body, version=version), codecs=codecs
    )
    made.content_type = content_type or made.content_type
    async with place.corner.connection.channel() as channel:
        exchange = await channel.get_exchange(place.corner.names.events)
        await exchange.publish(made, "shelf.wanted")


async def test_avro_and_protobuf_carry_a_saga_and_an_old_json_event_starts_one_too(tmp_path) -> None:
    async with working(tmp_path, [saga]) as place:
        here, counts = place.corner, place.running.relay.counts
        codecs = codecs_of_sagas([saga], here.settings)
        async with here.connection.channel() as channel:
            # A listener of its own sees all that is sent, as others would.
            for queue, exchange in (
                (f"{here.names.events}.seen", here.names.events),
                (f"{here.names.commands}.seen", here.names.commands),
            ):
                seen = await channel.declare_queue(queue, durable=True)
                await seen.bind(exchange, "shelf.#")
            async with ParticipantServer.open(shelf, MemoryStore(), here.settings):
                await send(
                    place, b'{"key":"new-%s","shelves":["ab","c"]}' % place.key.encode(), version=2, message_id="1"
                )
                await send(place, b'{"key":"old-%s","shelf":"abc"}' % place.key.encode(), version=1, message_id="2")
                for name in ("new", "old"):
                    await until(lambda: counts.started == 2)
                    handle = place.running.client.get_workflow_handle(f"borrow:{name}-{place.key}")
                    await handle.result()
            events = await here.take(f"{here.names.events}.seen", 4)
            commands = await here.take(f"{here.names.commands}.seen", 2)
        assert {one.content_type for one in commands} == {"application/protobuf"}
        said = sorted((one.type, one.content_type) for one in events)
        assert said == [
            ("shelf.borrowed", "application/avro"),
            ("shelf.borrowed", "application/avro"),
            ("shelf.wanted", "application/avro"),
            ("shelf.wanted", "application/json"),
        ]
        told = [from_amqp(one, max_body_bytes=10_000, codecs=codecs) for one in events if one.type == "shelf.borrowed"]
        assert sorted(one.body.partition(b',"places"')[2] for one in told) == [b":[[2],[1]]}", b":[[3]]}"]


async def test_what_is_not_what_it_says_is_parked_as_it_came(tmp_path) -> None:
    async with working(tmp_path, [saga]) as place:
        body = b'{"key":"%s","shelves":[]}' % place.key.encode()
        await send(place, body, version=2, content_type="application/protobuf", message_id="1")
        await send(place, body, version=1, content_type="application/avro", message_id="2")
        parked = await place.corner.take(place.corner.names.parking, 2)
        by_reason = {one.headers[parking.REASON]: one for one in parked}
        assert set(by_reason) == {"wrong-content-type", "malformed"}
        assert "send it as application/json or application/avro" in str(
            by_reason["wrong-content-type"].headers[parking.TEXT]
        )
        assert by_reason["malformed"].body == body
        assert by_reason["malformed"].content_type == "application/avro"
        assert by_reason["malformed"].headers["ce-id"] == "2"
