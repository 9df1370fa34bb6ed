"""What every participant store must do, through the kit, on a real SQL store."""

import asyncio

import pytest
from pydantic import BaseModel
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from orchestrator import Command, Event, Rejected
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.inbox import SqlStore
from orchestrator.contracts.protocol import CommandHeaders, read_reply
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


class Fault(Exception):
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
        raise Fault
    return Made(what=command.what)


@maker.handles(Unmake)
async def unmake(command: Unmake, ctx) -> BaseModel | None:
    await ctx.get(AsyncConnection).execute(insert(made).values(what=f"un{command.what}"))
    return None


def envelope(what="a", *, direction="do", key="k", type_="thing.make", message_id="m"):
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


@pytest.fixture
async def store(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/books.db")
    store = SqlStore(engine, "maker", tables)
    await store.prepare()
    store.engine = engine
    yield store
    await engine.dispose()


async def ask(store, command):
    return read_reply(await handle(maker, store, command))


async def count(store):
    async with store.engine.connect() as connection:
        return (await connection.execute(select(func.count()).select_from(made))).scalar_one()


async def test_a_repeated_command_is_done_once_and_answered_alike(store) -> None:
    first, second = await ask(store, envelope()), await ask(store, envelope())
    assert first == second
    assert first.outcome == "completed"
    assert await count(store) == 1
    assert len(await store.unsent(10)) == 1


async def test_a_refusal_is_stored_and_leaves_no_write_behind(store) -> None:
    assert (await ask(store, envelope("refused"))).code == "no"
    assert (await ask(store, envelope("refused"))).code == "no"
    assert await count(store) == 0
    assert await store.unsent(10) == []


async def test_a_refusal_for_now_is_not_stored(store) -> None:
    assert (await ask(store, envelope("later"))).retryable
    assert (await ask(store, envelope("a"))).outcome == "completed"


async def test_a_fault_leaves_nothing_behind_and_the_command_can_come_again(store) -> None:
    with pytest.raises(Fault):
        await ask(store, envelope("broken"))
    assert await count(store) == 0
    assert (await ask(store, envelope("a"))).outcome == "completed"


async def test_the_same_key_with_another_body_is_a_conflict(store) -> None:
    await ask(store, envelope("a"))
    assert (await ask(store, envelope("b"))).code == "conflict"
    assert await count(store) == 1


async def test_an_undo_that_comes_first_succeeds_and_the_late_command_is_refused(store) -> None:
    assert (await ask(store, undo())).outcome == "completed"
    assert (await ask(store, envelope())).code == "undone"
    assert await count(store) == 0


async def test_an_undo_is_made_once(store) -> None:
    await ask(store, envelope())
    for _ in range(3):
        assert (await ask(store, undo())).outcome == "completed"
    assert await count(store) == 2


async def test_a_refused_command_has_nothing_to_undo(store) -> None:
    await ask(store, envelope("refused"))
    assert (await ask(store, undo("refused"))).outcome == "completed"
    assert await count(store) == 0


async def test_command_and_undo_at_once_never_leave_an_effect(store) -> None:
    keys = [f"k{number}" for number in range(20)]
    both = [ask(store, envelope(key=key)) for key in keys]
    both += [ask(store, envelope(key=key, direction="undo", type_="thing.unmake")) for key in keys]
    await asyncio.gather(*both)
    async with store.engine.connect() as connection:
        rows = (await connection.execute(select(made.c.what))).scalars().all()
    assert rows.count("a") == rows.count("una")


async def test_commands_that_cannot_be_taken_are_named(store) -> None:
    wrong = envelope()
    with pytest.raises(SchemaMismatchError, match="what"):
        await handle(maker, store, Envelope(id="m", source="t", type="thing.make", body=b"{}", headers=wrong.headers))
    with pytest.raises(UnknownMessageTypeError, match="thing.melt"):
        await handle(maker, store, Envelope(id="m", source="t", type="thing.melt", body=b"{}", headers=wrong.headers))
