"""What tests of participants share: a maker of things, its commands, and each store with a way to look inside."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import Column, Integer, MetaData, String, Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from orchestrator import Command, Event, Rejected
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.inbox import SqlStore
from orchestrator.adapters.sql.tables import inbox, outbox
from orchestrator.contracts.protocol import CommandHeaders
from orchestrator.messages import Envelope
from orchestrator.participant import CommandContext, MemoryStore, Participant
from orchestrator.participant.ports import Store

Direction = Literal["do", "undo", "probe"]


class Made(Event, type="thing.made"):
    what: str


class Unmade(Event, type="thing.unmade"):
    what: str


class Make(Command["Made"], type="thing.make"):
    what: str
    colour: str = "red"


class Unmake(Command["Unmade"], type="thing.unmake"):
    what: str


class Find(Command["Made"], type="thing.find"):
    what: str


class Fault(Exception):  # noqa: N818 - a fault of an author, not an error of ours
    pass


Write = Callable[[CommandContext, str], Awaitable[None]]


def maker(write: Write) -> Participant:
    """A participant whose commands say what is to happen: `refused`, `later`, `broken`, anything else is made."""
    participant = Participant("maker")

    @participant.handles(Make)
    async def make(command: Make, ctx: CommandContext) -> Made:
        await write(ctx, command.what)
        await ctx.publish(Made(what=command.what))
        match command.what:
            case "refused":
                raise Rejected("not that", code="no")
            case "later":
                raise Rejected("not now", retryable=True)
            case "broken":
                raise Fault
            case _:
                return Made(what=command.what)

    @participant.handles(Unmake)
    async def unmake(command: Unmake, ctx: CommandContext) -> Unmade:
        await write(ctx, f"un{command.what}")
        if command.what == "refused":
            raise Rejected("not back", code="stays")
        return Unmade(what=command.what)

    @participant.handles(Find)
    async def find(command: Find, ctx: CommandContext) -> Made:
        if command.what == "broken":
            raise Fault
        if command.what != "found":
            raise Rejected("there is no such thing", code="none")
        return Made(what=command.what)

    return participant


KINDS: dict[Direction, type[Make | Unmake | Find]] = {"do": Make, "undo": Unmake, "probe": Find}


def ask_for(
    what: str = "a",
    direction: Direction = "do",
    *,
    key: str = "s:1:x",
    attempt: int = 1,
    deadline: datetime | None = None,
    body: bytes | None = None,
) -> Envelope:
    """A command as it travels."""
    kind = KINDS[direction]
    headers = CommandHeaders(
        execution="s:1",
        workflow="s:1",
        step="x",
        direction=direction,
        attempt=attempt,
        key=f"{key}:{direction}:0",
        undoes="" if direction == "do" else f"{key}:do:0",
        deadline=deadline,
    )
    return Envelope(
        id=headers.command_id,
        source="test",
        type=kind.message_type,
        body=kind(what=what).model_dump_json().encode() if body is None else body,
        correlation_id="thread",
        headers=headers.to_headers(),
    )


@dataclass
class Bench:
    """A store at work: `participant` writes into it, `made()` says what was kept, `again()` opens it anew."""

    store: Store
    participant: Participant
    made: Callable[[], Awaitable[list[str]]]
    again: Callable[[], Store]


@dataclass
class Notes:
    """Business data of the store in memory."""

    lines: list[str] = field(default_factory=list[str])


def memory_bench() -> Bench:
    store = MemoryStore(Notes())

    async def write(ctx: CommandContext, line: str) -> None:
        ctx.get(Notes).lines.append(line)

    async def made() -> list[str]:
        return store.get(Notes).lines

    return Bench(store, maker(write), made, lambda: store)


tables = MetaData()
things = Table("things", tables, Column("number", Integer, primary_key=True), Column("what", String, nullable=False))


async def write_thing(ctx: CommandContext, line: str) -> None:
    await ctx.get(AsyncConnection).execute(insert(things).values(what=line))


@asynccontextmanager
async def sql_bench(url: str) -> AsyncGenerator[Bench]:
    engine = open_engine(url)
    try:
        store = SqlStore(engine, "maker", tables)
        await store.prepare()
        async with engine.begin() as connection:
            for table in (things, inbox, outbox):
                await connection.execute(delete(table))

        async def made() -> list[str]:
            async with engine.connect() as connection:
                return list((await connection.execute(select(things.c.what).order_by(things.c.number))).scalars())

        yield Bench(store, maker(write_thing), made, lambda: SqlStore(engine, "maker", tables))
    finally:
        await engine.dispose()
