"""The ledger's messages made anew from the event store: the same rows that the ledger noted, on both databases."""

from dataclasses import replace

import pytest
from sqlalchemy import delete, update

from orchestrator.adapters.sql.event_store import SqlEventStore
from orchestrator.adapters.sql.ledger_tables import messages
from orchestrator.adapters.sql.noted_messages import AT_ONCE, SqlNotedMessages
from orchestrator.service.records import MessageRecord
from tests.event_kit import T0, stored
from tests.ledger_kit import COMPLETED, ledger_bench, snapshot
from tests.sql_kit import fresh_database, sqlite_url

E = "shop:1"
SENT = stored(1, type="reserve", step="reserve", execution_id=E, body=b'{"a": 1}', size=8, causation_id="m0")
REPLY = stored(
    2,
    source="/p",
    kind="reply",
    way="in",
    type="reserve.refused",
    step="reserve",
    execution_id=E,
    outcome="rejected",
    headers={"saga-error-code": "sold-out"},
    causation_id="m1",
)
TAKEN = stored(
    3,
    kind="event",
    way="in",
    type="placed",
    execution_id="",
    step="",
    call="",
    attempt=0,
    identity="i",
    stored_ms=T0 + 9,
)
PUBLISHED = stored(4, kind="event", way="out", type="fulfilled", step="tell", execution_id=E)
LARGE = stored(5, type="charge", step="charge", execution_id=E, size=70_000, body=b"x" * 70_000)
AGAIN = stored(6, kind="event", way="out", type="fulfilled", execution_id=E, headers={"saga-replay-of": "m4"})
STRANGE = stored(7, type="reserve", execution_id="shop:forgotten")


def record(of, **changes):
    same = ("kind", "type", "at_ms", "correlation_id", "causation_id", "step", "call", "attempt", "outcome", "size")
    given = {name: getattr(of, name) for name in same}
    given |= {"execution_id": E, "message_id": of.message_id, "direction": "out", "body": of.body}
    return MessageRecord(**{**given, **changes})


WANTED = {
    record(SENT),
    record(REPLY, direction="in", type="sold-out", correlation_id=""),
    record(TAKEN, direction="in", message_id="i", at_ms=T0 + 9),
    record(PUBLISHED),
    record(LARGE, body=None),
}


@pytest.fixture(params=("sqlite", pytest.param("postgresql", marks=pytest.mark.servers)))
async def ledger(request, tmp_path):
    if request.param == "sqlite":
        async with ledger_bench(sqlite_url(tmp_path)) as made:
            yield made
        return
    async with fresh_database(request.getfixturevalue("postgres")) as url, ledger_bench(url) as made:
        yield made


async def rows(made, execution=E):
    return set(await made.reader.messages(execution, bodies=True))


async def test_messages_are_made_anew_from_the_store(ledger) -> None:
    await ledger.writer.write([snapshot("1", COMPLETED), snapshot("2")])
    await SqlEventStore(ledger.engine).append([SENT, REPLY, TAKEN, PUBLISHED, LARGE, AGAIN, STRANGE])
    rebuilt = SqlNotedMessages(ledger.engine)
    done = await rebuilt.rebuild(None)
    assert await rows(ledger) == WANTED
    # Both of these began with the event of one identity.
    assert {(one.direction, one.message_id) for one in await rows(ledger, "shop:2")} == {("in", "i")}
    assert (done.executions, done.messages) == (2, len(WANTED) + 1)
    assert await rows(ledger, "shop:forgotten") == set()


async def test_what_was_changed_is_put_right_and_what_the_store_lacks_stays(ledger) -> None:
    own = replace(record(SENT), message_id="older than the store")
    await ledger.writer.write([snapshot("1", COMPLETED)], [own])
    await SqlEventStore(ledger.engine).append([SENT, REPLY, TAKEN, PUBLISHED, LARGE])
    rebuilt = SqlNotedMessages(ledger.engine)
    await rebuilt.rebuild(None)
    async with ledger.engine.begin() as connection:
        await connection.execute(update(messages).where(messages.c.message_id == "m1").values(type="wrong", size=1))
        await connection.execute(delete(messages).where(messages.c.message_id == "m4"))
    await rebuilt.rebuild(None)
    assert await rows(ledger) == WANTED | {own}


async def test_only_executions_of_the_wanted_sagas_are_touched(ledger) -> None:
    await ledger.writer.write([snapshot("1", COMPLETED), snapshot("1", saga="bank")])
    await SqlEventStore(ledger.engine).append([SENT, stored(8, execution_id="bank:1")])
    assert (await SqlNotedMessages(ledger.engine).rebuild(frozenset({"bank"}))).executions == 1
    assert await rows(ledger) == set()
    assert {one.message_id for one in await rows(ledger, "bank:1")} == {"m8"}


async def test_it_goes_on_behind_a_page(ledger) -> None:
    number = AT_ONCE + 3
    await ledger.writer.write([snapshot(f"{one:03}") for one in range(number)])
    await SqlEventStore(ledger.engine).append(
        [stored(one, message_id=f"m{one}", execution_id=f"shop:{one:03}") for one in range(number)]
    )
    done = await SqlNotedMessages(ledger.engine).rebuild(None)
    assert (done.executions, done.messages) == (number, number)
