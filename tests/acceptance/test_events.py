"""The event store on the real servers: what an order sent and took, once each, whatever happens to the recorder."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import build_app
from orchestrator.service.access import Caller, Role
from orchestrator.service.event_ports import EventFilter
from tests.shop_kit import ALL, shop
from workers.desk import ServerDesk
from workers.events import open_events
from workers.recorder import open_recorder

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
ANN = Caller(actor="ann", role=Role.ADMIN, origin="test")
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
    ended = CliRunner().invoke(app, list(arguments))
    assert ended.exit_code == 0, (ended.output, ended.exception)
    return ended.stdout


async def kept(settings, number, wanted=None):
    """What is stored, as soon as it is so many."""
    async with asyncio.timeout(30), open_events(settings) as events:
        while True:
            page = await events.page(ANN, wanted or EventFilter(), limit=200, contents=True)
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

        shown = await asyncio.to_thread(saga, settings, "events", "--correlation", execution, "--json")
        assert [one["message_id"] for one in json.loads(shown)["items"]] == [one.message_id for one in messages]
        lines = await asyncio.to_thread(saga, settings, "events", "--execution", execution, "--bodies", "--output", "-")
        assert {json.loads(line)["type"] for line in lines.splitlines()} == {name for _, name in SENT_AND_TAKEN}
        assert await place.corner.depth(place.corner.names.store) == 0
