"""A trip whose every step does what a test's script says: a saga for the tests of operators' work.

Script and books are files, so that they outlive a worker that is killed: `script.json` says by action how its attempts
go (`ok` when it says nothing), `books.jsonl` has one line for each attempt.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from orchestrator import ActionContext, Event, Rejected, Retry, Saga, action, parallel, pivot, step, wait_for
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.temporal.commanding import TemporalCommanded
from orchestrator.adapters.temporal.live import TemporalLive
from orchestrator.engine.signals import OperatorSignal
from orchestrator.errors import EngineUnavailableError, ExecutionNotFoundError
from orchestrator.messages import Envelope
from tests.rabbitmq_kit import Corner, corner
from workers.saga_worker import Running, open_worker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from orchestrator.service.live import Taken

QUICK = Retry(attempts=2, first_delay=timedelta(milliseconds=20))


class TripOrdered(Event, type="trip.ordered"):
    trip: str
    guests: int = 1


class Approved(Event, type="trip.approved"):
    trip: str


class Confirmed(Event, type="trip.confirmed"):
    trip: str


class TicketIssued(BaseModel):
    ticket: str


class PapersSent(BaseModel):
    parcel: str


@dataclass(frozen=True)
class Agency:
    """What the actions ask how to behave."""

    folder: Path

    def write(self, **script: str | list[str]) -> None:
        """Say how attempts go: `ok`, `fail`, `reject`, `die`, or a list of them (the last one stays)."""
        known = self._script()
        (self.folder / "script.json").write_text(json.dumps({**known, **script}))

    def _script(self) -> dict[str, Any]:
        file = self.folder / "script.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def books(self) -> list[dict[str, Any]]:
        """Every attempt, in order."""
        file = self.folder / "books.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def done(self) -> list[str]:
        """Actions that succeeded, each key once, in order."""
        succeeded = {(entry["name"], entry["key"]): None for entry in self.books() if entry["how"] == "ok"}
        return [name for name, _ in succeeded]

    async def act(self, ctx: ActionContext, name: str, **more: Any) -> str:
        told = self._script().get(name, "ok")
        times = len([entry for entry in self.books() if entry["name"] == name])
        how = told if isinstance(told, str) else told[min(times, len(told) - 1)]
        line = {"name": name, "key": ctx.idempotency_key, "undoes": ctx.undoes, "how": how, **more}
        with (self.folder / "books.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        match how:
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "fail":
                raise RuntimeError(f"{name} is out of order")
            case "reject":
                raise Rejected(f"{name} says no")
        return f"{name}-{times}"


@action(brief=True)
async def book_hotel(trip_ordered: TripOrdered, ctx: ActionContext) -> None:
    await ctx.get(Agency).act(ctx, "book_hotel")


@action(brief=True)
async def cancel_hotel(trip_ordered: TripOrdered, ctx: ActionContext) -> None:
    await ctx.get(Agency).act(ctx, "cancel_hotel")


@action(brief=True)
async def book_flight(trip_ordered: TripOrdered, ctx: ActionContext) -> None:
    await ctx.get(Agency).act(ctx, "book_flight")


@action(brief=True)
async def cancel_flight(trip_ordered: TripOrdered, ctx: ActionContext) -> None:
    await ctx.get(Agency).act(ctx, "cancel_flight", guests=trip_ordered.guests)


@action(brief=True)
async def book_car(trip_ordered: TripOrdered, ctx: ActionContext) -> None:
    await ctx.get(Agency).act(ctx, "book_car")


@action(brief=True)
async def cancel_car(trip_ordered: TripOrdered, ctx: ActionContext) -> None:
    await ctx.get(Agency).act(ctx, "cancel_car")


@action(brief=True)
async def take_money(trip_ordered: TripOrdered, ctx: ActionContext) -> None:
    await ctx.get(Agency).act(ctx, "take_money")


@action(brief=True)
async def give_money(trip_ordered: TripOrdered, ctx: ActionContext) -> None:
    await ctx.get(Agency).act(ctx, "give_money")


@action(brief=True)
async def issue_ticket(trip_ordered: TripOrdered, ctx: ActionContext) -> TicketIssued:
    return TicketIssued(ticket=await ctx.get(Agency).act(ctx, "issue_ticket"))


@action(brief=True)
async def send_papers(ticket_issued: TicketIssued, ctx: ActionContext) -> PapersSent:
    return PapersSent(parcel=await ctx.get(Agency).act(ctx, "send_papers", ticket=ticket_issued.ticket))


@action(brief=True)
async def file_copy(papers_sent: PapersSent, ctx: ActionContext) -> None:
    await ctx.get(Agency).act(ctx, "file_copy", parcel=papers_sent.parcel)


trip = Saga(
    "trip",
    step(book_hotel, undo=cancel_hotel, retry=QUICK, undo_retry=QUICK),
    parallel(
        step(book_flight, undo=cancel_flight, retry=QUICK, undo_retry=QUICK),
        step(book_car, undo=cancel_car, retry=QUICK, undo_retry=QUICK),
    ),
    wait_for(Approved, within=timedelta(hours=1)),
    wait_for(Confirmed, within=timedelta(hours=1)),
    step(take_money, undo=give_money, retry=QUICK, undo_retry=QUICK),
    pivot(issue_ticket, retry=QUICK),
    step(send_papers, retry=QUICK),
    step(file_copy, retry=QUICK),
    starts_on=TripOrdered,
    key="trip",
    version=1,
)


@dataclass
class Office:
    """The travel office while it is open: a worker, its agency, and the ways to look and to command."""

    corner: Corner
    agency: Agency
    running: Running | None
    client: Any
    run: str

    @property
    def commanded(self) -> TemporalCommanded:
        return TemporalCommanded(self.client)

    @property
    def live(self) -> TemporalLive:
        return TemporalLive(self.client, self.corner.settings)

    async def order(self, number: int = 1) -> str:
        name = f"{self.run}-{number}"
        await self.send(TripOrdered(trip=name))
        return f"trip:{name}"

    async def send(self, event: Event) -> None:
        envelope = Envelope(
            id=secrets.token_hex(8), source="test", type=event.message_type, body=event.model_dump_json().encode()
        )
        async with Publisher.open(self.corner.settings) as publisher:
            await publisher.publish(envelope, exchange=self.corner.names.events, routing_key=envelope.type)

    async def alerts(self) -> str:
        """The name of a queue that gets what people are told from now on."""
        name = f"{self.corner.settings.name_prefix}.alerts"
        async with self.corner.connection.channel() as channel:
            queue = await channel.declare_queue(name, durable=True)
            await queue.bind(self.corner.names.events, "saga.execution.*")
        return name

    async def approve(self, execution: str) -> None:
        await self.send(Approved(trip=execution.partition(":")[2]))
        await self.send(Confirmed(trip=execution.partition(":")[2]))

    async def show(self, execution: str) -> dict[str, Any]:
        from orchestrator.adapters.temporal.gateway import TemporalExecutions

        return await TemporalExecutions(self.client, self.corner.settings).show(execution)

    async def until(self, execution: str, word: str, **phases: str) -> dict[str, Any]:
        """Wait until an execution shows this word and these steps these phases; what it then shows."""
        async with asyncio.timeout(120):
            while True:
                try:
                    found = await self.show(execution)
                except (ExecutionNotFoundError, EngineUnavailableError):  # it is not there yet, or a worker just starts
                    found = {"word": "", "steps": {}}
                stands = {name: step["phase"] for name, step in found["steps"].items()}
                if found["word"] == word and {**stands, **phases} == stands:
                    return found
                await asyncio.sleep(0.05)

    async def waiting(self, number: int = 1) -> str:
        """A trip that waits for its approval."""
        execution = await self.order(number)
        await self.until(execution, "Running", approved="doing")
        return execution

    async def stuck(self, number: int = 1) -> str:
        """A trip that is cancelled and whose flight cannot be given back."""
        self.agency.write(cancel_flight="fail")
        execution = await self.waiting(number)
        await self.commanded.command(execution, command("CancelRequested"))
        await self.until(execution, "Stuck", book_flight="stuck", book_car="undone")
        return execution

    async def parked(self, number: int = 1) -> str:
        """A trip whose ticket is issued and whose papers cannot be sent."""
        self.agency.write(send_papers="fail")
        execution = await self.order(number)
        await self.approve(execution)
        await self.until(execution, "Parked", send_papers="parked")
        return execution

    async def give(self, execution: str, kind: str, *, revision: int | None = None, **fields: Any) -> Taken:
        return await self.commanded.command(execution, command(kind, **fields), revision=revision)


def command(kind: str, **fields: Any) -> Any:
    """An operator's command of the engine, with an actor and a reason."""
    from orchestrator.engine import signals

    made: type[OperatorSignal] = getattr(signals, kind)
    defaults = {"command_id": secrets.token_hex(8), "actor": "ann", "reason": "decided by hand"}
    return made(**{**defaults, **fields})


