"""The command line over a world by hand: no servers, and whoever is to be its caller."""

from __future__ import annotations

import contextlib
import io
import json
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from unittest import mock

from typer.main import get_command

from orchestrator.cli.app import build_app
from orchestrator.cli.context import load_sagas
from orchestrator.cli.desk import Doors, Recorded, Records
from orchestrator.cli.exits import status_of
from orchestrator.errors import EngineUnavailableError
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.bulk_reading import BulkReading
from orchestrator.service.events import Events
from orchestrator.service.noting import Noting
from orchestrator.service.projecting import Projecting
from orchestrator.service.rehearsing import Rehearsing
from orchestrator.service.resending import Resending
from orchestrator.service.trail import Trail
from tests.api_kit import ApiBench
from tests.event_kit import HandNoted, HandSender, MemoryEvents, MemoryModels
from tests.parked_kit import HandBroker, cases_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from orchestrator.service.bulk import Bulking
    from orchestrator.service.live import Live
    from orchestrator.service.parked_cases import ParkedCases
    from orchestrator.service.switches import Switching
    from orchestrator.service.traced import TracedSpan
    from orchestrator.service.use_cases import Service

AWAY = "no Temporal server answers at 127.0.0.1:1 (refused): check SAGA_TEMPORAL_ADDRESS, or run `saga up`"


def caller_of(role: Role) -> Caller:
    return Caller(actor="ann", role=role, granted=frozenset({Permission.OVERRIDE}), origin="cli")


