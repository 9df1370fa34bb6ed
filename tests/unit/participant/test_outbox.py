from datetime import UTC, datetime, timedelta

from orchestrator.errors import PublishUnknownError, StoreUnavailableError
from orchestrator.messages import Envelope
from orchestrator.participant import MemoryStore
from orchestrator.participant.outbox import BATCH, Outbox
from tests.rabbitmq_kit import until


class Broker:
    """Remembers what it was sent; refuses while `away`."""

    def __init__(self):
        self.sent: list[str] = []
        self.away = False

    async def __call__(self, event):
        if self.away:
            raise PublishUnknownError("away")
        self.sent.append(event.id)


async def stored(store, *names):
    async with store.transaction() as transaction:
        rows = []
        for name in names:
            event = Envelope(id=name, source="test", type="thing.made", body=b"{}")
            rows.append((await transaction.enqueue(event), event))
    return rows


async def kept(store):
    return [event.id for _, event in await store.unsent(10_000)]


async def test_what_was_sent_is_removed_by_the_next_sweep_and_not_sent_again() -> None:
    store, broker = MemoryStore(), Broker()
    outbox = Outbox(store, broker)
    await outbox.send(await stored(store, "a", "b"))
    assert await kept(store) == ["a", "b"]
    await outbox.sweep()
    await outbox.sweep()
    assert (await kept(store), broker.sent) == ([], ["a", "b"])


async def test_what_another_has_just_stored_is_left_to_it_until_the_second_sweep() -> None:
    store, broker = MemoryStore(), Broker()
    outbox = Outbox(store, broker)
    await stored(store, "a")
    await outbox.sweep()
    assert broker.sent == []
    await stored(store, "b")
    await outbox.sweep()
    assert (broker.sent, await kept(store)) == (["a"], ["b"])


async def test_what_the_broker_does_not_confirm_stays_and_is_sent_later() -> None:
    store, broker = MemoryStore(), Broker()
    outbox = Outbox(store, broker)
    broker.away = True
    await outbox.send(await stored(store, "a"))
    await outbox.sweep()
    await outbox.sweep()
    assert await kept(store) == ["a"]
    broker.away = False
    await outbox.sweep()
    assert (broker.sent, await kept(store)) == (["a"], [])


async def test_a_long_backlog_goes_in_one_sweep() -> None:
    store, broker = MemoryStore(), Broker()
    outbox = Outbox(store, broker)
    names = [f"e{number}" for number in range(BATCH * 2 + 5)]
    await stored(store, *names)
    await outbox.sweep()
    await outbox.sweep()
    assert (broker.sent, await kept(store)) == (names, [])


async def test_a_store_that_away_or_broken_does_not_end_the_sweeping(caplog) -> None:
    class Moody(MemoryStore):
        faults = iter((StoreUnavailableError("away"), ZeroDivisionError()))

        async def unsent(self, limit):
            for fault in self.faults:
                raise fault
            return await super().unsent(limit)

    store, broker = Moody(), Broker()
    outbox = Outbox(store, broker)
    await stored(store, "a")
    async with outbox.sweeping(every=0):
        await until(lambda: broker.sent == ["a"])
    assert await kept(store) == []
    assert "cannot be looked through now: away" in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_what_waits_in_the_outbox_and_for_how_long_is_known_after_a_sweep() -> None:
    store, broker = MemoryStore(), Broker()
    outbox = Outbox(store, broker)
    await outbox.sweep()
    assert (outbox.waiting, outbox.age(datetime.now(UTC))) == (0, timedelta(0))
    broker.away = True
    rows = await stored(store, "a", "b")
    await outbox.sweep()
    await outbox.sweep()
    oldest = min(event.time for _, event in rows)
    assert outbox.waiting == 2
    assert outbox.age(oldest + timedelta(seconds=40)) == timedelta(seconds=40)
    broker.away = False
    await outbox.sweep()
    await outbox.sweep()
    assert outbox.waiting == 0
