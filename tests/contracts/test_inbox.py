"""What every participant store must do, through the kit, on a real SQL store."""

import asyncio
from dataclasses import dataclass

import pytest
from pydantic import BaseModel
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from orchestrator import Command, Event, Rejected
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.inbox import SqlStore
from orchestrator.contracts.protocol import CommandHeaders, read_reply
from orchestrator.engine.signals import Direction
from orchestrator.errors import SchemaMismatchError, UnknownMessageTypeError
from orchestrator.messages import Envelope
from orchestrator.participant import Participant
from orchestrator.participant.handling import handle

tables = MetaData()
made = Table("made", tables, Column("number", Integer, primary_key=True), Column("what", String, nullable=False))


class Made(Event, type="thing.made"):
    what: str


class Make(Command["Made"], type="thing.make"):
    what: str


class Unmake(Command["Made"], type="thing.unmake"):
    what: str


maker = Participant("maker")


class FaultError(Exception):
    pass


@maker.handles(Make)
async def make(command: Make, ctx) -> Made:
    await ctx.get(AsyncConnection).execute(insert(made).values(what=command.what))
    await ctx.publish(Made(what=command.what))
    if command.what == "refused":
        raise Rejected("not that", code="no")
    if command.what == "later":
        raise Rejected("not now", retryable=True)
    if command.what == "broken":
        raise FaultError
    return Made(what=command.what)


@maker.handles(Unmake)
async def unmake(command: Unmake, ctx) -> BaseModel | None:
    await ctx.get(AsyncConnection).execute(insert(made).values(what=f"un{command.what}"))
    return None


def envelope(what="a", *, direction: Direction = "do", key="k", type_="thing.make", message_id="m"):
    headers = CommandHeaders(
        execution="s:1", workflow="s:1", step="x", direction=direction, attempt=1,
        key=f"{key}:{direction}", undoes=f"{key}:do" if direction == "undo" else "",
    )  # fmt: skip
    kind = Make(what=what) if type_ == "thing.make" else Unmake(what=what)
    return Envelope(
        id=message_id, source="test", type=type_, body=kind.model_dump_json().encode(), headers=headers.to_headers()
    )


def undo(what="a"):
    return envelope(what, direction="undo", type_="thing.unmake")


@dataclass
class Books:
    store: SqlStore
    engine: AsyncEngine


@pytest.fixture
async def books(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/books.db")
    store = SqlStore(engine, "maker", tables)
    await store.prepare()
    yield Books(store, engine)
    await engine.dispose()


async def ask(books, command):
    return read_reply(await handle(maker, books.store, command))


async def count(books):
    async with books.engine.connect() as connection:
        return (await connection.execute(select(func.count()).select_from(made))).scalar_one()


async def test_a_repeated_command_is_done_once_and_answered_alike(books) -> None:
    first, second = await ask(books, envelope()), await ask(books, envelope())
    assert first == second
    assert first.outcome == "completed"
    assert await count(books) == 1
    assert len(await books.store.unsent(10)) == 1


async def test_a_refusal_is_stored_and_leaves_no_write_behind(books) -> None:
    assert (await ask(books, envelope("refused"))).code == "no"
    assert (await ask(books, envelope("refused"))).code == "no"
    assert await count(books) == 0
    assert await books.store.unsent(10) == []


async def test_a_refusal_for_now_is_not_stored(books) -> None:
    assert (await ask(books, envelope("later"))).retryable
    assert (await ask(books, envelope("a"))).outcome == "completed"


async def test_a_fault_leaves_nothing_behind_and_the_command_can_come_again(books) -> None:
    with pytest.raises(FaultError):
        await ask(books, envelope("broken"))
    assert await count(books) == 0
    assert (await ask(books, envelope("a"))).outcome == "completed"


async def test_the_same_key_with_another_body_is_a_conflict(books) -> None:
    await ask(books, envelope("a"))
    assert (await ask(books, envelope("b"))).code == "conflict"
    assert await count(books) == 1


async def test_an_undo_that_comes_first_succeeds_and_the_late_command_is_refused(books) -> None:
    assert (await ask(books, undo())).outcome == "completed"
    assert (await ask(books, envelope())).code == "undone"
    assert await count(books) == 0


async def test_an_undo_is_made_once(books) -> None:
    await ask(books, envelope())
    for _ in range(3):
        assert (await ask(books, undo())).outcome == "completed"
    assert await count(books) == 2


async def test_a_refused_command_has_nothing_to_undo(books) -> None:
    await ask(books, envelope("refused"))
    assert (await ask(books, undo("refused"))).outcome == "completed"
    assert await count(books) == 0


async def test_command_and_undo_at_once_never_leave_an_effect(books) -> None:
    keys = [f"k{number}" for number in range(20)]
    both = [ask(books, envelope(key=key)) for key in keys]
    both += [ask(books, envelope(key=key, direction="undo", type_="thing.unmake")) for key in keys]
    await asyncio.gather(*both)
    async with books.engine.connect() as connection:
        rows = (await connection.execute(select(made.c.what))).scalars().all()
    assert rows.count("a") == rows.count("una")


async def test_commands_that_cannot_be_taken_are_named(books) -> None:
    wrong = envelope()
    with pytest.raises(SchemaMismatchError, match="what"):
        await handle(
            maker, books.store, Envelope(id="m", source="t", type="thing.make", body=b"{}", headers=wrong.headers)
        )
    with pytest.raises(UnknownMessageTypeError, match=r"thing\.melt"):
        await handle(
            maker, books.store, Envelope(id="m", source="t", type="thing.melt", body=b"{}", headers=wrong.headers)
        )
