"""Alive and ready are told apart; where the address cannot be had, the setting is named."""

import socket

import aiohttp
import pytest

from orchestrator.errors import SettingsError
from tests.temporal_kit import settings
from workers.health import serve_health


async def ready() -> bool:
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_process_that_cannot_work_now_is_alive_and_not_ready() -> None:
    answers, port = iter([True, False]), free_port()

    async def is_ready() -> bool:
        return next(answers)

    async def told(path: str) -> tuple[int, dict[str, str]]:
        async with http.get(path) as answer:
            return answer.status, await answer.json()

    async with (
        serve_health(settings(health_port=port), is_ready),
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
            async with serve_health(settings(health_port=port), ready):
                pass


async def test_a_host_that_is_none_is_named() -> None:
    with pytest.raises(SettingsError, match="SAGA_HEALTH_HOST is 'no such host'"):
        async with serve_health(settings(health_host="no such host", health_port=1), ready):
            pass
