from datetime import timedelta

import pytest

from orchestrator.errors import MalformedMessageError, NackedError, PublishUnknownError, UnroutableError
from orchestrator.service.parked_actions import Target
from orchestrator.service.parked_redriving import AT_ONCE, Redriving
from tests.parked_kit import HandBroker, action, arrival, entry, in_memory
from tests.service_kit import ManualClock

CLOCK_MS = 1_767_225_600_000
GROUP = arrival().fingerprint


class Place:
    def __init__(self) -> None:
        self.bench = in_memory()
        self.broker = HandBroker()
        self.clock = ManualClock()
        self.redriving = self.another()

    def another(self) -> Redriving:
        """What another process has."""
        return Redriving(self.bench.store, self.broker, self.clock, lease=timedelta(seconds=30))

    async def ordered(self, target: Target, *, parked: int = 1) -> str:
        for number in range(1, parked + 1):
            await self.bench.store.record(arrival(number), CLOCK_MS)
        given = action("redrive", target, at_ms=CLOCK_MS)
        assert await self.bench.store.accept(given, entry(given), sends=True)
        return given.id

    async def state(self, number: int = 1) -> str:
        found = await self.bench.reader.find(arrival(number).id)
        assert found is not None
        return found.state


ONE = Target(arrival(1).id)


async def test_a_message_goes_out_with_its_own_content_to_where_it_came_from() -> None:
    place = Place()
    await place.redriving.send_mine(await place.ordered(ONE), CLOCK_MS)
    copied = arrival(1).copy
    assert place.broker.sent == [(arrival(1).id, copied.content, copied.origin)]
    assert await place.state() == "redriven"


async def test_while_it_is_being_sent_nobody_else_sends_it() -> None:
    place = Place()
    await place.ordered(ONE)
    assert await place.another().go_on() == 0
    assert place.broker.sent == []


async def test_a_process_that_died_before_the_note_is_followed_by_one_that_sends_it_again() -> None:
    place = Place()
    await place.ordered(ONE)
    place.clock.moment += timedelta(seconds=31)
    assert await place.another().go_on() == 1
    assert await place.another().go_on() == 0
    assert (len(place.broker.sent), await place.state()) == (1, "redriven")


async def test_a_lost_confirm_is_told_and_the_message_sent_again_with_the_same_content() -> None:
    place = Place()
    place.broker.errors[ONE.message] = [PublishUnknownError("no confirm")]
    given = await place.ordered(ONE)
    with pytest.raises(PublishUnknownError):
        await place.redriving.send_mine(given, CLOCK_MS)
    assert await place.state() == "redriving"
    place.clock.moment += timedelta(seconds=31)
    assert await place.redriving.go_on(given) == 1
    assert [content for _, content, _ in place.broker.sent] == [arrival(1).copy.content]


@pytest.mark.parametrize(
    "error",
    [
        UnroutableError(exchange="x", routing_key="k"),
        NackedError("full"),
        MalformedMessageError("cannot be written"),
    ],
)
async def test_what_the_broker_does_not_take_waits_again(error) -> None:
    place = Place()
    place.broker.errors[ONE.message] = [error]
    await place.redriving.send_mine(await place.ordered(ONE), CLOCK_MS)
    found = await place.bench.reader.find(ONE.message)
    assert found is not None
    assert (found.state, found.problem) == ("parked", str(error))


async def test_a_group_is_sent_whole_in_its_order_by_as_many_as_help() -> None:
    place = Place()
    number = AT_ONCE * 2 + 1
    given = await place.ordered(Target(fingerprint=GROUP, up_to=number), parked=number)
    assert await place.redriving.go_on(given) == number
    assert [name for name, _, _ in place.broker.sent] == [arrival(one).id for one in range(1, number + 1)]
    assert await place.another().go_on() == 0


async def test_what_was_sent_before_the_broker_went_away_stays_noted() -> None:
    place = Place()
    given = await place.ordered(Target(fingerprint=GROUP, up_to=3), parked=3)
    place.broker.errors[arrival(2).id] = [PublishUnknownError("no confirm")]
    with pytest.raises(PublishUnknownError):
        await place.redriving.go_on(given)
    assert [await place.state(number) for number in (1, 2, 3)] == ["redriven", "redriving", "redriven"]