@asynccontextmanager
async def office(folder: Path, *, worker: bool = True, **changes: Any) -> AsyncGenerator[Office]:
    """A travel office, with a worker in this process unless told otherwise."""
    from orchestrator.adapters.temporal.attributes import ensure_search_attribute
    from orchestrator.adapters.temporal.connecting import connect

    run = f"t{secrets.token_hex(4)}"
    agency = Agency(folder)
    async with corner([trip.plan], task_queue=f"test-{run}", **changes) as place:
        if not worker:
            client = await connect(place.settings)
            await ensure_search_attribute(client)
            yield Office(place, agency, None, client, run)
            return
        async with open_worker([trip], place.settings, {Agency: agency}) as running:
            yield Office(place, agency, running, running.client, run)


@asynccontextmanager
async def worker_process(place: Office, *mark: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A worker of its own, killed at the end of the block if it has not killed itself."""
    async with helper(place, "tests.trip_process", *mark) as process:
        yield process


@asynccontextmanager
async def helper(place: Office, module: str, *arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A process of the office, told its folder first and then the arguments; killed at the end of the block."""
    settings = place.corner.settings
    names = {
        "SAGA_NAME_PREFIX": settings.name_prefix,
        "SAGA_TASK_QUEUE": settings.task_queue,
        "SAGA_DATABASE_URL": settings.database_url.get_secret_value(),
    }
    command = (sys.executable, "-m", module, str(place.agency.folder), *arguments)
    process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **names})
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
