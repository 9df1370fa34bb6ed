import asyncio
import logging
import threading
from datetime import datetime, timedelta

import pytest

from orchestrator.errors import LedgerOutdatedError, StoreUnavailableError
from orchestrator.service.buffering import MESSAGES_AT_ONCE, SNAPSHOTS_AT_ONCE, LedgerBuffer, merged
from orchestrator.service.records import MessageRecord, Snapshot, moment
from tests.ledger_kit import COMPLETED, RUNNING, T0, message, snapshot

SOON = timedelta(milliseconds=1)


class Ledger:
    """A ledger in memory that can be away, slow, or refuse what has a certain key."""

    def __init__(self) -> None:
        self.transactions: list[list[Snapshot]] = []
        self.messages: list[MessageRecord] = []
        self.stale: list[tuple[datetime, datetime]] = []
        self.is_away = False
        self.refuses = ""
        self.open = asyncio.Event()
        self.open.set()
        self.begun = asyncio.Event()

    async def write(self, snapshots, messages=()):
        self.begun.set()
        await self.open.wait()
        if self.is_away:
            raise StoreUnavailableError("gone")
        if any(one.execution_id == self.refuses for one in snapshots):
            raise ValueError("no")
        self.transactions.append(list(snapshots))
        self.messages += messages
        return len(snapshots)

    async def mark_stale(self, since, until):
        if self.is_away:
            raise StoreUnavailableError("gone")
        self.stale.append((since, until))

    @property
    def ids(self):
        return [one.execution_id for transaction in self.transactions for one in transaction]


@pytest.fixture
def ledger():
    return Ledger()


def buffer_of(ledger, limit=100, pause=SOON, patience=timedelta(seconds=5)):
    return LedgerBuffer(ledger, limit=limit, pause=pause, patience=patience)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_many_changes_are_one_transaction(ledger) -> None:
    async with buffer_of(ledger) as buffer:
        for number in range(20):
            buffer.give(snapshot(str(number)))
            buffer.record(message(number))
        await until(lambda: not buffer.backlog and ledger.transactions)
    assert len(ledger.ids) == len(ledger.messages) == 20
    assert buffer.counts.transactions == len(ledger.transactions) < 5


async def test_of_one_execution_only_the_newest_is_written_with_the_journal_of_all(ledger) -> None:
    async with buffer_of(ledger) as buffer:
        first, last = snapshot(history=3), snapshot(signals=COMPLETED, history=5)
        for one in (first, last, snapshot(history=4, journal=())):
            buffer.give(one)
    ((written,),) = ledger.transactions
    assert written.execution is last.execution
    assert written.journal == first.journal + last.journal
    assert (buffer.counts.given, buffer.counts.replaced, buffer.counts.written) == (3, 2, 1)


async def test_two_runs_of_one_execution_are_not_mixed(ledger) -> None:
    async with buffer_of(ledger) as buffer:
        buffer.give(snapshot(run=1))
        buffer.give(snapshot(run=2))
    assert [one.position.run_id for one in ledger.transactions[0]] == ["run-1", "run-2"]


async def test_a_transaction_has_an_upper_size(ledger) -> None:
    async with buffer_of(ledger, limit=1000) as buffer:
        for number in range(SNAPSHOTS_AT_ONCE + 1):
            buffer.give(snapshot(str(number)))
        for number in range(MESSAGES_AT_ONCE + 1):
            buffer.record(message(number))
    assert max(map(len, ledger.transactions)) == SNAPSHOTS_AT_ONCE
    assert len(ledger.ids) == SNAPSHOTS_AT_ONCE + 1
    assert len(ledger.messages) == MESSAGES_AT_ONCE + 1


async def test_it_can_be_given_to_from_any_thread(ledger) -> None:
    async with buffer_of(ledger) as buffer:
        threads = [
            threading.Thread(target=lambda t=turn: [buffer.give(snapshot(f"{t}-{n}")) for n in range(10)])
            for turn in range(4)
        ]
        for thread in threads:
            thread.start()
        await until(lambda: len(ledger.ids) == 40)
        for thread in threads:
            thread.join()


async def test_what_is_left_is_written_at_the_end(ledger) -> None:
    async with buffer_of(ledger, pause=timedelta(hours=1)) as buffer:
        buffer.give(snapshot())
    assert ledger.ids == ["shop:1"]


