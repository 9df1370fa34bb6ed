import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator import Command
from orchestrator.contracts.protocol import CommandHeaders
from orchestrator.errors import OrchestratorError, UnknownCommandError
from orchestrator.participant import CommandContext, MemoryStore, Participant
from orchestrator.participant.kit import CommandHandler
from tests.participant_kit import Made, Make, ask_for, maker, memory_bench

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Lost(Command["NeverDefined"], type="thing.lose"):  # type: ignore[name-defined]
    pass


async def nothing(_command, _ctx) -> None:
    pass


def context(transaction: Any, **more: Any) -> CommandContext:
    headers = CommandHeaders(execution="s:1", workflow="w", step="x", direction="do", attempt=1, key="k", **more)
    log = logging.LoggerAdapter(logging.getLogger("test"), {})
    return CommandContext(
        headers=headers, correlation_id="thread", transaction=transaction, source="maker", envelope=ask_for(), log=log
    )


def test_a_command_has_one_handler() -> None:
    participant = maker(nothing)
    with pytest.raises(OrchestratorError, match=r"maker handles 'thing.make' twice: remove one"):
        participant.handles(Make)(nothing)


def test_the_decorated_coroutine_stays_what_it_was() -> None:
    assert Participant("other").handles(Make)(nothing) is nothing


def test_an_unknown_command_is_named_with_what_to_do() -> None:
    with pytest.raises(UnknownCommandError, match=r"'maker' handles no 'thing.melt': deploy a version that does"):
        maker(nothing).handler_of("thing.melt")


def test_participants_share_no_handlers() -> None:
    maker(nothing)
    assert Participant("maker").handlers == {}


def test_the_reply_is_found_in_the_command_s_declaration() -> None:
    assert CommandHandler(Make, nothing).reply is Made
    with pytest.raises(LookupError, match="NeverDefined"):
        _ = CommandHandler(Lost, nothing).reply


def test_a_context_says_whose_call_it_is() -> None:
    ctx = context(None, undoes="f", deadline=NOW)
    assert (ctx.key, ctx.undoes, ctx.execution_id, ctx.deadline) == ("k", "f", "s:1", NOW)
    assert ctx.correlation_id == "thread"


async def test_published_events_carry_the_thread_and_ids_that_a_repeat_has_too() -> None:
    published = []
    for _ in range(2):
        async with MemoryStore().transaction() as transaction:
            ctx = context(transaction)
            await ctx.publish(Made(what="a"))
            await ctx.publish(Made(what="a"))
            published.append([event for _, event in ctx.events])
    first, second = published
    assert [event.id for event in first] == [event.id for event in second]
    assert len({event.id for event in first}) == 2
    assert (first[0].type, first[0].source, first[0].body) == ("thing.made", "maker", b'{"what":"a"}')
    assert (first[0].correlation_id, first[0].causation_id) == ("thread", ask_for().id)


async def test_log_records_carry_the_ids_of_their_command(caplog) -> None:
    from orchestrator.participant.handling import handle

    bench = memory_bench()
    seen = bench.participant.handlers["thing.make"].handle
    del bench.participant.handlers["thing.make"]

    @bench.participant.handles(Make)
    async def make(command: Make, ctx: CommandContext) -> Made:
        ctx.log.warning("making")
        await seen(command, ctx)
        return Made(what="a")

    await handle(bench.participant, bench.store, ask_for())
    record = caplog.records[0]
    assert (record.message, record.execution, record.step, record.key) == ("making", "s:1", "x", "s:1:x:do:0")
    assert record.correlation == "thread"
