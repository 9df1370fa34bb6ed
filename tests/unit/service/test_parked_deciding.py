import asyncio
from typing import Any

import pytest

from orchestrator.errors import (
    ConflictError,
    DeniedError,
    InvalidRequestError,
    KeyReusedError,
    ParkedNotFoundError,
    PublishUnknownError,
    RefusedCommandError,
)
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.parked_actions import Deed, ParkedAction, Target
from orchestrator.service.parked_deciding import PERMISSIONS, Wish
from orchestrator.service.parked_editing import Edit
from orchestrator.service.parked_records import Origin
from tests.parked_kit import T0, Bench, HandBroker, MemoryParked, again, arrival, cases_of
from tests.service_kit import ManualClock

ANN = Caller(actor="ann", role=Role.ADMIN, origin="cli")
BEN = Caller(actor="ben", role=Role.ADMIN)
ONE, GROUP = arrival(1).id, arrival(1).fingerprint
GOOD = b'{"order_id": "A1"}'
DEEDS: tuple[Deed, ...] = ("edit", "redrive", "discard", "restore")


class Place:
    def __init__(self, *, sends: bool = True) -> None:
        self.made = MemoryParked()
        self.bench = Bench(self.made, self.made, self.made.register)
        self.broker = HandBroker()
        self.clock = ManualClock()
        broker = self.broker if sends else None
        self.deciding = cases_of(self.made, self.made.register, self.clock, broker=broker).deciding
        self.keys = 0

    async def park(self, *numbers: int, **changes: Any) -> None:
        for number in numbers:
            await self.bench.store.record(arrival(number, **changes), T0)

    def wish(self, target: Target, **changes: Any) -> Wish:
        self.keys += 1
        return Wish(**{"target": target, "reason": "decided by hand", "key": f"k{self.keys}", **changes})

    async def do(self, deed: Deed, target: Target | None = None, caller: Caller = ANN, **changes: Any) -> ParkedAction:
        wish = self.wish(target or Target(ONE), **changes)
        if deed == "edit":
            return await self.deciding.edit(caller, wish, Edit(body=GOOD))
        made: ParkedAction = await getattr(self.deciding, deed)(caller, wish)
        return made

    async def state(self, number: int = 1) -> str:
        found = await self.bench.reader.find(arrival(number).id)
        assert found is not None
        return found.state


@pytest.fixture
async def place():
    made = Place()
    await made.park(1)
    return made


async def test_a_redrive_sends_it_and_says_so(place) -> None:
    made = await place.do("redrive")
    assert (made.total, made.done, made.waiting) == (1, 1, 0)
    assert len(place.broker.sent) == 1
    assert [one[2] for one in await place.bench.audited()] == ["accepted", "verified"]


async def test_redriven_twice_it_goes_out_once(place) -> None:
    await place.do("redrive")
    with pytest.raises(RefusedCommandError, match="this one is redriven by ann at 2026"):
        await place.do("redrive", caller=BEN)
    assert len(place.broker.sent) == 1
    assert (await place.bench.audited())[-1] == ("parked redrive", f"parked:{ONE}", "refused")


async def test_two_operators_at_once_send_it_once(place) -> None:
    done = await asyncio.gather(
        place.do("redrive", caller=ANN), place.do("redrive", caller=BEN), return_exceptions=True
    )
    assert [isinstance(one, ParkedAction) for one in done].count(True) == 1
    assert len(place.broker.sent) == 1


async def test_who_is_a_moment_late_is_told_who_was_quicker(place, monkeypatch) -> None:
    plain = place.bench.store.accept

    async def late(action, entry, **more):
        monkeypatch.setattr(place.bench.store, "accept", plain)
        await place.do("discard", caller=BEN)
        return await plain(action, entry, **more)

    monkeypatch.setattr(place.bench.store, "accept", late)
    with pytest.raises(ConflictError, match="ben was quicker: the message is discarded now"):
        await place.do("redrive")


async def test_the_same_key_and_wish_again_is_the_same_action_and_sends_nothing(place) -> None:
    first = await place.do("redrive", key="mine")
    assert await place.do("redrive", key="mine") == first
    assert len(place.broker.sent) == 1


