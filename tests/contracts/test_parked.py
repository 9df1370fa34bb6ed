"""What keeps parked messages must do, in memory and on every database."""

import asyncio
import shutil
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.sealing import Seal
from orchestrator.service.auditing import verify
from orchestrator.service.parked_actions import Edited, Sent, Target
from orchestrator.service.parked_arrivals import message_key
from orchestrator.service.parked_records import Attributes, Content, GroupFilter, Origin, ParkedFilter
from tests.parked_kit import T0, action, again, arrival, entry, in_memory, on_sql
from tests.sql_kit import execute, sqlite_url

KINDS = ("memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.servers))
NOW = T0 + 5_000
SEAL = Seal.of("k1:" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
EMPTY = """
TRUNCATE parked_messages, parked_groups, parked_copies, parked_actions, audit, marks;
UPDATE audit_head SET number = 0, hash = repeat('0', 64)
"""
CANARY = "canary-4242-4242"
GROUP = arrival().fingerprint


@pytest.fixture(params=KINDS)
async def bench(request, tmp_path):
    if request.param == "memory":
        yield in_memory()
    elif request.param == "sqlite":
        shutil.copy(request.getfixturevalue("template"), tmp_path)
        async with on_sql(sqlite_url(tmp_path)) as opened:
            yield opened
    else:
        url = request.getfixturevalue("postgres_url")
        await execute(url, EMPTY)
        async with on_sql(url) as opened:
            yield opened


async def stored(bench, *numbers):
    for number in numbers:
        assert await bench.store.record(arrival(number), NOW + number)
    return [arrival(number).id for number in numbers]


async def told(bench, deed, target, number=1, **more):
    given = action(deed, target, number)
    return await bench.store.accept(given, entry(given), **more)


async def group(bench, fingerprint=GROUP):
    found = await bench.reader.group(fingerprint)
    assert found is not None
    waiting = await bench.reader.count(ParkedFilter(states=("parked",), fingerprint=fingerprint))
    assert found.waiting == waiting.number, "the group's own count is that of its messages"
    return found


async def state(bench, name):
    found = await bench.reader.find(name)
    assert found is not None
    return found.state


async def redriven(bench, target, number=1, problem="", now_ms=T0 + 20_000):
    """A redrive, sent and noted."""
    made = await told(bench, "redrive", target, number)
    claimed = await bench.store.claim(action=made.id, now_ms=now_ms, before_ms=now_ms, limit=99)
    await bench.store.settle([Sent(one, problem) for one in claimed], now_ms)
    return await bench.reader.action(made.id)


async def test_a_parked_message_is_kept_as_it_came(bench) -> None:
    given = arrival(1, candidates=("fulfil-order:A1",))
    assert await bench.store.record(given, NOW)
    found = await bench.reader.find(given.id)
    assert found is not None
    assert (found.state, found.reason, found.text) == ("parked", "wrong-schema", given.copy.text)
    assert (found.message_id, found.source, found.type) == ("m1", "/shop", "order.placed")
    assert (found.origin, found.candidates, found.saga) == (given.copy.origin, ("fulfil-order:A1",), "fulfil-order")
    assert (found.seen, found.redrives, found.first_ms, found.number) == (1, 0, T0 + 1, 1)
    contents = await bench.reader.contents(given.id)
    assert contents is not None
    assert (contents.original, contents.edited) == (given.copy.content, None)


async def test_the_same_copy_again_is_nothing_new(bench) -> None:
    (name,) = await stored(bench, 1)
    assert not await bench.store.record(arrival(1), NOW)
    assert (await bench.reader.find(name)).seen == 1
    assert (await group(bench)).total == 1


async def test_a_copy_that_comes_again_after_the_decision_changes_nothing(bench) -> None:
    (name,) = await stored(bench, 1)
    await told(bench, "discard", Target(name))
    assert not await bench.store.record(arrival(1), NOW)
    assert await state(bench, name) == "discarded"


async def test_two_recorders_store_one_copy_once(bench) -> None:
    made = await asyncio.gather(*(bench.store.record(arrival(1), NOW) for _ in range(8)))
    assert sorted(made) == [False] * 7 + [True]
    assert (await group(bench)).waiting == 1


async def test_another_copy_of_one_message_is_the_same_row(bench) -> None:
    (name,) = await stored(bench, 1)
    assert await bench.store.record(again(1), NOW)
    found = await bench.reader.find(name)
    assert (found.seen, found.parked_ms) == (2, T0 + 1_001)
    assert ((await group(bench)).waiting, (await group(bench)).total, (await group(bench)).reopened) == (1, 2, 0)


async def test_messages_without_an_id_are_never_taken_for_one(bench) -> None:
    one, two = (arrival(1, said={"id": ""}, at_ms=T0 + later) for later in (1, 2))
    assert await bench.store.record(one, NOW)
    assert await bench.store.record(two, NOW)
    assert (await group(bench, one.fingerprint)).waiting == 2


async def test_messages_of_one_cause_are_one_group(bench) -> None:
    await stored(bench, 1, 2)
    await bench.store.record(arrival(3, reason="malformed", text="not JSON"), NOW + 3)
    page = await bench.reader.groups(GroupFilter())
    assert [(one.reason, one.waiting) for one in page.groups] == [("malformed", 1), ("wrong-schema", 2)]
    found = page.groups[1]
    assert (found.type, found.queue, found.oldest_ms, found.last_number) == ("order.placed", "saga.ingress", T0 + 1, 2)
    assert [one.reason for one in (await bench.reader.groups(GroupFilter(reason="malformed"))).groups] == ["malformed"]


async def test_groups_and_messages_come_in_pages(bench) -> None:
    for number in range(1, 6):
        await bench.store.record(arrival(number, reason=f"r{number}"), NOW + number)
    first = await bench.reader.groups(GroupFilter(), limit=2)
    second = await bench.reader.groups(GroupFilter(), after=first.following, limit=9)
    assert [one.reason for one in (*first.groups, *second.groups)] == ["r5", "r4", "r3", "r2", "r1"]
    page = await bench.reader.page(ParkedFilter(), limit=3)
    rest = await bench.reader.page(ParkedFilter(), after=page.following, limit=3)
    assert [one.message_id for one in (*page.messages, *rest.messages)] == ["m5", "m4", "m3", "m2", "m1"]
    assert rest.following is None


async def test_messages_are_found_by_all_that_is_said(bench) -> None:
    names = await stored(bench, 1, 2)
    await told(bench, "discard", Target(names[1]))
    wanted = [
        ParkedFilter(states=("discarded",)),
        ParkedFilter(message_id="m2"),
        ParkedFilter(correlation_id="c2", type="order.placed", queue="saga.ingress", reason="wrong-schema"),
    ]
    for one in wanted:
        assert [found.id for found in (await bench.reader.page(one)).messages] == [names[1]]
    assert [one.id for one in (await bench.reader.page(ParkedFilter(up_to=1))).messages] == [names[0]]
    assert (await bench.reader.page(ParkedFilter(type="order.lost"))).messages == ()
    assert (await bench.reader.page(ParkedFilter(sagas=frozenset({"bank"})))).messages == ()


async def test_counting_stops_at_its_cap(bench) -> None:
    await stored(bench, 1, 2, 3)
    counted = await bench.reader.count(ParkedFilter(), cap=2)
    assert (counted.number, counted.is_capped) == (2, True)


async def test_a_redrive_is_marked_before_it_is_sent_and_noted_after(bench) -> None:
    (name,) = await stored(bench, 1)
    made = await told(bench, "redrive", Target(name))
    assert (made.total, made.done, made.waiting) == (1, 0, 1)
    assert await state(bench, name) == "redriving"
    assert (await group(bench)).waiting == 0
    (claimed,) = await bench.store.claim(action="a1", now_ms=NOW + 9, before_ms=made.at_ms + 1, limit=9)
    assert (claimed.id, claimed.content, claimed.origin) == (
        name,
        arrival(1).copy.content,
        Origin("saga.ingress", "saga.events", "order.placed"),
    )
    await bench.store.settle([Sent(claimed)], NOW + 10)
    found = await bench.reader.find(name)
    assert (found.state, found.redrives, found.decided_by, found.problem) == ("redriven", 1, "ann", "")
    assert (await bench.reader.action("a1")).done == 1
    target = f"parked:{name}"
    assert await bench.audited() == [
        ("parked redrive", target, "accepted"),
        ("parked redrive", target, "verified"),
    ]
    assert list(verify(await bench.register.audit(), await bench.register.audit_head())) == []


async def test_a_redrive_that_the_broker_does_not_take_waits_again_with_the_problem(bench) -> None:
    (name,) = await stored(bench, 1)
    made = await redriven(bench, Target(name), problem="no queue is bound")
    found = await bench.reader.find(name)
    assert (found.state, found.problem) == ("parked", "no queue is bound")
    assert (made.done, made.failed, made.waiting) == (0, 1, 0)
    assert (await group(bench)).waiting == 1
    assert (await bench.audited())[-1] == ("parked redrive", f"parked:{name}", "failed")


async def test_only_one_of_many_redrives_at_once_is_accepted(bench) -> None:
    (name,) = await stored(bench, 1)
    made = await asyncio.gather(*(told(bench, "redrive", Target(name), number) for number in range(1, 9)))
    assert [one is not None for one in made].count(True) == 1
    assert (await bench.reader.find(name)).redrives == 1


async def test_one_message_that_is_redriven_by_somebody_who_does_not_send_is_free_at_once(bench) -> None:
    (name,) = await stored(bench, 1)
    made = await told(bench, "redrive", Target(name))
    (claimed,) = await bench.store.claim(action="", now_ms=made.at_ms, before_ms=made.at_ms - 60, limit=9)
    assert claimed.id == name


async def test_one_message_is_claimed_by_whoever_redrives_and_sends_it_until_the_lease_ends(bench) -> None:
    (name,) = await stored(bench, 1)
    made = await told(bench, "redrive", Target(name), sends=True)
    assert await bench.store.claim(action="", now_ms=NOW, before_ms=made.at_ms, limit=9) == []
    (stale,) = await bench.store.claim(action="", now_ms=made.at_ms + 60, before_ms=made.at_ms + 1, limit=9)
    assert await bench.store.claim(action="", now_ms=made.at_ms + 61, before_ms=made.at_ms + 60, limit=9) == []
    await bench.store.settle([Sent(stale)], NOW)
    await bench.store.settle([Sent(stale, "too late to matter")], NOW)
    assert await state(bench, name) == "redriven"
    assert (await bench.reader.action("a1")).done == 1


async def test_no_two_processes_claim_one_message_of_a_group(bench) -> None:
    await stored(bench, *range(1, 31))
    made = await told(bench, "redrive", Target(fingerprint=GROUP, up_to=30))
    claims = await asyncio.gather(
        *(bench.store.claim(action=made.id, now_ms=made.at_ms + 9, before_ms=made.at_ms, limit=10) for _ in range(5))
    )
    names = [one.id for some in claims for one in some]
    assert (len(names), len(set(names))) == (30, 30)


async def test_the_same_key_again_is_the_same_action(bench) -> None:
    one, two = await stored(bench, 1, 2)
    made = await told(bench, "discard", Target(one))
    assert await told(bench, "discard", Target(two)) == made
    assert await state(bench, two) == "parked"
    assert await bench.reader.by_key("ann", "k1") == await bench.reader.action("a1") == made


async def test_nothing_is_stored_of_an_action_that_moves_nothing(bench) -> None:
    (name,) = await stored(bench, 1)
    assert await told(bench, "restore", Target(name)) is None
    assert await told(bench, "discard", Target(name), revision=9) is None
    assert await told(bench, "discard", Target(fingerprint="no such group", up_to=9)) is None
    assert await bench.reader.action("a1") is None
    assert await bench.audited() == []


async def test_a_group_action_covers_what_existed_when_it_was_given_and_nothing_else(bench) -> None:
    names = await stored(bench, 1, 2, 3)
    made = await told(bench, "discard", Target(fingerprint=GROUP, up_to=2))
    assert (made.total, made.done) == (2, 2)
    assert [await state(bench, name) for name in names] == ["discarded", "discarded", "parked"]
    (late,) = await stored(bench, 4)
    assert await state(bench, late) == "parked"
    assert (await group(bench)).waiting == 2


async def test_numbers_are_in_the_order_in_which_messages_are_seen(bench) -> None:
    await asyncio.gather(*(bench.store.record(arrival(number), NOW) for number in range(1, 21)))
    page = await bench.reader.page(ParkedFilter(), limit=99)
    assert sorted(one.number for one in page.messages) == list(range(1, 21))
    assert (await group(bench)).last_number == 20


async def test_the_items_of_a_group_add_up(bench) -> None:
    names = await stored(bench, 1, 2, 3)
    made = await told(bench, "redrive", Target(fingerprint=GROUP, up_to=3))
    claimed = await bench.store.claim(action=made.id, now_ms=NOW, before_ms=NOW, limit=9)
    assert [one.id for one in claimed] == names
    await bench.store.settle([Sent(claimed[0]), Sent(claimed[1], "refused")], NOW)
    half = await bench.reader.action(made.id)
    assert (half.total, half.done, half.failed, half.waiting) == (3, 1, 1, 1)
    assert len(await bench.audited()) == 1
    await bench.store.settle([Sent(claimed[2])], NOW)
    assert (await bench.audited())[-1] == ("parked redrive", f"parked-group:{GROUP}", "verified")
    assert (await group(bench)).waiting == 1


async def test_what_is_discarded_can_be_restored_and_comes_behind_the_others(bench) -> None:
    names = await stored(bench, 1, 2, 3)
    await told(bench, "discard", Target(fingerprint=GROUP, up_to=2), 1)
    made = await told(bench, "restore", Target(fingerprint=GROUP, up_to=3), 2)
    assert made.total == 2
    found = [await bench.reader.find(name) for name in names]
    assert [one.state for one in found] == ["parked"] * 3
    assert [one.number for one in found] == [4, 5, 3]
    assert ((await group(bench)).last_number, (await group(bench)).waiting) == (5, 3)
    await told(bench, "discard", Target(names[0]), 3)
    await told(bench, "restore", Target(names[0]), 4)
    assert (await bench.reader.find(names[0])).number == 6
    assert (await group(bench)).reopened == 0


async def test_the_same_error_after_a_redrive_re_opens_the_group(bench) -> None:
    (name,) = await stored(bench, 1)
    await redriven(bench, Target(name))
    assert (await bench.reader.groups(GroupFilter())).groups == ()
    closed = (await bench.reader.groups(GroupFilter(waiting_only=False))).groups
    assert [one.fingerprint for one in closed] == [GROUP]
    assert await bench.store.record(again(1), NOW + 99)
    found = await bench.reader.find(name)
    assert (found.state, found.seen, found.redrives, found.number) == ("parked", 2, 1, 2)
    opened = await group(bench)
    assert (opened.waiting, opened.reopened, opened.reopened_ms) == (1, 1, NOW + 99)
    await redriven(bench, Target(name), 2)
    assert await state(bench, name) == "redriven"


async def test_a_message_that_fails_otherwise_after_its_redrive_moves_to_that_group(bench) -> None:
    (name,) = await stored(bench, 1)
    await redriven(bench, Target(name))
    other = again(1, reason="missing-key", text="no usable 'order_id'")
    await bench.store.record(other, NOW)
    assert (await bench.reader.find(name)).fingerprint == other.fingerprint
    assert ((await group(bench)).waiting, (await group(bench, other.fingerprint)).waiting) == (0, 1)


async def test_a_message_that_is_parked_again_before_its_redrive_was_noted_counts_as_sent(bench) -> None:
    (name,) = await stored(bench, 1)
    made = await told(bench, "redrive", Target(name))
    (claimed,) = await bench.store.claim(action=made.id, now_ms=NOW, before_ms=made.at_ms + 1, limit=9)
    await bench.store.record(again(1), NOW)
    await bench.store.settle([Sent(claimed)], NOW)
    assert await state(bench, name) == "parked"
    assert (await bench.reader.action(made.id)).done == 1
    assert (await group(bench)).waiting == 1


async def edited(bench, name, body, number=7):
    content = Content(body=body, headers={"ce-id": "m1", "ce-source": "/shop"}, properties={})
    said = Attributes(id="m1", source="/shop", type="order.placed")
    form = Edited(content=content, sent_as=message_key(said, content, "saga.ingress"), routing_key="order.changed")
    return await told(bench, "edit", Target(name), number, edited=form), content


async def test_an_edited_message_keeps_its_original_and_is_what_goes_out(bench) -> None:
    (name,) = await stored(bench, 1)
    made, content = await edited(bench, name, b'{"order_id": "1"}')
    assert (made.total, made.done) == (1, 1)
    contents = await bench.reader.contents(name)
    assert (contents.original, contents.edited) == (arrival(1).copy.content, content)
    found = await bench.reader.find(name)
    assert (found.state, found.is_edited, found.revision) == ("parked", True, 2)
    assert found.origin.routing_key == "order.changed"
    await told(bench, "redrive", Target(name))
    (claimed,) = await bench.store.claim(action="a1", now_ms=NOW, before_ms=T0 + 99_999, limit=9)
    assert claimed.content == content


async def test_an_edited_message_that_is_parked_again_is_the_same_row(bench) -> None:
    (name,) = await stored(bench, 1)
    await edited(bench, name, b'{"order_id": "1"}')
    await redriven(bench, Target(name))
    back = again(1, body=b'{"order_id": "1"}')
    assert back.id != name
    assert await bench.store.record(back, NOW)
    assert (await bench.reader.find(name)).seen == 2
    assert await bench.reader.find(back.id) is None


async def test_what_was_decided_long_ago_is_forgotten_and_what_waits_never_is(bench) -> None:
    names = await stored(bench, 1, 2, 3)
    await redriven(bench, Target(names[0]), 1)
    await told(bench, "discard", Target(names[1]), 2)
    assert await bench.store.forget(decided_before_ms=T0 + 10_000) == 0
    assert await bench.store.forget(decided_before_ms=T0 + 99_999) == 2
    left = await bench.reader.page(ParkedFilter())
    assert [one.id for one in left.messages] == [names[2]]
    assert await bench.reader.action("a2") is None
    assert (await group(bench)).waiting == 1
    assert await bench.store.record(arrival(1), NOW), "it is as new"


async def test_a_group_that_is_empty_is_forgotten_too(bench) -> None:
    (name,) = await stored(bench, 1)
    await told(bench, "discard", Target(name))
    await bench.store.forget(decided_before_ms=T0 + 99_999)
    assert await bench.reader.group(GROUP) is None


async def test_one_look_shows_how_many_wait_since_when_and_how_many_came(bench) -> None:
    empty = await bench.reader.overview(NOW)
    assert (empty.waiting, empty.groups, empty.oldest_ms, empty.inflow, empty.recorded_ms) == (0, 0, None, 0, None)
    names = await stored(bench, 1, 2)
    await bench.store.record(arrival(3, reason="malformed", candidates=("bank:1",)), NOW)
    await told(bench, "discard", Target(names[0]))
    await bench.store.mark_recorded(NOW)
    await bench.store.mark_recorded(NOW + 1)
    found = await bench.reader.overview(NOW + 100)
    assert (found.waiting, found.groups, found.oldest_ms, found.inflow) == (2, 2, T0 + 2, 3)
    assert found.recorded_ms == NOW + 1
    assert (await bench.reader.overview(NOW + 3_600_000)).inflow == 2
    mine = await bench.reader.overview(NOW + 100, frozenset({"bank"}))
    assert (mine.waiting, mine.groups, mine.oldest_ms, mine.inflow) == (1, 1, T0 + 3, 1)


async def test_foreign_text_that_no_database_takes_is_kept_all_the_same(bench) -> None:
    odd = "\x00\ud800x" * 200
    given = arrival(1, said={"type": odd, "id": odd}, reason=odd[:30], text=odd, candidates=(odd,))
    assert await bench.store.record(replace(given), NOW)
    assert await bench.reader.find(given.id) is not None


async def test_no_payload_is_stored_in_the_clear(tmp_path) -> None:
    async with on_sql(sqlite_url(tmp_path), SEAL) as opened:
        bench: Any = opened
        given = arrival(1, body=CANARY.encode(), text=CANARY, candidates=(f"shop:{CANARY}",))
        await bench.store.record(given, NOW)
        _, content = await edited(bench, given.id, CANARY.encode())
        made = action("redrive", Target(given.id), 2, reason=CANARY)
        await bench.store.accept(made, replace(entry(made), reason=CANARY))
        claimed = await bench.store.claim(action="", now_ms=NOW, before_ms=T0 + 99_999, limit=9)
        await bench.store.settle([Sent(claimed[0], CANARY)], NOW)
        assert (await bench.reader.find(given.id)).problem == CANARY
        assert (await bench.reader.contents(given.id)).edited == content
        assert (await bench.reader.group(given.fingerprint)).text == CANARY
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert CANARY.encode() not in stored