async def test_a_write_that_the_end_interrupts_is_made_again(ledger) -> None:
    async with buffer_of(ledger) as buffer:
        ledger.open.clear()
        buffer.give(snapshot())
        await ledger.begun.wait()
        asyncio.get_running_loop().call_later(0.02, ledger.open.set)
    assert ledger.ids == ["shop:1"]


async def test_a_slow_ledger_holds_back_new_executions_until_there_is_room(ledger) -> None:
    async with buffer_of(ledger, limit=4) as buffer:
        await buffer.admitted()
        ledger.open.clear()
        buffer.give(snapshot("0"))
        await ledger.begun.wait()
        for number in (1, 2):
            buffer.give(snapshot(str(number)))
        waiting = asyncio.create_task(buffer.admitted())
        await asyncio.sleep(0.02)
        assert not waiting.done()
        ledger.open.set()
        async with asyncio.timeout(5):
            await waiting


async def test_while_the_ledger_is_away_nobody_waits_and_nothing_is_lost_up_to_the_limit(ledger) -> None:
    ledger.is_away = True
    async with buffer_of(ledger, limit=4) as buffer:
        for number in range(4):
            buffer.give(snapshot(str(number)))
            buffer.record(message(number))
        await until(lambda: buffer.is_away)
        async with asyncio.timeout(5):
            await buffer.admitted()
        ledger.is_away = False
        await until(lambda: len(ledger.ids) == 4)
    assert sorted(ledger.ids) == ["shop:0", "shop:1", "shop:2", "shop:3"]
    assert [one.message_id for one in ledger.messages] == ["m0", "m1", "m2", "m3"]
    assert ledger.stale == []


async def test_who_waits_for_a_slow_ledger_goes_on_when_it_turns_out_to_be_away(ledger) -> None:
    ledger.open.clear()
    async with buffer_of(ledger, limit=4, patience=timedelta(milliseconds=20)) as buffer:
        for number in range(4):
            buffer.give(snapshot(str(number)))
        async with asyncio.timeout(5):
            await buffer.admitted()
        assert buffer.is_away
        ledger.open.set()
        await until(lambda: len(ledger.ids) == 4)


async def test_beyond_the_limit_the_newest_of_known_ones_is_kept_and_others_are_counted(ledger) -> None:
    ledger.is_away = True
    async with buffer_of(ledger, limit=2) as buffer:
        buffer.give(snapshot("0", history=3))
        buffer.give(snapshot("1"))
        buffer.give(snapshot("2", changed_ms=T0 + 70))
        buffer.give(snapshot("3", changed_ms=T0 + 60))
        buffer.give(snapshot("0", history=9))
        await until(lambda: buffer.is_away)
        ledger.is_away = False
        await until(lambda: len(ledger.ids) == 2)
    assert {one.execution_id: one.position.history for one in ledger.transactions[0]} == {"shop:0": 9, "shop:1": 3}
    assert (buffer.counts.given, buffer.counts.replaced, buffer.counts.written, buffer.counts.dropped) == (5, 1, 2, 2)


async def test_what_was_dropped_makes_the_ledger_stale_from_the_first_of_it_to_the_last(ledger) -> None:
    ledger.is_away = True
    async with buffer_of(ledger, limit=1) as buffer:
        for number in range(4):
            buffer.give(snapshot(str(number), changed_ms=T0 + 100 - number))
        await until(lambda: buffer.is_away)
        ledger.is_away = False
        await until(lambda: ledger.ids)
    assert ledger.stale == [(moment(T0 + 97), moment(T0 + 99))]


async def test_messages_are_dropped_beyond_ten_times_the_limit(ledger) -> None:
    ledger.is_away = True
    async with buffer_of(ledger, limit=1) as buffer:
        for number in range(12):
            buffer.record(message(number))
        ledger.is_away = False
        await until(lambda: ledger.messages)
    assert len(ledger.messages) + buffer.counts.messages_dropped == 12
    assert buffer.counts.messages_dropped == 2


async def test_one_row_that_is_refused_alone_does_not_end_the_writing(ledger) -> None:
    ledger.refuses = "shop:1"
    async with buffer_of(ledger) as buffer:
        buffer.give(snapshot("1"))
        await until(lambda: buffer.counts.refused == 1)
        buffer.give(snapshot("2"))
        await until(lambda: ledger.ids == ["shop:2"])
    assert buffer.counts.given == buffer.counts.written + buffer.counts.refused


