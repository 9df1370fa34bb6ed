"""What every store of a participant must do, by itself and through the kit (express.md, 14)."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.contracts.protocol import read_reply
from orchestrator.messages import Envelope
from orchestrator.participant.handling import handle
from orchestrator.participant.inbox import Row
from tests.participant_kit import Fault, ask_for, memory_bench, sql_bench
from tests.sql_kit import fresh_database, sqlite_url

STORES = ("memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.servers))
DAY = timedelta(days=1)


@pytest.fixture(params=STORES)
async def bench(request, tmp_path):
    if request.param == "memory":
        yield memory_bench()
        return
    if request.param == "sqlite":
        async with sql_bench(sqlite_url(tmp_path)) as made:
            yield made
        return
    async with fresh_database(request.getfixturevalue("postgres")) as address, sql_bench(address) as made:
        yield made


async def ask(bench, *what, **more):
    return read_reply((await handle(bench.participant, bench.store, ask_for(*what, **more))).reply)


def event(name):
    return Envelope(id=name, source="test", type="thing.made", body=b"{}")


async def test_a_new_key_has_no_row_and_then_the_one_that_was_saved(bench) -> None:
    row = Row(forward_key="k", state="done", body_hash="h", reply_type="t", reply=b"{}", code="c", reason="r")
    async with bench.store.transaction() as transaction:
        assert await transaction.claim("k") is None
        await transaction.save(row)
    async with bench.again().transaction() as transaction:
        assert await transaction.claim("k") == row


async def test_a_key_that_was_claimed_and_not_saved_leaves_no_row(bench) -> None:
    async with bench.store.transaction() as transaction:
        assert await transaction.claim("k") is None
        assert await transaction.claim("k") is None
    async with bench.store.transaction() as transaction:
        assert await transaction.claim("k") is None
    assert await bench.store.forget_older_than(timedelta(0)) == 0


async def test_a_fault_rolls_back_row_and_outbox(bench) -> None:
    async def fail():
        async with bench.store.transaction() as transaction:
            await transaction.claim("k")
            await transaction.save(Row(forward_key="k", state="done"))
            await transaction.enqueue(event("e"))
            raise Fault

    with pytest.raises(Fault):
        await fail()
    assert list(await bench.store.unsent(10)) == []
    async with bench.store.transaction() as transaction:
        assert await transaction.claim("k") is None


async def test_who_claims_a_key_second_waits_for_the_first_and_finds_its_row(bench) -> None:
    order = []
    first_has_it, go_on = asyncio.Event(), asyncio.Event()

    async def first():
        async with bench.store.transaction() as transaction:
            await transaction.claim("k")
            first_has_it.set()
            await go_on.wait()
            order.append("first")
            await transaction.save(Row(forward_key="k", state="undone"))

    async def second():
        await first_has_it.wait()
        go_on.set()
        async with bench.store.transaction() as transaction:
            row = await transaction.claim("k")
            order.append(row.state)

    await asyncio.gather(first(), second())
    assert order == ["first", "undone"]


async def test_the_outbox_gives_what_was_not_sent_oldest_first(bench) -> None:
    async with bench.store.transaction() as transaction:
        numbers = [await transaction.enqueue(event(name)) for name in "abc"]
    assert [number for number, _ in await bench.store.unsent(10)] == numbers
    assert [found.id for _, found in await bench.store.unsent(2)] == ["a", "b"]
    await bench.store.mark_sent(numbers[:1])
    assert [found for _, found in await bench.again().unsent(10)] == [
        found for _, found in await bench.store.unsent(10)
    ]
    assert [found.id for _, found in await bench.store.unsent(10)] == ["b", "c"]


async def test_a_number_in_the_outbox_is_never_used_again(bench) -> None:
    async with bench.store.transaction() as transaction:
        first = await transaction.enqueue(event("a"))
    await bench.store.mark_sent([first])
    async with bench.store.transaction() as transaction:
        second = await transaction.enqueue(event("b"))
    await bench.store.mark_sent([first])  # by another process, which had read it before it was removed
    assert second > first
    assert [found.id for _, found in await bench.store.unsent(10)] == ["b"]


async def test_rows_are_forgotten_by_age(bench) -> None:
    for key in ("k1", "k2"):
        await ask(bench, key=key)
    assert await bench.store.forget_older_than(DAY) == 0
    assert (await ask(bench, "other", key="k1")).code == "conflict"
    assert await bench.store.forget_older_than(timedelta(0)) == 2
    assert (await ask(bench, "other", key="k1")).outcome == "completed"


async def test_a_store_offers_what_it_has_and_names_what_it_has_not(bench) -> None:
    async with bench.store.transaction() as transaction:
        with pytest.raises(LookupError, match="Fault"):
            transaction.get(Fault)


async def test_a_repeated_command_is_done_once_and_answered_alike(bench) -> None:
    first, second = await ask(bench), await ask(bench)
    assert first == second
    assert (first.outcome, first.body) == ("completed", b'{"what":"a"}')
    assert await bench.made() == ["a"]
    assert len(await bench.store.unsent(10)) == 1


async def test_only_the_copy_that_was_carried_out_brings_events(bench) -> None:
    first = await handle(bench.participant, bench.store, ask_for())
    second = await handle(bench.participant, bench.store, ask_for())
    assert list(first.events) == list(await bench.store.unsent(10))
    assert second.events == ()
    published = first.events[0][1]
    assert (published.type, published.correlation_id, published.causation_id) == ("thing.made", "thread", ask_for().id)


async def test_a_refusal_is_stored_and_leaves_no_write_behind(bench) -> None:
    first, second = await ask(bench, "refused"), await ask(bench, "refused")
    assert first == second
    assert (first.outcome, first.code, first.reason) == ("rejected", "no", "not that")
    assert await bench.made() == []
    assert list(await bench.store.unsent(10)) == []
    assert (await ask(bench, "a")).code == "conflict"


async def test_a_refusal_for_now_is_not_stored(bench) -> None:
    reply = await ask(bench, "later")
    assert (reply.outcome, reply.retryable) == ("failed", True)
    assert await bench.made() == []
    assert (await ask(bench, "a")).outcome == "completed"


async def test_a_fault_leaves_nothing_behind_and_the_command_can_come_again(bench) -> None:
    with pytest.raises(Fault):
        await ask(bench, "broken")
    assert await bench.made() == []
    assert list(await bench.store.unsent(10)) == []
    assert (await ask(bench, "a")).outcome == "completed"


async def test_the_same_key_with_another_body_is_a_conflict(bench) -> None:
    await ask(bench, "a")
    assert (await ask(bench, "b")).code == "conflict"
    assert await bench.made() == ["a"]


async def test_an_undo_that_comes_first_succeeds_and_the_late_command_is_refused(bench) -> None:
    assert (await ask(bench, "a", "undo")).outcome == "completed"
    late = await ask(bench)
    assert (late.outcome, late.code) == ("rejected", "undone")
    assert await bench.made() == []


async def test_an_undo_is_made_once_and_then_the_command_is_refused(bench) -> None:
    await ask(bench)
    for _ in range(3):
        assert (await ask(bench, "a", "undo")).outcome == "completed"
    assert await bench.made() == ["a", "una"]
    assert (await ask(bench)).code == "undone"


async def test_a_refused_command_has_nothing_to_undo(bench) -> None:
    await ask(bench, "refused")
    assert (await ask(bench, "refused", "undo")).outcome == "completed"
    assert await bench.made() == []


async def test_a_refused_undo_is_not_stored_and_can_be_tried_again(bench) -> None:
    await ask(bench)
    refused = await ask(bench, "refused", "undo")
    assert (refused.outcome, refused.code) == ("rejected", "stays")
    assert (await ask(bench, "a", "undo")).outcome == "completed"
    assert await bench.made() == ["a", "una"]


async def test_a_command_past_its_deadline_is_not_begun_and_a_later_attempt_is(bench) -> None:
    late = datetime.now(UTC) - timedelta(seconds=1)
    expired = await ask(bench, deadline=late)
    assert (expired.outcome, expired.code, expired.retryable) == ("failed", "expired", True)
    assert (await ask(bench, attempt=2, deadline=datetime.now(UTC) + DAY)).outcome == "completed"
    assert (await ask(bench, deadline=late)).outcome == "completed"
    assert await bench.made() == ["a"]


async def test_a_probe_tells_what_the_inbox_knows(bench) -> None:
    done = await ask(bench)
    assert (await ask(bench, "a", "probe")).body == done.body
    await ask(bench, "refused", key="k2")
    assert (await ask(bench, "a", "probe", key="k2")).code == "no"


async def test_a_probe_that_finds_nothing_makes_the_late_command_have_no_effect(bench) -> None:
    assert (await ask(bench, "lost", "probe")).outcome == "rejected"
    assert (await ask(bench)).code == "undone"
    assert (await ask(bench, "lost", "probe")).outcome == "rejected"
    assert await bench.made() == []


async def test_what_a_probe_finds_counts_as_done_and_can_be_undone(bench) -> None:
    assert (await ask(bench, "found", "probe")).outcome == "completed"
    assert (await ask(bench, "whatever")).body == b'{"what":"found"}'
    assert (await ask(bench, "found", "undo")).outcome == "completed"
    assert await bench.made() == ["unfound"]


async def test_command_and_undo_at_once_never_leave_an_effect(bench) -> None:
    keys = [f"k{number}" for number in range(20)]
    undos = (ask(bench, "a", "undo", key=key) for key in keys)
    copies = (ask(bench, key=key) for key in keys for _ in range(2))
    replies = await asyncio.gather(*copies, *undos)
    made = await bench.made()
    assert made.count("a") == made.count("una") <= len(keys)
    assert {reply.outcome for reply in replies[2 * len(keys) :]} == {"completed"}
