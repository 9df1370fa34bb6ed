"""Alive and ready are told apart; where the address cannot be had, the setting is named."""

import socket

import aiohttp
import pytest

from orchestrator.errors import SettingsError
from orchestrator.service.metrics import EXECUTIONS_STARTED
from orchestrator.settings import Settings
from tests.temporal_kit import settings
from workers.health import serve_health
from workers.measuring import open_measuring


async def ready() -> bool:
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def opened(given: Settings) -> None:
    async with open_measuring(given, "test") as measuring, serve_health(given, ready, measuring):
        pass


async def test_a_process_that_cannot_work_now_is_alive_and_not_ready() -> None:
    answers, port = iter([True, False]), free_port()

    async def is_ready() -> bool:
        return next(answers)

    async def told(path: str) -> tuple[int, dict[str, str]]:
        async with http.get(path) as answer:
            return answer.status, await answer.json()

    async with (
        open_measuring(settings(health_port=port), "test") as measuring,
        serve_health(settings(health_port=port), is_ready, measuring),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
    ):
        assert await told("/readyz") == (200, {"status": "ready"})
        assert await told("/readyz") == (503, {"status": "degraded"})
        assert await told("/healthz") == (200, {"status": "ok"})


async def test_a_port_in_use_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"SAGA_HEALTH_PORT is '{port}': nobody can listen at 127.0.0.1:{port}"):
            await opened(settings(health_port=port))


async def test_a_host_that_is_none_is_named() -> None:
    with pytest.raises(SettingsError, match="SAGA_HEALTH_HOST is 'no such host'"):
        await opened(settings(health_host="no such host", health_port=1))


async def test_without_a_port_nobody_listens_and_nothing_is_measured() -> None:
    async with open_measuring(settings(health_port=0), "test") as measuring:
        assert measuring is None
        async with serve_health(settings(health_port=0), ready, measuring):
            pass


async def test_what_is_measured_is_told_in_prometheus_words() -> None:
    port = free_port()
    async with (
        open_measuring(settings(health_port=port), "test") as measuring,
        serve_health(settings(health_port=port), ready, measuring),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
    ):
        assert measuring is not None
        measuring.meter.add(EXECUTIONS_STARTED, 1, "shop")
        async with http.get("/metrics") as answer:
            text = await answer.text()
            assert answer.content_type == "text/plain"
        assert 'saga_executions_started_total{saga="shop"} 1.0' in text