async def test_the_same_key_with_another_wish_is_refused(place) -> None:
    await place.do("discard", key="mine")
    with pytest.raises(KeyReusedError):
        await place.do("restore", key="mine")
    assert await place.state() == "discarded"


async def test_without_a_confirm_the_redrive_stays_accepted_and_the_recorder_goes_on(place) -> None:
    place.broker.errors[ONE] = [PublishUnknownError("no confirm")]
    made = await place.do("redrive")
    assert (made.done, made.waiting) == (0, 1)
    assert await place.state() == "redriving"


async def test_where_nothing_is_sent_from_the_recorder_does_it() -> None:
    place = Place(sends=False)
    await place.park(1)
    assert (await place.do("redrive")).waiting == 1


async def test_what_is_discarded_can_be_restored(place) -> None:
    await place.do("discard")
    assert await place.state() == "discarded"
    await place.do("restore")
    assert await place.state() == "parked"


@pytest.mark.parametrize(
    ("first", "then"), [("discard", "discard"), ("discard", "redrive"), ("discard", "edit"), (None, "restore")]
)
async def test_what_is_not_for_this_state_is_refused(place, first, then) -> None:
    if first:
        await place.do(first)
    with pytest.raises(RefusedCommandError, match="it is for messages that are"):
        await place.do(then)


async def test_a_group_goes_as_far_as_it_was_seen(place) -> None:
    await place.park(2)
    wish = place.wish(Target(fingerprint=GROUP, up_to=2))
    await place.park(3)
    made = await place.deciding.redrive(ANN, wish)
    assert (made.total, made.done) == (2, 2)
    assert [await place.state(number) for number in (1, 2, 3)] == ["redriven", "redriven", "parked"]


async def test_how_far_a_group_was_seen_is_said_and_never_taken_as_read(place) -> None:
    await place.park(2, 3)
    with pytest.raises(InvalidRequestError, match="/up_to: say how far you have seen the group: 3 is its last number"):
        await place.do("discard", Target(fingerprint=GROUP))
    made = await place.do("discard", Target(fingerprint=GROUP, up_to=3))
    assert (made.total, made.target.up_to) == (3, 3)
    await place.bench.store.record(again(1), T0)
    assert await place.state() == "parked"


async def test_a_number_beyond_the_group_does_not_cover_the_future(place) -> None:
    made = await place.do("discard", Target(fingerprint=GROUP, up_to=99))
    assert made.target.up_to == 1


async def test_a_group_in_which_nothing_waits_is_refused(place) -> None:
    await place.do("discard", Target(fingerprint=GROUP, up_to=1))
    with pytest.raises(RefusedCommandError, match="nothing in this group is parked"):
        await place.do("discard", Target(fingerprint=GROUP, up_to=1))


async def test_a_message_that_says_no_origin_cannot_be_redriven_but_discarded(place) -> None:
    await place.park(2, origin=Origin(), home="")
    for target in (
        Target(arrival(2, origin=Origin(), home="").id),
        Target(fingerprint=arrival(2, origin=Origin()).fingerprint, up_to=2),
    ):
        with pytest.raises(RefusedCommandError, match="nobody says where"):
            await place.do("redrive", target)
        assert (await place.do("discard", target)).done == 1
        await place.do("restore", target)


@pytest.mark.parametrize("target", [Target("nobody"), Target(fingerprint="none")])
@pytest.mark.parametrize("deed", ["redrive", "discard", "restore"])
async def test_what_is_not_there_is_not_found(place, deed, target) -> None:
    with pytest.raises(ParkedNotFoundError):
        await place.do(deed, target)


@pytest.mark.parametrize("target", [Target(), Target("a", "b")])
async def test_one_message_or_one_group_must_be_named(place, target) -> None:
    with pytest.raises(InvalidRequestError, match="name one message or one group"):
        await place.do("discard", target)


