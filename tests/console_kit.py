"""The console as it is served: the real app over a ledger in SQLite, on a port of this machine; Temporal is by hand."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import uvicorn

from orchestrator.adapters.sql.databases import open_engine, open_reading_engine
from orchestrator.adapters.sql.event_store import SqlEventStore
from orchestrator.adapters.sql.figures import SqlFigures
from orchestrator.adapters.sql.ledger import SqlLedger
from orchestrator.adapters.sql.ledger_reader import SqlLedgerReader
from orchestrator.adapters.sql.migrating import migrate
from orchestrator.adapters.sql.parked_store import SqlParkedStore
from orchestrator.console.api.app import build_app
from orchestrator.console.api.context import Console
from orchestrator.console.api.cursors import Cursors
from orchestrator.console.api.description import description
from orchestrator.saga.handlers import Handlers
from orchestrator.service.access import Caller, Role
from orchestrator.service.bulk import BulkWish
from orchestrator.service.feed import Feed
from orchestrator.service.figures import Figuring
from orchestrator.service.health import Health, ledger_probe
from orchestrator.service.identity import Identity
from orchestrator.service.operating import World
from orchestrator.service.pacing import Pacing
from orchestrator.service.parked_actions import Target
from orchestrator.service.parked_deciding import Wish as ParkedWish
from orchestrator.service.records import Filter, MessageRecord, milliseconds
from orchestrator.service.subjects import Subjects
from tests.api_kit import FakeExecutions
from tests.event_kit import stored
from tests.parked_kit import T0, arrival
from tests.service_kit import NOW, WHY, FakeLedger, FakeLive, ManualClock, ServiceBench, asked
from tests.table_kit import in_status
from tests.temporal_kit import settings
from tests.trip_kit import trip
from workers.operating import _service, _Stores
from workers.parked import parked_cases

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path

    from fastapi import FastAPI

    from orchestrator.service.records import Snapshot, Status
    from orchestrator.service.use_cases import Service

ADMIN = Caller(actor="ann", role=Role.ADMIN)


@dataclass
class Snapshots(FakeLedger):
    """Keeps what is to be written into a real ledger."""

    kept: list[Snapshot] = field(default_factory=list)

    def add(self, snapshot: Snapshot) -> None:
        self.kept.append(snapshot)


@dataclass
class Served:
    """A console that is served.

    Attributes:
        url: its address. `live`: Temporal by hand.
        ids: things that are there, by the path of a request and the name that it gives them.
        tokens: of callers, by role. `selection`: names what a bulk of everything would suspend.
    """

    service: Service
    live: FakeLive
    app: FastAPI
    ids: dict[str, list[str]] = field(repr=False)
    tokens: dict[Role, str]
    selection: str
    url: str = ""


@asynccontextmanager
async def opened(folder: Path, statuses: dict[str, Status]) -> AsyncGenerator[Served]:
    """The app over a new ledger with one trip of each of these statuses, by key; and some of everything else."""
    here = settings(database_url=f"sqlite:///{folder}/ledger.db", ledger_url=None)
    bench = ServiceBench(ledger=Snapshots(), live=FakeLive())
    writing, reading = open_engine(here.ledger), open_reading_engine(here.ledger)
    try:
        await migrate(writing)
        stores, ledger = _Stores(writing, reading, here), SqlLedgerReader(reading, here.seal)
        world = World(
            live=bench.live,
            ledger=ledger,
            register=stores.register,
            clock=ManualClock(),
            subjects=Subjects(bench.live, ledger),
            handlers=Handlers.of([trip.handlers]),
        )
        executions: Any = FakeExecutions(bench)
        parked = parked_cases(here, [trip], writing, reading)
        figuring = Figuring(SqlFigures(reading, here.seal), world.clock)
        service = _service([trip], world, executions, stores, parked=parked, figuring=figuring)
        await _seed(bench, statuses, SqlLedger(writing, here.seal))
        await SqlEventStore(writing, here.seal).append([stored(1)])
        for number in (1, 2, 3):
            await SqlParkedStore(writing, here.seal).record(arrival(number), T0 + number)
        async with Feed(ledger) as feed:
            console = Console(
                service=service,
                identity=Identity(service.issuing, None, is_on=True),
                feed=feed,
                cursors=Cursors("a secret of this test, 32 letters"),
                health=Health({"ledger": ledger_probe(service.reading), "temporal": _temporal}, world.clock),
                pacing=Pacing(world.clock),
            )
            made = await _made(service, bench)
            yield Served(
                service, bench.live, build_app(console), made, await _tokens(service), await _selection(service)
            )
            feed.close()
    finally:
        await writing.dispose()
        await reading.dispose()


async def _temporal() -> str:
    return "it answers"


async def _seed(bench: ServiceBench, statuses: dict[str, Status], ledger: SqlLedger) -> None:
    snapshots: Any = bench.ledger
    for number, (name, status) in enumerate(statuses.items()):
        in_status(bench, status, name)
        hand = bench.live.runs[f"trip:{name}"]
        times = {"correlation_id": "thread", "changed_ms": milliseconds(NOW) + number}
        (snapshots.keep if hand.execution.state.ended else snapshots.keep_open)(hand, **times)
    letters = [
        MessageRecord(
            execution_id=execution,
            message_id=f"m{number}",
            direction="out",
            kind="command",
            type="book",
            at_ms=T0 + number,
            size=2,
            body=b"{}",
        )
        for execution in bench.live.runs
        for number in range(3)
    ]
    await ledger.write(snapshots.kept, letters)


async def _made(service: Service, bench: ServiceBench) -> dict[str, list[str]]:
    """An operation, a bulk, a token and a parked message that was put aside; the ids of all that is there."""
    operation = await service.operating.operate(ADMIN, "trip:running-1", asked("suspend"))
    selection = await service.bulking.preview(ADMIN, "suspend", Filter(statuses=("stuck",)))
    wish = BulkWish(word="suspend", wanted=Filter(statuses=("stuck",)), reason=WHY, key="b", token=selection.token)
    bulk = await service.bulking.begin(ADMIN, wish)
    wanted = Caller(actor="", role=Role.VIEWER)
    spare = [await service.issuing.create(ADMIN, f"spare {number}", wanted, WHY, lasts=None) for number in range(20)]
    aside = await service.parked.deciding.discard(ADMIN, ParkedWish(target=Target(arrival(3).id), reason=WHY, key="p"))
    kinds = {
        "execution_id": list(bench.live.runs),
        "fingerprint": [arrival(1).fingerprint],
        "name": ["trip"],
        "version": ["1"],
        "number": ["1"],
        "direction": ["out"],
        "message_id": [arrival(number).id for number in (1, 2, 3)],
        "bulk_id": [bulk.id],
        "token_id": [issued.token.id for issued in spare],
        "view": ["mine", "late ones"],
        "operation_id": [operation.id],
    }
    paths = description()["paths"]
    ids = {f"{path}/{name}": found for path in paths for name, found in kinds.items()}
    letter = "/api/v1/executions/{execution_id}/messages/{direction}/{message_id}"
    letters = {f"{path}/message_id": ["m0", "m1", "m2"] for path in (letter, f"{letter}/body")}
    return {**ids, **letters, "/api/v1/parked/operations/{operation_id}/operation_id": [aside.id]}


async def _selection(service: Service) -> str:
    return (await service.bulking.preview(ADMIN, "suspend", Filter())).token


async def _tokens(service: Service) -> dict[Role, str]:
    made = {
        role: await service.issuing.create(ADMIN, role.value, Caller(actor="", role=role), WHY, lasts=None)
        for role in Role
    }
    return {role: issued.text for role, issued in made.items()}


@contextmanager
def served(folder: Path, statuses: dict[str, Status]) -> Generator[Served]:
    """The same on a port of this machine, in a thread of its own."""
    ready, stop = threading.Event(), threading.Event()
    found: list[Served] = []
    faults: list[BaseException] = []

    async def serve() -> None:
        async with opened(folder, statuses) as here:
            config = uvicorn.Config(here.app, port=0, lifespan="off", log_config=None, access_log=False)
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.01)
            here.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
            found.append(here)
            ready.set()
            await asyncio.to_thread(stop.wait)
            here.app.state.console.feed.close()
            server.should_exit = True
            await serving

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 - the test is told
            faults.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    try:
        if faults:
            raise faults[0]
        yield found[0]
    finally:
        stop.set()
        thread.join()
    if faults:
        raise faults[0]
