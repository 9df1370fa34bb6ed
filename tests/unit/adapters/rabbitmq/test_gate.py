import asyncio
import random
from datetime import timedelta
from typing import Any

from orchestrator.adapters.rabbitmq.gate import CALM, Gate

MOMENT = timedelta(milliseconds=1)


class FakeConsumer:
    def __init__(self):
        self.told: list[str] = []

    async def pause(self):
        self.told.append("pause")

    async def resume(self):
        self.told.append("resume")


class Probe:
    """Says no `failures` times, in several ways, then yes."""

    def __init__(self, failures):
        self.failures = failures
        self.asked = 0

    async def __call__(self):
        self.asked += 1
        if self.asked > self.failures:
            return True
        if self.asked % 2:
            raise ConnectionError
        return False


def gate(probe, **changes: Any):
    return Gate(probe, **{"first_pause": MOMENT, "longest_pause": MOMENT, **changes})


async def test_a_gate_is_open_at_first():
    async with gate(Probe(0)) as found:
        assert found.is_open
        assert await found.opened()


async def test_a_closed_gate_pauses_the_consumers_and_opens_by_itself():
    probe, consumer = Probe(3), FakeConsumer()
    async with gate(probe) as found:
        found.holds(consumer)  # pyright: ignore[reportArgumentType]
        found.close()
        assert not found.is_open
        assert await found.opened()
    assert consumer.told == ["pause", "resume"]
    assert probe.asked == 4


async def test_an_engine_that_answers_and_refuses_all_the_same_is_asked_at_longer_and_longer_intervals(monkeypatch):
    rests, now = [], [100.0]

    async def rest(length):
        rests.append(length)
        now[0] += length

    monkeypatch.setattr(asyncio, "sleep", rest)
    monkeypatch.setattr(random, "uniform", lambda _, whole: whole)
    first, longest = timedelta(seconds=1), timedelta(seconds=4)
    async with gate(Probe(0), first_pause=first, longest_pause=longest, clock=lambda: now[0]) as found:
        for _ in range(4):
            found.close()
            assert await found.opened()
        assert rests == [1, 2, 4, 4]
        now[0] += CALM.total_seconds()
        found.close()
        assert await found.opened()
        assert rests[4:] == [1]


async def test_closing_a_closed_gate_does_nothing():
    probe, consumer = Probe(1), FakeConsumer()
    async with gate(probe) as found:
        found.holds(consumer)  # pyright: ignore[reportArgumentType]
        found.close()
        found.close()
        await found.opened()
    assert consumer.told == ["pause", "resume"]


async def test_it_can_close_again():
    consumer = FakeConsumer()
    async with gate(Probe(0)) as found:
        found.holds(consumer)  # pyright: ignore[reportArgumentType]
        for _ in range(2):
            found.close()
            assert await found.opened()
    assert consumer.told == ["pause", "resume"] * 2


async def test_waiting_has_an_end():
    async with gate(Probe(10**9), longest_hold=MOMENT) as found:
        found.close()
        assert not await found.opened()


async def test_leaving_ends_the_probing():
    probe = Probe(10**9)
    async with gate(probe) as found:
        found.close()
        await asyncio.sleep(0)
    asked = probe.asked
    await asyncio.sleep(0.01)
    assert probe.asked == asked