@dataclass
class FakeDesk:
    """A desk over a bench.

    Attributes:
        asked: the sagas that were asked for, to check what a person types.
        broker: what redrives are sent to.
        ledger_fault: why the ledger cannot be used.
    """

    bench: ApiBench = field(default_factory=ApiBench)
    caller: Caller = field(default_factory=lambda: caller_of(Role.ADMIN))
    asked: list[str] = field(default_factory=list)
    broker: HandBroker = field(default_factory=HandBroker)
    recorded: list[TracedSpan] = field(default_factory=list)
    events_kept: MemoryEvents = field(default_factory=MemoryEvents)
    models: MemoryModels = field(default_factory=MemoryModels)
    streamed: MemoryEvents = field(default_factory=MemoryEvents)
    noted: HandNoted = field(default_factory=HandNoted)
    sender: HandSender = field(default_factory=HandSender)
    places: list[Path | None] = field(default_factory=list)
    ledger_fault: Exception | None = None

    def traces(self, place: Path | None) -> Recorded:
        self.places.append(place)
        return Recorded(self.recorded, lambda trace_id: f"http://tempo/{trace_id}")

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Records]:
        if self.ledger_fault:
            raise self.ledger_fault
        yield Records(self.bench.reading, Trail(self.bench.register), BulkReading(self.bench.bulks))

    @asynccontextmanager
    async def events(self, *, stream: bool = False) -> AsyncGenerator[Events]:
        yield Events(self.streamed if stream else self.events_kept)

    @asynccontextmanager
    async def live(self) -> AsyncGenerator[Live]:
        if self.bench.live.away:
            raise EngineUnavailableError(AWAY)
        yield self.bench.live

    @asynccontextmanager
    async def projecting(self, *, stream: bool = False) -> AsyncGenerator[Projecting]:
        yield Projecting(Events(self.streamed if stream else self.events_kept), self.models)

    @asynccontextmanager
    async def switching(self) -> AsyncGenerator[Switching]:
        if self.ledger_fault:
            raise self.ledger_fault
        yield self.bench.service.switching

    @asynccontextmanager
    async def bulking(self) -> AsyncGenerator[Bulking]:
        if self.ledger_fault:
            raise self.ledger_fault
        yield self.bench.bulking

    @asynccontextmanager
    async def doors(self) -> AsyncGenerator[Doors]:
        if self.ledger_fault:
            raise self.ledger_fault
        yield Doors(self.bench.service.issuing, self.bench.entering.accounts)

    @asynccontextmanager
    async def noting(self) -> AsyncGenerator[Noting]:
        yield Noting(self.noted)

    @asynccontextmanager
    async def rehearsing(self, sagas: str) -> AsyncGenerator[Rehearsing]:
        trail = Trail(self.bench.register)
        yield Rehearsing(self.bench.reading, trail, Events(self.events_kept), load_sagas(sagas))

    @asynccontextmanager
    async def resending(self, *, sends: bool) -> AsyncGenerator[Resending]:
        self.sender.is_open = sends
        yield Resending(Events(self.events_kept), self.sender, self.bench.register, self.bench.clock)

    @asynccontextmanager
    async def service(self, sagas: str = "") -> AsyncGenerator[Service]:
        if self.bench.live.away:
            raise EngineUnavailableError(AWAY)
        if self.ledger_fault:
            raise self.ledger_fault
        self.asked.append(sagas)
        yield self.bench.service

    @asynccontextmanager
    async def parked(self, sagas: str = "", *, sends: bool = False) -> AsyncGenerator[ParkedCases]:
        self.asked.append(sagas)
        bench = self.bench
        yield cases_of(bench.parking, bench.register, bench.clock, broker=self.broker if sends else None)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output, which must be one document alone; a success says nothing else."""
        assert self.err == ""
        return json.loads(self.out)


@dataclass
class _Seat:
    """A desk that is somebody else's for each command: building the application takes longer than running it."""

    desk: FakeDesk = field(default_factory=FakeDesk)

    @property
    def caller(self) -> Caller:
        return self.desk.caller

    def traces(self, place: Path | None) -> Recorded:
        return self.desk.traces(place)

    def reading(self) -> AbstractAsyncContextManager[Records]:
        return self.desk.reading()

    def events(self, *, stream: bool = False) -> AbstractAsyncContextManager[Events]:
        return self.desk.events(stream=stream)

    def live(self) -> AbstractAsyncContextManager[Live]:
        return self.desk.live()

    def projecting(self, *, stream: bool = False) -> AbstractAsyncContextManager[Projecting]:
        return self.desk.projecting(stream=stream)

    def switching(self) -> AbstractAsyncContextManager[Switching]:
        return self.desk.switching()

    def bulking(self) -> AbstractAsyncContextManager[Bulking]:
        return self.desk.bulking()

    def doors(self) -> AbstractAsyncContextManager[Doors]:
        return self.desk.doors()

    def noting(self) -> AbstractAsyncContextManager[Noting]:
        return self.desk.noting()

    def rehearsing(self, sagas: str) -> AbstractAsyncContextManager[Rehearsing]:
        return self.desk.rehearsing(sagas)

    def resending(self, *, sends: bool) -> AbstractAsyncContextManager[Resending]:
        return self.desk.resending(sends=sends)

    def service(self, sagas: str = "") -> AbstractAsyncContextManager[Service]:
        return self.desk.service(sagas)

    def parked(self, sagas: str = "", *, sends: bool = False) -> AbstractAsyncContextManager[ParkedCases]:
        return self.desk.parked(sagas, sends=sends)


@cache
def _application() -> tuple[_Seat, Any]:
    seat = _Seat()
    return seat, get_command(build_app(lambda: seat))


def saga(desk: FakeDesk, *arguments: str, columns: int | None = None) -> Ended:
    """Run a command as the console script does, in this process; `columns`: on a terminal of this width."""
    seat, application = _application()
    seat.desk = desk
    out, err = io.StringIO(), io.StringIO()
    plain = {name: value for name, value in os.environ.items() if name != "COLUMNS"}  # nothing is cut to a width
    if columns is not None:
        plain["COLUMNS"] = str(columns)
    with (
        mock.patch.dict(os.environ, plain, clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = status_of(lambda: application(list(arguments)))
    return Ended(status, out.getvalue(), err.getvalue())
