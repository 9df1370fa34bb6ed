"""Where the health address cannot be had, the setting is named."""

import socket

import pytest

from orchestrator.errors import SettingsError
from tests.temporal_kit import settings
from workers.health import serve_health


async def ready() -> bool:
    return True


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
