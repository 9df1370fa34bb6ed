"""`saga publish` as a person types it: one event on the broker, which says of itself what every message says."""

import asyncio

import pytest
import typer
from typer.testing import CliRunner

from orchestrator.adapters.rabbitmq.wire import from_amqp
from orchestrator.cli.publish import publish
from orchestrator.errors import BrokerUnavailableError
from orchestrator.messages import is_traceparent
from sagas import SAGAS
from tests.rabbitmq_kit import corner

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
ORDER = '{"order_id": "A17", "customer": "c1", "lines": [{"sku": "tea", "quantity": 2}], "total_cents": 700}'


async def run(*arguments, given):
    """The command has an event loop of its own, so it runs in a thread."""
    app = typer.Typer()
    app.command()(publish)
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments), input=given, catch_exceptions=False)


async def test_an_event_from_a_file_or_standard_input_lies_where_the_relay_takes_it(monkeypatch, tmp_path) -> None:
    (tmp_path / "order.json").write_text(ORDER)
    async with corner([saga.plan for saga in SAGAS]) as here:
        monkeypatch.setenv("SAGA_NAME_PREFIX", here.settings.name_prefix)
        ids = []
        for where in ("-", str(tmp_path / "order.json")):
            ended = await run("order.placed", where, given=ORDER)
            assert ended.exit_code == 0
            ids.append(ended.stdout.removeprefix("published order.placed with id ").strip())
        taken = [from_amqp(message, max_body_bytes=10_000) for message in await here.take(here.names.ingress, 2)]
        assert sorted(event.id for event in taken) == sorted(ids)
        assert {(event.type, event.source, event.body.decode()) for event in taken} == {
            ("order.placed", "saga-cli", ORDER)
        }
        assert all(is_traceparent(event.traceparent) for event in taken)


async def test_where_no_broker_is_it_says_so(monkeypatch) -> None:
    monkeypatch.setenv("SAGA_RABBITMQ_URL", "amqp://127.0.0.1:1/")
    with pytest.raises(BrokerUnavailableError, match="no RabbitMQ at amqp://127.0.0.1:1/"):
        await run("order.placed", "-", given=ORDER)
