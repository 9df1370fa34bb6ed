"""Events sent again: which, by whom, how many, under which ids, and what the audit says."""

import pytest

from orchestrator.errors import ConflictError, DeniedError, InvalidRequestError, PublishError
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.event_ports import EventFilter
from orchestrator.service.events import Events
from orchestrator.service.resending import Resending, Sending
from tests.event_kit import HandSender, MemoryEvents, stored
from tests.service_kit import ManualClock, MemoryRegister

ANN = Caller(actor="ann", role=Role.ADMIN, origin="cli")
WHY = "analytics lost a day"
OF_SHOP = EventFilter(source="/shop")


def event(number, **changes):
    given = {"kind": "event", "way": "in", "type": "order.placed", "exchange": "saga.events", "execution_id": ""}
    return stored(number, **{**given, **changes})


@pytest.fixture
async def bench():
    made = Bench()
    await made.store.append(
        [
            event(1),
            stored(2),
            event(3, type="order.fulfilled"),
            stored(4, kind="reply", way="in"),
            event(5, body=None, size=900_000),
            event(6, headers={"ce-id": "m6", "saga-replay-of": "m1"}),
            event(7, source="/bank"),
        ]
    )
    return made


class Bench:
    def __init__(self) -> None:
        self.store, self.sender, self.register = MemoryEvents(), HandSender(), MemoryRegister()
        self.resending = Resending(Events(self.store), self.sender, self.register, ManualClock())

    def sending(self, confirm=2, **more):
        return Sending(**{"wanted": OF_SHOP, "reason": WHY, "confirm": confirm, **more})

    @property
    def audit(self):
        return [(row.entry.what, row.entry.result, row.entry.text) for row in self.register.rows]


async def test_a_look_counts_events_by_type_and_says_what_is_left_out(bench) -> None:
    offer = await bench.resending.offer(ANN, OF_SHOP)
    assert (offer.count, offer.types) == (2, {"order.placed": 1, "order.fulfilled": 1})
    assert offer.left_out == {
        "commands and replies are never sent again": 2,
        "the body was not kept": 1,
        "sent again themselves": 1,
    }
    assert bench.sender.sent == bench.register.rows == []
    bench.sender.odd = ("order.placed",)
    assert (await bench.resending.offer(ANN, OF_SHOP)).types == {"order.fulfilled": 1}


async def test_events_are_sent_in_their_order_with_new_ids_and_the_audit_says_so(bench) -> None:
    assert await bench.resending.send(ANN, bench.sending()) == 2
    assert [(of, reaches) for of, _, reaches in bench.sender.sent] == [("m1", False), ("m3", False)]
    assert len({new for _, new, _ in bench.sender.sent} | {"m1", "m3"}) == 4
    assert bench.audit == [
        ("replay_event", "accepted", "2 of source=/shop"),
        ("replay_event", "verified", "2 were sent"),
    ]
    assert bench.register.rows[0].entry.reason == WHY


async def test_the_same_command_gives_the_same_ids_and_another_reason_others(bench) -> None:
    await bench.resending.send(ANN, bench.sending())
    await bench.resending.send(ANN, bench.sending())
    first, again = bench.sender.sent[:2], bench.sender.sent[2:]
    assert first == again
    await bench.resending.send(ANN, bench.sending(reason="and once more"))
    assert {new for _, new, _ in bench.sender.sent[4:]}.isdisjoint({new for _, new, _ in first})


async def test_another_count_than_was_shown_is_a_conflict_and_sends_nothing(bench) -> None:
    await bench.store.append([event(8)])
    with pytest.raises(ConflictError, match="chooses 3 events now, not 2"):
        await bench.resending.send(ANN, bench.sending())
    assert bench.sender.sent == []
    assert [result for _, result, _ in bench.audit] == ["refused"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"reason": "short"}, "/reason"),
        ({"wanted": EventFilter()}, "/send"),
    ],
    ids=str,
)
async def test_what_cannot_be_meant_is_refused_and_audited(bench, given, told) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        await bench.resending.send(ANN, bench.sending(**given))
    assert refused.value.problems[0][0] == told
    assert [result for _, result, _ in bench.audit] == ["refused"]
    assert bench.sender.sent == []


@pytest.mark.parametrize(
    "granted", [{Permission.REPLAY, Permission.PAYLOAD}, {Permission.SEND}, set()], ids=["replay", "send", "none"]
)
async def test_sending_is_a_right_of_its_own_beside_that_to_see_payloads(bench, granted) -> None:
    ben = Caller(actor="ben", role=Role.OPERATOR, granted=frozenset(granted))
    with pytest.raises(DeniedError):
        await bench.resending.offer(ben, OF_SHOP)
    with pytest.raises(DeniedError):
        await bench.resending.send(ben, bench.sending())
    assert [result for _, result, _ in bench.audit] == ["refused"]
    both = Caller(actor="ben", role=Role.OPERATOR, granted=frozenset({Permission.SEND, Permission.PAYLOAD}))
    assert await bench.resending.send(both, bench.sending()) == 2


async def test_who_is_limited_to_some_sagas_sends_no_others_events(bench) -> None:
    await bench.store.append([event(9, execution_id="shop:1"), event(10, execution_id="bank:1")])
    ben = Caller(actor="ben", role=Role.ADMIN, sagas=frozenset({"shop"}))
    assert (await bench.resending.offer(ben, OF_SHOP)).count == 1


async def test_a_broker_that_goes_away_leaves_the_rest_to_the_same_command(bench) -> None:
    bench.sender.breaks_at = 1
    with pytest.raises(PublishError, match="1 of 2 were sent, the same command sends the rest"):
        await bench.resending.send(ANN, bench.sending())
    assert bench.audit[-1] == ("replay_event", "failed", "1 were sent")
    bench.sender.breaks_at = None
    await bench.resending.send(ANN, bench.sending(reaches=True))
    assert bench.sender.sent[0][:2] == bench.sender.sent[1][:2]
    assert bench.sender.sent[1][2]
    assert "reaching participants" in bench.audit[-2][2]