async def test_a_group_cannot_be_edited(place) -> None:
    with pytest.raises(InvalidRequestError, match="a group cannot be edited"):
        await place.do("edit", Target(fingerprint=GROUP))


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("changes", [{"reason": "short"}, {"key": ""}])
async def test_each_needs_a_reason_and_a_key(place, deed, changes) -> None:
    with pytest.raises(InvalidRequestError):
        await place.do(deed, **changes)
    assert await place.bench.audited() == [(f"parked {deed}", f"parked:{ONE}", "refused")]


async def test_a_revision_that_is_not_the_present_one_is_a_conflict(place) -> None:
    await place.do("edit", revision=1)
    with pytest.raises(ConflictError, match="at revision 2, not 1"):
        await place.do("redrive", revision=1)
    await place.do("redrive", revision=2)


def caller(role: Role, *granted: Permission, sagas: frozenset[str] | None = None) -> Caller:
    return Caller(actor="eve", role=role, granted=frozenset(granted), sagas=sagas)


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("role", list(Role))
async def test_each_needs_its_right(place, deed, role) -> None:
    may = role is Role.ADMIN or (role is Role.OPERATOR and deed == "redrive")
    if deed == "restore":
        await place.do("discard")
    if may:
        await place.do(deed, caller=caller(role))
        return
    with pytest.raises(DeniedError, match=PERMISSIONS[deed]):
        await place.do(deed, caller=caller(role))
    assert (await place.bench.audited())[-1] == (f"parked {deed}", f"parked:{ONE}", "refused")
    await place.do(deed, caller=caller(role, PERMISSIONS[deed]))


async def test_rights_for_one_saga_do_not_reach_another_nor_what_belongs_to_none(place) -> None:
    eve = caller(Role.ADMIN, sagas=frozenset({"bank"}))
    await place.park(2, candidates=("shop:1",))
    await place.park(3, candidates=("bank:1",))
    for hidden in (ONE, arrival(2, candidates=("shop:1",)).id):
        with pytest.raises(ParkedNotFoundError):
            await place.do("discard", Target(hidden), caller=eve)
    assert (await place.do("discard", Target(arrival(3, candidates=("bank:1",)).id), caller=eve)).done == 1


async def test_an_edit_is_kept_beside_the_original_and_sent(place) -> None:
    await place.do("edit")
    contents = await place.bench.reader.contents(ONE)
    assert contents.original == arrival(1).copy.content
    await place.do("redrive")
    ((_, content, _),) = place.broker.sent
    assert (content.body, content.headers) == (GOOD, contents.original.headers)


async def test_a_preview_shows_what_an_edit_would_change_and_changes_nothing(place) -> None:
    edit = Edit(body=b'{"order_id": "A1"}', headers={"ce-subject": "x"})
    found = await place.deciding.preview(ANN, ONE, edit)
    assert [(one.pointer, one.before, one.after) for one in found] == [
        ("/body/order_id", 1, "A1"),
        ("/headers/ce-subject", None, "x"),
    ]
    assert (await place.bench.reader.contents(ONE)).edited is None
    blind = caller(Role.OPERATOR, Permission.PARKED_EDIT)
    with pytest.raises(DeniedError, match="payload:read"):
        await place.deciding.preview(blind, ONE, edit)


async def test_a_check_says_how_many_would_be_moved_and_moves_none(place) -> None:
    await place.park(2, 3)
    group = Target(fingerprint=GROUP)
    assert await place.deciding.check(ANN, "redrive", place.wish(group)) == (Target(fingerprint=GROUP, up_to=3), 3)
    seen = Target(fingerprint=GROUP, up_to=2)
    assert await place.deciding.check(ANN, "discard", place.wish(seen)) == (seen, 2)
    assert await place.deciding.check(ANN, "restore", place.wish(group)) == (Target(fingerprint=GROUP, up_to=3), 0)
    assert await place.deciding.check(ANN, "redrive", place.wish(Target(ONE))) == (Target(ONE), 1)
    assert (place.broker.sent, await place.bench.audited()) == ([], [])
    with pytest.raises(RefusedCommandError):
        await place.deciding.check(ANN, "restore", place.wish(Target(ONE)))
    with pytest.raises(DeniedError):
        await place.deciding.check(caller(Role.VIEWER), "redrive", place.wish(group))
