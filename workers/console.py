"""The console of a process: the API, and what pages are put beside it."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import uvicorn

from orchestrator.adapters.jwt.verifying import JwtBearers, Trust
from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.sql.databases import reading_from
from orchestrator.adapters.sql.pulse import SqlPulse
from orchestrator.adapters.temporal.connecting import connect_later
from orchestrator.adapters.temporal.gateway import TemporalExecutions
from orchestrator.adapters.temporal.reaching import ReachedExecutions
from orchestrator.adapters.temporal.workers import tell_workers
from orchestrator.console.api.app import build_app
from orchestrator.console.api.context import Console, Links
from orchestrator.console.api.cursors import Cursors
from orchestrator.console.api.lasting import all_have_ended
from orchestrator.console.pages import LOST, ROUTERS
from orchestrator.errors import EngineUnavailableError, SettingsError, WrongSetting
from orchestrator.service.feed import Feed
from orchestrator.service.health import Health, ledger_probe
from orchestrator.service.identity import Identity
from orchestrator.service.pacing import Pacing
from workers.console_measuring import MeasuredApp
from workers.health import serve_health
from workers.ledger import open_gauges
from workers.measuring import meter_of, open_measuring
from workers.operating import open_service
from workers.tracing import traces_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Sequence

    from fastapi import FastAPI
    from temporalio.client import Client

    from orchestrator.saga.definition import Saga
    from orchestrator.service.health import Part, Probe
    from orchestrator.service.use_cases import Service
    from orchestrator.settings import Settings

log = logging.getLogger(__name__)
DRAIN_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Serving:
    """Where the console is; and the first administrator's one-time password, if this was its first start."""

    address: str
    password: str = field(repr=False)


@asynccontextmanager
async def open_app(sagas: Sequence[Saga], settings: Settings) -> AsyncGenerator[tuple[FastAPI, Feed]]:
    """The app, and the feed to close before it stops. Workers bring operations to their end.

    Temporal may be away; the ledger must be there.

    Raises:
        LedgerOutdatedError: the ledger's tables are of another version; run `saga ledger migrate`.
        StoreUnavailableError: the ledger is away.
    """
    client = await connect_later(settings)
    async with (
        open_service(sagas, settings, client) as service,
        _open_feed(service, settings) as feed,
    ):
        console = Console(
            service=service,
            identity=_identity(service, settings),
            feed=feed,
            cursors=Cursors(settings.cursor_key.get_secret_value() if settings.cursor_key else ""),
            health=_health(service, settings, client),
            pacing=Pacing(service.world.clock, settings.console_requests),
            links=_links(settings),
            max_body=settings.max_body_bytes,
            allow_plaintext=settings.allow_plaintext,
        )
        try:
            yield build_app(console, pages=ROUTERS, lost=LOST), feed
        finally:
            await all_have_ended()  # before the ledger's connections are taken away


@asynccontextmanager
async def serve_console(sagas: Sequence[Saga], settings: Settings) -> AsyncGenerator[Serving]:
    """Serve while the block runs.

    Raises:
        SettingsError: nobody can listen there. Others: see `open_app`.
    """
    if not settings.access_control:
        log.warning(
            "ACCESS CONTROL IS OFF: whoever can start a program on this machine may do anything here."
            " Set SAGA_ACCESS_CONTROL=1"
        )
    async with measured_app(sagas, settings) as (app, measured, feed):
        listening, server = _listen(settings), _Server(_config(measured, settings))
        # Now that somebody can be told: a password that is made is printed.
        password = await _first_password(app) if settings.access_control else ""
        serving = asyncio.create_task(server.serve([listening]))
        try:
            host, port = listening.getsockname()[:2]
            address = f"http://{f'[{host}]' if ':' in host else host}:{port}{settings.console_path or ''}"
            yield Serving(address, password)
        finally:
            feed.close()
            server.should_exit = True
            await serving


@asynccontextmanager
async def measured_app(sagas: Sequence[Saga], settings: Settings) -> AsyncGenerator[tuple[FastAPI, MeasuredApp, Feed]]:
    """The app, bare and measured, with health and metrics at a port of their own. See `open_app`."""
    async with (
        open_measuring(settings, "saga console") as measuring,
        open_app(sagas, settings) as (app, feed),
        open_gauges(settings) as gauges,
    ):
        console: Console = app.state.console

        async def is_ready() -> bool:
            return all((await console.health.answers("ledger", "temporal")).values())

        if measuring is not None:
            measuring.ledger(gauges)
        async with serve_health(settings, is_ready, measuring):
            yield app, MeasuredApp(app, meter_of(measuring)), feed


def _config(app: MeasuredApp, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.console_host,
        port=settings.console_port,
        root_path=settings.console_path or "",
        lifespan="off",
        access_log=False,
        log_config=None,
        forwarded_allow_ips=settings.console_proxies,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


async def _first_password(app: FastAPI) -> str:
    console: Console = app.state.console
    return await console.service.entering.accounts.make_first()


def _identity(service: Service, settings: Settings) -> Identity:
    sessions = service.entering.sessions
    return Identity(service.issuing, _bearers(settings), sessions=sessions, is_on=settings.access_control)


class _Server(uvicorn.Server):
    """A server that leaves signals to the process."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield


def _health(service: Service, settings: Settings, client: Client) -> Health:
    executions = ReachedExecutions(TemporalExecutions(client, settings))

    async def temporal() -> str:
        if not await executions.is_available():
            raise EngineUnavailableError(f"it cannot be reached at {settings.temporal_address}")
        return f"it answers at {settings.temporal_address}"

    async def broker() -> str:
        async with connected(settings, purpose="health"):
            return "it lets us in"

    async def workers() -> str:
        return await tell_workers(client, settings)

    probes: dict[Part, Probe] = {"ledger": ledger_probe(service.reading), "temporal": temporal}
    return Health({**probes, "broker": broker, "workers": workers}, service.world.clock)


@asynccontextmanager
async def _open_feed(service: Service, settings: Settings) -> AsyncGenerator[Feed]:
    async with (
        reading_from(settings.ledger) as engine,
        Feed(service.world.ledger, SqlPulse(engine), per_caller=settings.console_streams) as feed,
    ):
        yield feed


def _links(settings: Settings) -> Links:
    return Links(
        temporal=settings.temporal_ui_url or "",
        namespace=settings.temporal_namespace,
        trace=settings.trace_link or "",
        traces=None if settings.traces == "off" else traces_of(settings),
        prefix=settings.name_prefix,
    )


def _bearers(settings: Settings) -> JwtBearers | None:
    if settings.jwt_issuer is None or settings.jwt_audience is None or settings.jwt_keys is None:
        return None
    algorithms = tuple(settings.jwt_algorithms.split(","))
    return JwtBearers(Trust(settings.jwt_issuer, settings.jwt_audience, algorithms), settings.jwt_keys)


def _listen(settings: Settings) -> socket.socket:
    host, port = settings.console_host, settings.console_port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        setting, value = (
            ("SAGA_CONSOLE_HOST", host) if isinstance(error, socket.gaierror) else ("SAGA_CONSOLE_PORT", str(port))
        )
        allowed = (
            f"nobody can listen at {host}:{port} ({error.strerror}): name an address of this machine and a free port"
        )
        raise SettingsError(WrongSetting(setting, value, allowed)) from error
