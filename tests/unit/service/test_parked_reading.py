from dataclasses import replace
from typing import Any

import pytest

from orchestrator.errors import DeniedError, ParkedNotFoundError
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.parked_actions import Edited, Target
from orchestrator.service.parked_reading import ParkedReading
from orchestrator.service.parked_records import GroupFilter, ParkedFilter
from tests.parked_kit import T0, action, arrival, entry, in_memory
from tests.service_kit import ManualClock

VIEWER = Caller(actor="vic", role=Role.VIEWER)
SEEING = Caller(actor="sue", role=Role.VIEWER, granted=frozenset({Permission.PAYLOAD}))
BANKER = Caller(actor="bob", role=Role.ADMIN, sagas=frozenset({"bank"}))
NOBODY = Caller(actor="nob", role=Role.VIEWER)
ONE = arrival(1).id
BANKS = arrival(2, candidates=("bank:1",))


@pytest.fixture
async def bench():
    made = in_memory()
    await made.store.record(arrival(1), T0)
    await made.store.record(BANKS, T0)
    return made


def reading(bench) -> Any:
    return ParkedReading(bench.reader, ManualClock())


async def test_who_may_see_payloads_sees_the_whole_message(bench) -> None:
    look = await reading(bench).look(SEEING, ONE)
    assert look.contents.original == arrival(1).copy.content
    assert look.changes == ()


async def test_without_the_right_the_body_is_masked_and_the_headers_that_say_what_it_is_are_shown(bench) -> None:
    given = arrival(3)
    secret = {**given.copy.content.headers, "x-card": "4242", "Ce-Subject": "s"}
    content = replace(given.copy.content, headers=secret)
    await bench.store.record(replace(given, copy=replace(given.copy, content=content)), T0)
    look = await reading(bench).look(VIEWER, given.id)
    assert (look.contents, look.changes) == (None, None)
    assert set(look.headers) == {"ce-id", "ce-source", "ce-type", "ce-correlationid", "Ce-Subject"}


async def test_an_edited_message_shows_what_was_changed(bench) -> None:
    content = replace(arrival(1).copy.content, body=b'{"order_id": "A1"}')
    given = action("edit", Target(ONE))
    form = Edited(content=content, sent_as="x", routing_key="order.placed")
    assert await bench.store.accept(given, entry(given), edited=form)
    look = await reading(bench).look(SEEING, ONE)
    assert [(one.pointer, one.before, one.after) for one in look.changes] == [("/body/order_id", 1, "A1")]


async def test_a_body_that_is_no_json_is_compared_as_text(bench) -> None:
    content = replace(arrival(1).copy.content, body=b"\xff")
    given = action("edit", Target(ONE))
    await bench.store.accept(given, entry(given), edited=Edited(content=content, sent_as="x", routing_key=""))
    (change,) = (await reading(bench).look(SEEING, ONE)).changes
    assert (change.pointer, change.after) == ("/body", "\N{REPLACEMENT CHARACTER}")


async def test_who_may_touch_some_sagas_only_sees_only_theirs(bench) -> None:
    see = reading(bench)
    assert [one.id for one in (await see.messages(BANKER, ParkedFilter())).messages] == [BANKS.id]
    assert [one.fingerprint for one in (await see.groups(BANKER, GroupFilter())).groups] == [BANKS.fingerprint]
    assert (await see.count(BANKER, ParkedFilter())).number == 1
    assert (await see.overview(BANKER)).waiting == 1
    with pytest.raises(ParkedNotFoundError):
        await see.look(BANKER, ONE)
    with pytest.raises(ParkedNotFoundError):
        await see.group(BANKER, arrival(1).fingerprint)
    assert (await see.look(BANKER, BANKS.id)).contents is not None


@pytest.mark.parametrize(
    ("target", "is_seen"),
    [
        (Target(ONE), False),
        (Target(fingerprint=arrival(1).fingerprint, up_to=9), False),
        (Target(BANKS.id), True),
        (Target(fingerprint=BANKS.fingerprint, up_to=9), True),
        (Target("forgotten"), False),
        (Target(fingerprint="forgotten", up_to=9), False),
    ],
)
async def test_what_was_done_is_seen_by_those_who_may_see_what_it_was_done_to(bench, target, is_seen) -> None:
    given = action("discard", target)
    bench.store.actions[given.id] = given
    assert (await reading(bench).action(VIEWER, given.id)).target == target
    if is_seen:
        assert (await reading(bench).action(BANKER, given.id)).target == target
        return
    with pytest.raises(ParkedNotFoundError):
        await reading(bench).action(BANKER, given.id)


async def test_what_is_not_there_is_not_found(bench) -> None:
    for asked in (reading(bench).find, reading(bench).look, reading(bench).group, reading(bench).action):
        with pytest.raises(ParkedNotFoundError, match="'nope'"):
            await asked(VIEWER, "nope")


async def test_everything_needs_the_right_to_see_parked_messages(bench, monkeypatch) -> None:
    monkeypatch.setattr("orchestrator.service.access.ROLES", {Role.VIEWER: frozenset()})
    see = reading(bench)
    asked = [
        see.overview(NOBODY),
        see.groups(NOBODY, GroupFilter()),
        see.group(NOBODY, "x"),
        see.messages(NOBODY, ParkedFilter()),
        see.count(NOBODY, ParkedFilter()),
        see.look(NOBODY, ONE),
        see.action(NOBODY, "x"),
    ]
    for one in asked:
        with pytest.raises(DeniedError, match="parked:read"):
            await one
