"""The command line over a world by hand: no servers, and whoever is to be its caller."""

from __future__ import annotations

import contextlib
import io
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from typer.main import get_command

from orchestrator.cli.app import build_app
from orchestrator.cli.desk import Records
from orchestrator.cli.exits import status_of
from orchestrator.errors import EngineUnavailableError
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.once import Once
from orchestrator.service.switches import Switching
from orchestrator.service.tokens import Issuing
from orchestrator.service.trail import Trail
from orchestrator.service.use_cases import Service
from tests.access_kit import MemoryAnswers, MemoryTokens
from tests.service_kit import MemorySwitches, ServiceBench

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager

AWAY = "no Temporal server answers at 127.0.0.1:1 (refused): check SAGA_TEMPORAL_ADDRESS, or run `saga up`"


def caller_of(role: Role) -> Caller:
    return Caller(actor="ann", role=role, granted=frozenset({Permission.OVERRIDE}), origin="cli")


@dataclass
class FakeDesk:
    """A desk over a bench. `sagas`: what was asked for, to check what a person types."""

    bench: ServiceBench = field(default_factory=ServiceBench)
    caller: Caller = field(default_factory=lambda: caller_of(Role.ADMIN))
    tokens: MemoryTokens = field(default_factory=MemoryTokens)
    switches: MemorySwitches = field(default_factory=MemorySwitches)
    sagas: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Records]:
        yield Records(self.bench.reading, Trail(self.bench.register))

    @asynccontextmanager
    async def service(self, sagas: str = "") -> AsyncGenerator[Service]:
        if self.bench.live.away:
            raise EngineUnavailableError(AWAY)
        self.sagas.append(sagas)
        bench = self.bench
        yield Service(
            world=bench.world,
            reading=bench.reading,
            trail=Trail(bench.register),
            operating=bench.operating,
            bulking=bench.bulking,
            running=bench.running,
            switching=Switching(self.switches, bench.register, bench.clock),
            issuing=Issuing(self.tokens, bench.register, bench.clock),
            once=Once(MemoryAnswers(), bench.clock),
        )


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

    def reading(self) -> AbstractAsyncContextManager[Records]:
        return self.desk.reading()

    def service(self, sagas: str = "") -> AbstractAsyncContextManager[Service]:
        return self.desk.service(sagas)


@cache
def _application() -> tuple[_Seat, Any]:
    seat = _Seat()
    return seat, get_command(build_app(seat))


def saga(desk: FakeDesk, *arguments: str) -> Ended:
    """Run a command as the console script does, in this process."""
    seat, application = _application()
    seat.desk = desk
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = status_of(lambda: application(list(arguments)))
    return Ended(status, out.getvalue(), err.getvalue())
