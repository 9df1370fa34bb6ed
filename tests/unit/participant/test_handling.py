"""What the store's contract tests leave out: commands that cannot be taken, bodies that mean the same, faults."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from orchestrator import Rejected
from orchestrator.contracts.protocol import DEADLINE, UNDOES, read_reply
from orchestrator.errors import MalformedMessageError, SchemaMismatchError, UnknownCommandError
from orchestrator.participant import CommandContext, Participant
from orchestrator.participant.handling import body_hash, handle
from orchestrator.participant.inbox import Row
from tests.participant_kit import Fault, Made, Make, Unmade, Unmake, ask_for, memory_bench


@pytest.fixture
def bench():
    return memory_bench()


def refused(envelope, **headers):
    return replace(envelope, headers={**envelope.headers, **headers})


@pytest.mark.parametrize(
    ("command", "error", "text"),
    [
        (replace(ask_for(), type="thing.melt"), UnknownCommandError, "thing.melt"),
        (ask_for(body=b"{}"), SchemaMismatchError, "what: Field required"),
        (ask_for(body=b'{"what": 1}'), SchemaMismatchError, "what: Input should be a valid string"),
        (ask_for(body=b"not json"), MalformedMessageError, "not acceptable JSON"),
        (ask_for(body=b""), MalformedMessageError, "empty"),
        (ask_for(body=b"[" * 10_000), MalformedMessageError, "not acceptable JSON"),
        (replace(ask_for(), headers={}), MalformedMessageError, "saga-"),
        (refused(ask_for(direction="undo"), **{UNDOES: ""}), MalformedMessageError, "this undo lacks saga-undoes"),
        (refused(ask_for(direction="probe"), **{UNDOES: ""}), MalformedMessageError, "this probe lacks saga-undoes"),
        (refused(ask_for(), **{UNDOES: "k"}), MalformedMessageError, "a forward command has saga-undoes"),
        (refused(ask_for(), **{DEADLINE: "2026-01-01T00:00:00"}), MalformedMessageError, "has no time zone"),
    ],
)
async def test_a_command_that_cannot_be_taken_is_named_and_nothing_is_stored(bench, command, error, text) -> None:
    with pytest.raises(error, match=text):
        await handle(bench.participant, bench.store, command)
    assert await bench.made() == []
    assert await bench.store.forget_older_than(timedelta(0)) == 0


async def test_a_reply_names_its_command_and_carries_the_thread(bench) -> None:
    reply = (await handle(bench.participant, bench.store, ask_for())).reply
    assert (reply.type, reply.source, reply.correlation_id) == ("thing.made", "maker", "thread")
    assert reply.causation_id == ask_for().id
    assert read_reply(reply).command_id == ask_for().id


async def test_a_repeat_by_another_attempt_is_answered_under_its_own_id(bench) -> None:
    await handle(bench.participant, bench.store, ask_for())
    again = read_reply((await handle(bench.participant, bench.store, ask_for(attempt=2))).reply)
    assert (again.command_id, again.attempt, again.outcome) == (ask_for(attempt=2).id, 2, "completed")


@pytest.mark.parametrize(
    "body",
    [b'{"colour": "red", "what": "a"}', b'{"what":"a"}', b'{"what": "a", "added_later": 1}'],
    ids=["another order", "a default left out", "a field nobody knows"],
)
async def test_a_body_that_means_the_same_is_no_conflict(bench, body) -> None:
    await handle(bench.participant, bench.store, ask_for())
    reply = (await handle(bench.participant, bench.store, ask_for(body=body))).reply
    assert read_reply(reply).outcome == "completed"
    assert await bench.made() == ["a"]


def test_a_body_of_another_meaning_or_type_has_another_hash() -> None:
    hashes = {body_hash(Make(what="a")), body_hash(Make(what="a", colour="blue")), body_hash(Unmake(what="a"))}
    assert len(hashes) == 3


async def test_an_undo_is_never_a_conflict(bench) -> None:
    await handle(bench.participant, bench.store, ask_for())
    for what in ("a", "b"):
        undone = await handle(bench.participant, bench.store, ask_for(what, "undo"))
        assert read_reply(undone.reply).outcome == "completed"
    assert await bench.made() == ["a", "una"]


async def test_a_refusal_loses_against_an_undo_that_came_in_between(bench) -> None:
    waiting: list[asyncio.Task[Any]] = []
    overtaken = Participant("maker", handlers=dict(bench.participant.handlers))
    del overtaken.handlers["thing.make"]

    @overtaken.handles(Make)
    async def make(_command: Make, _ctx: CommandContext) -> Made:
        # What the undo stores after this transaction is rolled back, and before the refusal is stored.
        waiting.append(asyncio.create_task(handle(bench.participant, bench.store, ask_for("a", "undo"))))
        await asyncio.sleep(0)
        raise Rejected("not that")

    late = await handle(overtaken, bench.store, ask_for("refused"))
    assert read_reply((await waiting[0]).reply).outcome == "completed"
    assert read_reply(late.reply).code == "undone"


async def test_a_reply_of_the_wrong_type_is_the_author_s_fault_and_nothing_is_kept(bench) -> None:
    wrong = Participant("maker")

    @wrong.handles(Make)
    async def make(_command, _ctx) -> Unmade:
        return Unmade(what="a")

    with pytest.raises(TypeError, match=r"thing\.make is answered by Made, not Unmade"):
        await handle(wrong, bench.store, ask_for())
    assert read_reply((await handle(bench.participant, bench.store, ask_for())).reply).outcome == "completed"


async def test_an_undo_may_answer_nothing(bench) -> None:
    @(silent := Participant("maker")).handles(Unmake)
    async def unmake(_command, _ctx) -> None:
        pass

    await handle(bench.participant, bench.store, ask_for())
    reply = (await handle(silent, bench.store, ask_for("a", "undo"))).reply
    assert (reply.type, reply.body) == ("thing.unmake.done", b"null")


async def test_a_handler_that_does_not_end_is_stopped_and_rolled_back(bench) -> None:
    endless = Participant("maker", limit=timedelta(milliseconds=1))

    @endless.handles(Make)
    async def make(_command, ctx) -> Made:
        await ctx.publish(Made(what="a"))
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(TimeoutError):
        await handle(endless, bench.store, ask_for())
    assert await bench.store.unsent(10) == []


async def test_the_undo_keeps_what_was_answered_forward(bench) -> None:
    await handle(bench.participant, bench.store, ask_for())
    await handle(bench.participant, bench.store, ask_for("a", "undo"))
    async with bench.store.transaction() as transaction:
        row = await transaction.claim("s:1:x:do:0")
    assert row == Row(
        forward_key="s:1:x:do:0",
        state="undone",
        body_hash=body_hash(Make(what="a")),
        reply_type="thing.made",
        reply=b'{"what":"a"}',
    )


async def test_a_probe_with_a_fault_stores_nothing(bench) -> None:
    with pytest.raises(Fault):
        await handle(bench.participant, bench.store, ask_for("broken", "probe"))
    assert read_reply((await handle(bench.participant, bench.store, ask_for())).reply).outcome == "completed"


def test_rejected_is_the_same_word_everywhere() -> None:
    from orchestrator import participant

    assert participant.Rejected is Rejected
