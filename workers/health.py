"""/healthz (the process lives), /readyz (it can work) and /metrics (how it goes), on loopback unless told otherwise."""

from __future__ import annotations

from contextlib import asynccontextmanager
from socket import gaierror
from typing import TYPE_CHECKING

from aiohttp import web

from orchestrator.adapters.telemetry.meter import CONTENT_TYPE
from orchestrator.errors import SettingsError, WrongSetting

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from orchestrator.settings import Settings
    from workers.measuring import Measuring


@asynccontextmanager
async def serve_health(
    settings: Settings, is_ready: Callable[[], Awaitable[bool]], measuring: Measuring | None
) -> AsyncGenerator[None]:
    """Serve them while the block runs; nothing if the port is 0.

    Raises:
        SettingsError: nobody can listen there.
    """
    if measuring is None:
        yield
        return

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        ready = await is_ready()
        return web.json_response({"status": "ready" if ready else "degraded"}, status=200 if ready else 503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=await measuring.text(), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await _listen(runner, settings)
        yield
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    host, port = settings.health_host, settings.health_port
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        setting, value = ("SAGA_HEALTH_HOST", host) if isinstance(error, gaierror) else ("SAGA_HEALTH_PORT", str(port))
        allowed = (
            f"nobody can listen at {host}:{port} ({error.strerror}): name an address of this machine and a free port"
        )
        raise SettingsError(WrongSetting(setting, value, allowed)) from error
