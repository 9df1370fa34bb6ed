"""A participant before and after a new version of its command and reply: one store, two programs."""

from dataclasses import replace

import pytest

from orchestrator import Command, Event, upcasts
from orchestrator.adapters.sql.inbox import open_store
from orchestrator.contracts.protocol import CONFLICT, read_reply
from orchestrator.errors import OrchestratorError, UnknownVersionError
from orchestrator.participant import CommandContext, MemoryStore, Participant
from orchestrator.participant.handling import handle
from orchestrator.participant.inbox import versioned, with_version
from tests.participant_kit import ask_for
from tests.sql_kit import sqlite_url


class OldMade(Event, type="thing.made"):
    what: str


class OldMake(Command["OldMade"], type="thing.make"):
    what: str


class Made(Event, type="thing.made", version=2):
    thing: str


class Make(Command["Made"], type="thing.make", version=2):
    thing: str


@upcasts(Make, from_version=1)
def renamed(body):
    return {"thing": body["what"]}


before, after = Participant("maker"), Participant("maker")


@before.handles(OldMake)
async def make_old(command: OldMake, ctx: CommandContext) -> OldMade:
    return OldMade(what=command.what)


@after.handles(Make)
async def make(command: Make, ctx: CommandContext) -> Made:
    await ctx.publish(Made(thing=command.thing))
    return Made(thing=command.thing)


OLD, NEW = ask_for(body=b'{"what":"a"}'), replace(ask_for(body=b'{"thing":"a"}'), version=2)


@pytest.fixture(params=["memory", "sql"])
async def store(request, tmp_path):
    if request.param == "memory":
        yield MemoryStore()
    else:
        async with open_store(sqlite_url(tmp_path), after) as store:
            yield store


@pytest.mark.parametrize("command", [OLD, NEW])
async def test_commands_of_either_version_are_carried_out(store, command) -> None:
    answer = await handle(after, store, command)
    assert (answer.reply.body, answer.reply.version) == (b'{"thing":"a"}', 2)
    assert [event.version for _, event in answer.events] == [2]


async def test_an_older_program_refuses_what_is_newer(store) -> None:
    with pytest.raises(UnknownVersionError, match="deploy what takes it"):
        await handle(before, store, NEW)


@pytest.mark.parametrize("repeat", [OLD, NEW])
async def test_a_repeat_after_the_deployment_is_no_conflict_and_gets_the_stored_reply_in_its_own_version(
    store, repeat
) -> None:
    first = await handle(before, store, OLD)
    again = await handle(after, store, repeat)
    assert (again.reply.body, again.reply.version) == (first.reply.body, 1)


async def test_another_body_of_the_same_version_is_still_a_conflict(store) -> None:
    await handle(after, store, OLD)
    other = await handle(after, store, replace(NEW, body=b'{"thing":"b"}'))
    assert read_reply(other.reply).code == CONFLICT
    assert (await handle(after, store, NEW)).reply.body == b'{"thing":"a"}'


def test_a_participant_does_not_take_a_command_whose_versions_are_wrong() -> None:
    class Torn(Command["Made"], type="thing.tear", version=2):
        thing: str

    with pytest.raises(OrchestratorError, match=r"'thing.tear': S034 Torn: nothing leads.*test_versions.py:\d+"):
        Participant("maker").handles(Torn)(make)  # type: ignore[arg-type]


def test_version_one_is_not_written() -> None:
    assert (with_version("a", 1), with_version("a", 2)) == ("a", "a@2")
    assert (versioned("a"), versioned("a@2"), versioned("")) == (("a", 1), ("a", 2), ("", 1))
