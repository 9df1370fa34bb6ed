"""A demo participant as `saga participant` serves it."""

import asyncio

import pytest

from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.rabbitmq.wire import from_amqp
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.contracts.protocol import CommandHeaders, read_reply
from orchestrator.errors import StoreUnavailableError
from orchestrator.messages import Envelope
from sagas import SAGAS
from sagas.order_fulfilment.messages import Line, ReserveStock
from tests.rabbitmq_kit import corner
from workers.participants import books
from workers.participants.inventory import participant
from workers.participants.serving import serve

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]


def reservation():
    headers = CommandHeaders(execution="s:1", workflow="s:1", step="x", direction="do", attempt=1, key="s:1:x:do:0")
    body = ReserveStock(order_id="r-1", lines=(Line(sku="tea", quantity=2),)).model_dump_json().encode()
    return Envelope(
        id=headers.command_id, source="test", type="inventory.reserve", body=body, headers=headers.to_headers()
    )


async def test_it_serves_until_it_is_told_to_stop_and_keeps_its_books(tmp_path) -> None:
    url, stop = f"sqlite:///{tmp_path}/new/folder/books.db", asyncio.Event()
    async with corner([saga.plan for saga in SAGAS]) as here, Publisher.open(here.settings) as publisher:
        serving = asyncio.create_task(serve(participant, here.settings, database_url=url, stop=stop))
        await publisher.publish(reservation(), exchange=here.names.commands, routing_key="inventory.reserve")
        late = (await here.take(here.names.replies))[0]
        stop.set()
        await serving
    assert read_reply(from_amqp(late, max_body_bytes=10_000)).outcome == "completed"
    engine = open_engine(url)
    assert await books.read_run(engine, "r") == [books.Effect("r-1", "stock", "s:1:x:do:0", "do", 2)]
    await engine.dispose()


async def test_a_database_that_cannot_be_opened_is_told_at_the_start(tmp_path) -> None:
    (tmp_path / "books.db").mkdir()
    async with corner(()) as here:
        with pytest.raises(StoreUnavailableError, match="unable to open database file"):
            await serve(participant, here.settings, database_url=f"sqlite:///{tmp_path}/books.db", stop=asyncio.Event())