async def test_tables_of_another_version_are_waited_for(ledger) -> None:
    write, ledger.write = ledger.write, _outdated
    async with buffer_of(ledger) as buffer:
        buffer.give(snapshot("1"))
        await until(lambda: buffer.is_away)
        ledger.write = write
        await until(lambda: ledger.ids == ["shop:1"])
    assert buffer.counts.refused == 0


async def _outdated(*_):
    raise LedgerOutdatedError("run saga ledger migrate")


async def test_one_row_that_the_database_refuses_does_not_keep_out_the_others(ledger, caplog) -> None:
    ledger.refuses = "shop:1"
    with caplog.at_level(logging.ERROR):
        async with buffer_of(ledger) as buffer:
            for number in range(3):
                buffer.give(snapshot(str(number)))
            buffer.record(message(1))
    assert sorted(ledger.ids) == ["shop:0", "shop:2"]
    assert len(ledger.messages) == 1
    assert buffer.counts.refused == 1
    assert "shop:1" in caplog.text


def sum_of(counts):
    return counts.written + counts.replaced + counts.dropped + counts.refused


async def test_what_comes_while_a_write_fails_replaces_what_is_put_back_and_is_counted_so(ledger) -> None:
    ledger.open.clear()
    async with buffer_of(ledger) as buffer:
        buffer.give(snapshot(history=3))
        await ledger.begun.wait()
        buffer.give(snapshot(signals=COMPLETED, history=5))
        ledger.is_away = True
        ledger.open.set()
        await until(lambda: buffer.is_away)
        ledger.is_away = False
        await until(lambda: not buffer.backlog and ledger.transactions)
    assert (buffer.counts.given, buffer.counts.replaced, buffer.counts.written) == (2, 1, 1)


async def test_what_an_outage_breaks_off_while_it_is_written_one_by_one_counts_once(ledger) -> None:
    ledger.refuses = "shop:2"

    async def write(snapshots, messages=(), *, all_of_it=ledger.write):
        ledger.is_away = len(ledger.transactions) == 1 and not buffer.is_away
        return await all_of_it(snapshots, messages)

    ledger.write = write
    async with buffer_of(ledger) as buffer:
        for number in range(1, 4):
            buffer.give(snapshot(str(number)))
        await until(lambda: not buffer.backlog and len(ledger.transactions) > 1)
    assert ledger.ids.count("shop:1") == 2, "the outage came behind the first of them"
    assert (buffer.counts.given, buffer.counts.written, buffer.counts.refused) == (3, 2, 1)
    assert buffer.counts.given == sum_of(buffer.counts)


def test_a_snapshot_of_a_lost_attempt_gives_way_to_its_repeat() -> None:
    lost, truth = snapshot(signals=COMPLETED, history=3), snapshot(signals=RUNNING, history=5)
    assert merged(lost, truth).execution is truth.execution
    assert merged(truth, lost).execution is truth.execution


async def test_what_comes_while_a_transaction_is_written_waits_for_the_next_one(ledger) -> None:
    async with buffer_of(ledger, limit=1_000, pause=timedelta(milliseconds=50)) as buffer:
        ledger.open.clear()
        buffer.give(snapshot("0"))
        await ledger.begun.wait()
        buffer.give(snapshot("1"))
        ledger.open.set()
        await until(lambda: len(ledger.transactions) == 1)
        for number in range(2, 10):
            buffer.give(snapshot(str(number)))
        await until(lambda: len(ledger.transactions) == 2)
    assert [len(one) for one in ledger.transactions] == [1, 9]


async def test_a_transaction_that_is_being_written_at_the_end_is_not_broken_off(ledger) -> None:
    broken_off = []
    write = ledger.write

    async def watched(*given):
        try:
            return await write(*given)
        except asyncio.CancelledError:
            broken_off.append(1)
            raise

    ledger.write = watched
    async with buffer_of(ledger) as buffer:
        ledger.open.clear()
        buffer.give(snapshot("1"))
        await ledger.begun.wait()
        asyncio.get_running_loop().call_later(0.05, ledger.open.set)
    assert (ledger.ids, broken_off) == (["shop:1"], [])
