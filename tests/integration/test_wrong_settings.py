"""Settings that only the servers can refuse: the error names the setting and says what is wrong."""

import asyncio

import pytest
from pydantic import SecretStr

from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.rabbitmq.topology import check_topology, show_topology
from orchestrator.adapters.temporal.connecting import connect
from orchestrator.errors import BrokerUnavailableError, SettingsError
from orchestrator.settings import load_settings
from tests.rabbitmq_kit import PLAN, corner

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]


async def test_a_namespace_that_does_not_exist_is_named() -> None:
    wrong = load_settings().model_copy(update={"temporal_namespace": "nope"})
    with pytest.raises(SettingsError, match="SAGA_TEMPORAL_NAMESPACE is 'nope': the Temporal server at .* has no"):
        await connect(wrong)


async def test_a_virtual_host_that_does_not_exist_is_named() -> None:
    settings = load_settings()
    url = settings.rabbitmq_url.get_secret_value().rpartition("/")[0]
    wrong = settings.model_copy(update={"rabbitmq_url": SecretStr(f"{url}/nope")})
    with pytest.raises(BrokerUnavailableError, match="refuses the virtual host 'nope'.*Check SAGA_RABBITMQ_URL"):
        async with connected(wrong, purpose="test"):
            pass


async def test_a_management_api_that_is_set_and_away_fails_the_look_and_keeps_no_process_from_its_work(caplog) -> None:
    async with corner() as here:
        away = here.settings.model_copy(update={"rabbitmq_management_url": SecretStr("http://127.0.0.1:1")})
        with pytest.raises(BrokerUnavailableError, match="SAGA_RABBITMQ_MANAGEMENT_URL"):
            await show_topology(away, [PLAN])
        await asyncio.wait_for(check_topology(away, [PLAN]), 30)
    assert "only exchanges and queues can be looked for" in caplog.text
