"""Opens the service layer for commands, by the settings as they are when a command runs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from orchestrator.adapters.telemetry.reading import read
from orchestrator.adapters.temporal.connecting import connect
from orchestrator.adapters.temporal.live import TemporalLive
from orchestrator.adapters.temporal.reaching import ReachedLive
from orchestrator.cli.context import load_sagas
from orchestrator.cli.desk import Recorded, local_caller
from orchestrator.service.rehearsing import Rehearsing
from orchestrator.settings import load_settings
from orchestrator.settings.fields import TRACE_ID
from workers.events import open_events, open_noting, open_projecting, open_resending, open_stream
from workers.operating import open_bulking, open_doors, open_reading, open_service, open_switching
from workers.parked import open_parked

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from orchestrator.cli.desk import Doors, Records
    from orchestrator.service.access import Caller
    from orchestrator.service.bulk import Bulking
    from orchestrator.service.events import Events
    from orchestrator.service.live import Live
    from orchestrator.service.noting import Noting
    from orchestrator.service.parked_cases import ParkedCases
    from orchestrator.service.projecting import Projecting
    from orchestrator.service.resending import Resending
    from orchestrator.service.switches import Switching
    from orchestrator.service.use_cases import Service
    from orchestrator.settings import Settings


class ServerDesk:
    """The service layer over the servers that the settings name. Implements `orchestrator.cli.desk.Desk`.

    Args:
        settings_of: gives the settings; called when a command runs.
    """

    def __init__(self, settings_of: Callable[[], Settings] = load_settings) -> None:
        self._settings_of = settings_of

    @property
    def caller(self) -> Caller:
        """The user of the operating system."""
        return local_caller()

    def traces(self, place: Path | None) -> Recorded:
        """Those of a place, or of the settings' folder."""
        settings = self._settings_of()
        template = settings.trace_link or ""
        # Where none were ever written there are none; what a person names must be there.
        is_missing = place is None and not settings.trace_folder.exists()
        spans = () if is_missing else read(place or settings.trace_folder)
        return Recorded(spans, lambda trace_id: template.replace(TRACE_ID, trace_id))

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Records]:
        """From the ledger alone."""
        async with open_reading(self._settings_of()) as records:
            yield records

    @asynccontextmanager
    async def events(self, *, stream: bool = False) -> AsyncGenerator[Events]:
        """From the database alone, or from the broker alone."""
        opened = open_stream if stream else open_events
        async with opened(self._settings_of()) as events:
            yield events

    @asynccontextmanager
    async def live(self) -> AsyncGenerator[Live]:
        """Temporal alone."""
        settings = self._settings_of()
        yield ReachedLive(TemporalLive(await connect(settings), settings))

    @asynccontextmanager
    async def projecting(self, *, stream: bool = False) -> AsyncGenerator[Projecting]:
        """Over the database alone; from the broker's stream into it."""
        async with open_projecting(self._settings_of(), stream=stream) as projecting:
            yield projecting

    @asynccontextmanager
    async def switching(self) -> AsyncGenerator[Switching]:
        """Over the ledger's database alone."""
        async with open_switching(self._settings_of()) as switching:
            yield switching

    @asynccontextmanager
    async def bulking(self) -> AsyncGenerator[Bulking]:
        """Over the ledger's database alone."""
        async with open_bulking(self._settings_of()) as bulking:
            yield bulking

    @asynccontextmanager
    async def doors(self) -> AsyncGenerator[Doors]:
        """Over the ledger's database alone."""
        async with open_doors(self._settings_of()) as doors:
            yield doors

    @asynccontextmanager
    async def noting(self) -> AsyncGenerator[Noting]:
        """Over the database alone."""
        async with open_noting(self._settings_of()) as noting:
            yield noting

    @asynccontextmanager
    async def rehearsing(self, sagas: str) -> AsyncGenerator[Rehearsing]:
        """Over the database alone."""
        settings, loaded = self._settings_of(), load_sagas(sagas)
        async with open_reading(settings) as records, open_events(settings) as events:
            yield Rehearsing(records.reading, records.trail, events, loaded)

    @asynccontextmanager
    async def resending(self, *, sends: bool) -> AsyncGenerator[Resending]:
        """Over the database, and the broker if it sends."""
        async with open_resending(self._settings_of(), sends=sends) as resending:
            yield resending

    @asynccontextmanager
    async def service(self, sagas: str = "") -> AsyncGenerator[Service]:
        """All of it."""
        settings, loaded = self._settings_of(), load_sagas(sagas) if sagas else ()
        async with open_service(loaded, settings, await connect(settings)) as service:
            yield service

    @asynccontextmanager
    async def parked(self, sagas: str = "", *, sends: bool = False) -> AsyncGenerator[ParkedCases]:
        """Those of parked messages."""
        loaded = load_sagas(sagas) if sagas else ()
        async with open_parked(self._settings_of(), loaded, sends=sends) as cases:
            yield cases
