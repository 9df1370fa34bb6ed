"""Signals that executions have changed."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, get_args

import pytest

from orchestrator.errors import DeniedError, TooManyStreamsError
from orchestrator.service.access import Caller, Role
from orchestrator.service.feed import FAR_EVERY, LATE_MS, MOST_AT_ONCE, MOST_WAITING, OLDEST_MS, Feed, Topic
from orchestrator.service.records import Filter, milliseconds
from tests.service_kit import NOW, OPERATOR, VIEWER, ServiceBench

T0 = milliseconds(NOW)
ELSEWHERE = Caller(actor="zoe", role=Role.ADMIN, sagas=frozenset({"order"}))


class Bench(ServiceBench):
    def feed(self) -> Feed:
        ledger: Any = self.ledger
        return Feed(ledger, every=timedelta(hours=1), per_caller=2)

    def change(self, name: str, at_ms: int, **more) -> None:
        self.ledger.keep_open(self.run(name, **more), changed_ms=T0 + at_ms)


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.change("old", 0)
    return made


@asynccontextmanager
async def watching(feed, caller=VIEWER, execution_id="", *, since=None):
    async with feed.watch(caller, execution_id, since=since) as queue:
        yield queue


def told(queue) -> list[str]:
    """What waits in a queue: kinds, or the ids of what changed."""
    found = []
    while not queue.empty():
        signal = queue.get_nowait()
        found.append(signal.row.execution_id if signal.row else signal.kind)
    return found


async def test_a_change_is_told_once_to_everybody_who_may_see_it(bench) -> None:
    feed = bench.feed()
    async with (
        watching(feed) as all_of_them,
        watching(feed, OPERATOR, "trip:t2") as one,
        watching(feed, ELSEWHERE) as none,
    ):
        bench.change("t1", 5)
        bench.change("t2", 6)
        await feed.look()
        await feed.look()
        assert told(all_of_them) == ["ready", "trip:t1", "trip:t2"]
        assert told(one) == ["ready", "trip:t2"]
        assert told(none) == ["ready"]


async def test_the_same_execution_is_told_again_when_it_changes_again(bench) -> None:
    feed = bench.feed()
    async with watching(feed) as queue:
        for at_ms in (5, 6):
            bench.change("t1", at_ms)
            await feed.look()
        bench.ledger.keep(bench.live.runs["trip:t1"], changed_ms=T0 + 6, gone="terminated")
        await feed.look()
        assert told(queue) == ["ready", "trip:t1", "trip:t1", "trip:t1"]


async def test_a_change_that_is_written_late_is_told_too(bench) -> None:
    feed = bench.feed()
    async with watching(feed) as queue:
        bench.change("t1", 20_000)
        await feed.look()
        bench.change("late", 20_000 - LATE_MS + 1)
        for _ in range(FAR_EVERY):
            await feed.look()
        assert told(queue) == ["ready", "trip:t1", "trip:late"]


async def test_whoever_comes_back_is_told_what_they_missed(bench) -> None:
    feed = bench.feed()
    async with watching(feed) as queue:
        last = queue.get_nowait().number
    bench.change("t1", 20_000)
    async with watching(feed, since=last) as queue:
        assert "trip:t1" in told(queue)
    async with watching(feed) as queue:
        assert told(queue) == ["ready"], "who was never here has missed nothing"


async def test_numbers_only_grow_so_that_the_last_one_is_enough(bench) -> None:
    feed = bench.feed()
    async with watching(feed, since=T0 - 10) as queue:
        for name, at_ms in (("t1", 9), ("t2", 7), ("t3", 30)):
            bench.change(name, at_ms)
            await feed.look()
        numbers = [queue.get_nowait().number for _ in range(queue.qsize())]
    assert numbers == sorted(numbers)
    assert numbers[-1] == T0 + 30


async def test_after_a_long_absence_everything_is_read_again(bench) -> None:
    async with watching(bench.feed(), since=T0 - OLDEST_MS - 1) as queue:
        assert told(queue) == ["ready", "reset"]
    async with watching(bench.feed(), since=T0 + 10**14) as queue:
        assert told(queue) == ["ready", "trip:old"]


async def test_more_changes_than_can_be_told_are_told_as_one_reset(bench) -> None:
    feed = bench.feed()
    async with watching(feed) as queue:
        for number in range(MOST_AT_ONCE + 1):
            bench.change(f"t{number}", number)
        await feed.look()
        assert told(queue) == ["ready", "reset"]
        bench.change("one", 900)
        bench.ledger.details = {"trip:one": bench.ledger.details["trip:one"]}
        await feed.look()
        assert told(queue) == ["trip:one"]


async def test_whoever_reads_too_slowly_reads_everything_again(bench) -> None:
    feed = bench.feed()
    async with watching(feed) as queue:
        for number in range(MOST_WAITING):
            bench.change("t1", number + 1)
            await feed.look()
        assert told(queue) == ["reset"]


async def test_a_caller_holds_few_streams_open(bench) -> None:
    feed = bench.feed()
    async with watching(feed), watching(feed):
        with pytest.raises(TooManyStreamsError, match="at most 2"):
            async with watching(feed):
                pass
        async with watching(feed, OPERATOR):
            pass
    async with watching(feed):
        pass


async def test_who_may_not_read_may_not_watch(bench) -> None:
    with pytest.raises(DeniedError):
        async with watching(bench.feed(), ELSEWHERE, "trip:t1"):
            pass


async def test_a_feed_that_closes_lets_its_watchers_go(bench) -> None:
    feed = bench.feed()
    async with watching(feed) as queue:
        feed.close()
        assert (told(queue), feed.is_closing) == (["ready", "reset"], True)


async def test_it_looks_by_itself_while_somebody_watches_and_goes_on_after_an_outage(bench, caplog) -> None:
    ledger = bench.ledger
    feed = Feed(ledger, every=timedelta(milliseconds=5))
    async with feed, watching(feed) as queue:
        assert (await queue.get()).kind == "ready"
        ledger.away = True
        while "changes cannot be read" not in caplog.text:
            await asyncio.sleep(0.005)
        ledger.away = False
        bench.change("t1", 5)
        assert (await queue.get()).row.execution_id == "trip:t1"


async def test_a_fault_that_nobody_foresaw_is_logged_and_the_feed_goes_on(bench, caplog) -> None:
    feed = Feed(bench.ledger, every=timedelta(milliseconds=5))
    async with feed, watching(feed) as queue:
        assert (await queue.get()).kind == "ready"
        page, bench.ledger.page = bench.ledger.page, None
        while "could not be looked at" not in caplog.text:
            await asyncio.sleep(0.005)
        bench.ledger.page = page
        bench.change("t1", 5)
        assert (await queue.get()).row.execution_id == "trip:t1"


async def test_while_nobody_watches_the_ledger_is_left_alone(bench) -> None:
    ledger, looked = bench.ledger, 0
    page = ledger.page

    async def counted(wanted: Filter, **more):
        nonlocal looked
        looked += 1
        return await page(wanted, **more)

    ledger.page = counted
    async with Feed(ledger, every=timedelta(milliseconds=1)):
        for _ in range(20):
            await asyncio.sleep(0)
    assert looked == 0


class FakePulse:
    """Marks by hand."""

    def __init__(self) -> None:
        self.now: dict[Topic, str] = dict.fromkeys(get_args(Topic)[1:], "0")

    async def marks(self) -> dict[Topic, str]:
        return dict(self.now)


def topics(queue) -> list[str]:
    """The topics of which something changed."""
    found = []
    while not queue.empty():
        signal = queue.get_nowait()
        found += [signal.topic] if signal.kind == "changed" else []
    return found


async def test_what_happens_beside_executions_is_told_by_topic_once_to_those_who_may_know(bench) -> None:
    ledger: Any = bench.ledger
    pulse = FakePulse()
    feed = Feed(ledger, pulse, every=timedelta(hours=1))
    async with (
        watching(feed, OPERATOR) as all_of_them,
        watching(feed, VIEWER) as some,
        watching(feed, OPERATOR, "trip:old") as one,
        feed.watch(OPERATOR, topics=frozenset({"parked"})) as chosen,
    ):
        assert topics(all_of_them) == [], "what stood there before is no news"
        pulse.now |= {"parked": "1", "bulks": "1", "operations": "1"}
        await feed.look()
        await feed.look()
        assert topics(all_of_them) == ["parked", "operations", "bulks"]
        assert topics(some) == ["parked", "operations"], "a viewer runs no bulks"
        assert topics(one) == []
        assert topics(chosen) == ["parked"]


async def test_whoever_comes_back_is_told_to_read_every_topic_again(bench) -> None:
    ledger: Any = bench.ledger
    feed = Feed(ledger, FakePulse(), every=timedelta(hours=1))
    async with watching(feed, OPERATOR, since=T0) as queue:
        assert topics(queue) == ["executions", "parked", "operations", "bulks"]
    async with watching(feed, OPERATOR) as queue:
        assert topics(queue) == []
