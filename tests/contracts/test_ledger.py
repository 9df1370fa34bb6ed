"""What the ledger must do on every database (express.md, 15)."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

import orchestrator.adapters.sql.access_tables
import orchestrator.adapters.sql.event_tables
import orchestrator.adapters.sql.parked_tables
import orchestrator.adapters.sql.register_tables  # noqa: F401 - add their tables to the same metadata
from orchestrator.adapters.sql import ledger_reader
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.ledger_tables import executions, metadata
from orchestrator.adapters.sql.migrating import VERSION_TABLE, check_version, migrate, newest
from orchestrator.engine.execution import Execution
from orchestrator.engine.signals import CompensateRequested, Failed, Succeeded
from orchestrator.errors import LedgerOutdatedError
from orchestrator.sealing import Seal
from orchestrator.service.records import IN_FLIGHT, Count, Cursor, Filter, moment
from tests.ledger_kit import (
    ABORTED,
    BEGIN,
    CANARY,
    COMPENSATED,
    COMPLETED,
    DAY_MS,
    PARKED,
    PLANS,
    RUNNING,
    STUCK,
    T0,
    ledger_bench,
    message,
    snapshot,
)
from tests.service_kit import FakeLedger
from tests.sql_kit import fresh_database, sqlite_url

DATABASES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.servers))
SEAL = Seal.of("k1:" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")


@pytest.fixture(params=DATABASES)
async def url(request, tmp_path):
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    async with fresh_database(request.getfixturevalue("postgres")) as address:
        yield address


@pytest.fixture
async def bench(url):
    async with ledger_bench(url) as made:
        yield made


@pytest.fixture(params=("memory", *DATABASES))
async def lists(request):
    """A function that writes and one that reads; the ledger in memory stands in for SQL in unit tests."""
    if request.param == "memory":
        fake = FakeLedger()
        yield fake.write, fake
        return
    address = request.getfixturevalue("tmp_path")
    if request.param == "sqlite":
        async with ledger_bench(sqlite_url(address)) as made:
            yield made.writer.write, made.reader
        return
    async with fresh_database(request.getfixturevalue("postgres")) as url, ledger_bench(url) as made:
        yield made.writer.write, made.reader


def ids(page) -> list[str]:
    return [row.execution_id for row in page.rows]


# -- writing --------------------------------------------------------------------------------------------------------


async def test_an_execution_is_read_as_it_was_written(bench) -> None:
    assert await bench.writer.write([snapshot(signals=STUCK, history=9, correlation_id="thread")]) == 1
    found = await bench.reader.find("shop:1")
    row = found.row
    assert (row.status, row.forward, row.undo, row.abort_reason) == ("stuck", "aborted", "stuck", "step")
    assert (row.saga, row.version, row.business_key, row.correlation_id) == ("shop", 1, "1", "thread")
    assert (row.failed_step, row.error, row.current_step) == ("reserve", f"no shelf 17 for {CANARY}", "reserve")
    assert (row.history, row.revision, row.confirmed, row.ended) == (9, 4, False, None)
    assert row.changed == moment(T0)
    assert [(step.step, step.phase, step.outcome) for step in found.steps] == [
        ("reserve", "stuck", "ok"),
        ("charge", "refused", "rejected"),
    ]
    assert found.steps[1].error == f"card {CANARY} declined"
    assert found.plan == PLANS["shop"]


async def test_the_state_it_keeps_can_be_taken_up(bench) -> None:
    given = snapshot(signals=COMPLETED)
    await bench.writer.write([given])
    restored = Execution.restore(PLANS["shop"], (await bench.reader.find("shop:1")).state)
    assert restored.state == given.execution.state
    assert restored.state.facts == {"placed": {"card": CANARY}}


async def test_what_is_not_there_is_none(bench) -> None:
    assert await bench.reader.find("shop:1") is None
    assert await bench.reader.journal("shop:1") == ()
    assert await bench.reader.messages("shop:1") == ()


async def test_a_later_position_wins_whatever_comes_last(bench) -> None:
    later, earlier = snapshot(signals=COMPLETED, history=7), snapshot(history=3)
    assert await bench.writer.write([later]) == 1
    assert await bench.writer.write([earlier]) == 0
    found = await bench.reader.find("shop:1")
    assert (found.row.status, [step.phase for step in found.steps]) == ("completed", ["done", "done"])


async def test_a_lost_attempt_does_not_outlive_the_truth_though_its_revision_is_higher(bench) -> None:
    longer = (*RUNNING, Succeeded(step="reserve"), Succeeded(step="reserve"), Succeeded(step="charge"))
    await bench.writer.write([snapshot(signals=longer, history=3)])
    assert (await bench.status(), (await bench.reader.find("shop:1")).row.revision) == ("completed", 5)
    await bench.writer.write([snapshot(signals=COMPENSATED, history=5)])
    assert (await bench.status(), (await bench.reader.find("shop:1")).row.revision) == ("compensated", 4)


async def test_a_confirmed_end_is_final_for_its_run(bench) -> None:
    await bench.writer.write([snapshot(signals=COMPENSATED, history=5, confirmed=True)])
    assert await bench.writer.write([snapshot(signals=COMPLETED, history=99)]) == 0
    assert await bench.status() == "compensated"


async def test_a_confirmation_wins_over_a_longer_history_that_was_never_recorded(bench) -> None:
    await bench.writer.write([snapshot(signals=COMPLETED, history=99)])
    assert await bench.writer.write([snapshot(signals=COMPENSATED, history=5, confirmed=True)]) == 1
    assert await bench.status() == "compensated"


async def test_a_linked_undo_run_follows_a_confirmed_end(bench) -> None:
    await bench.writer.write([snapshot(signals=COMPLETED, confirmed=True)])
    undoing = (*COMPLETED, CompensateRequested(command_id="c", actor="ann", reason="asked by the customer"))
    linked = snapshot(signals=undoing, run=2, history=2, workflow_id="shop:1/undo")
    assert await bench.writer.write([linked]) == 1
    assert await bench.status() == "compensating"
    assert (await bench.reader.find("shop:1")).row.workflow_id == "shop:1/undo"
    assert await bench.writer.write([snapshot(signals=COMPLETED, run=1, history=99)]) == 0


async def test_a_run_that_continues_another_keeps_when_it_all_began(bench) -> None:
    await bench.writer.write([snapshot(started_ms=T0)])
    await bench.writer.write([snapshot(run=2, history=1, started_ms=T0 + 5_000)])
    assert (await bench.reader.find("shop:1")).row.started == moment(T0)


async def test_the_end_opens_the_window_for_undoing_by_hand(bench) -> None:
    await bench.writer.write([snapshot(signals=COMPLETED, changed_ms=T0 + 1)])
    row = (await bench.reader.find("shop:1")).row
    assert (row.ended, row.window_ends) == (moment(T0 + 1), moment(T0 + 1 + 30 * DAY_MS))


async def test_undoing_by_hand_does_not_open_the_window_anew(bench) -> None:
    first = T0 + 1 + 30 * DAY_MS
    linked: dict[str, Any] = {"workflow_id": "shop:1/undo", "started_ms": T0 + DAY_MS}
    await bench.writer.write([snapshot(signals=COMPLETED, changed_ms=T0 + 1)])
    await bench.writer.write([snapshot(signals=STUCK, run=2, history=1, changed_ms=T0 + DAY_MS, **linked)])
    assert (await bench.reader.find("shop:1")).row.window_ends == moment(first)
    for run in (2, 3):
        ended = snapshot(signals=COMPENSATED, run=run, history=9, changed_ms=T0 + run * DAY_MS, **linked)
        await bench.writer.write([ended])
        row = (await bench.reader.find("shop:1")).row
        assert (row.status, row.window_ends) == ("compensated", moment(first))


async def test_an_execution_ended_from_outside_has_a_word_of_its_own(bench) -> None:
    await bench.writer.write([snapshot()])
    await bench.writer.write([snapshot(confirmed=True, gone="timed_out", ended_ms=T0 + 7, journal=())])
    row = (await bench.reader.find("shop:1")).row
    assert (row.status, row.gone, row.ended, row.confirmed) == ("terminated", "timed_out", moment(T0 + 7), True)
    assert row.window_ends is not None


async def test_writers_at_once_do_not_hinder_each_other(bench) -> None:
    batches = [[snapshot(str(number), history=3 + turn) for number in range(20)] for turn in range(6)]
    batches[1].reverse()
    await asyncio.gather(*(bench.writer.write(batch) for batch in batches))
    assert {row.history for row in (await bench.reader.page(Filter())).rows} == {8}


# -- lists ----------------------------------------------------------------------------------------------------------

SEVEN = [
    snapshot("a1", RUNNING, changed_ms=T0 + 1, correlation_id="t1"),
    snapshot("a2", STUCK, changed_ms=T0 + 2, correlation_id="t2"),
    snapshot("b1", COMPLETED, changed_ms=T0 + 3),
    snapshot("b2", COMPENSATED, changed_ms=T0 + 3),
    snapshot("b3", ABORTED, changed_ms=T0 + 3),
    snapshot("a1", RUNNING, saga="bank", changed_ms=T0 + 4, correlation_id="t1"),
    snapshot("a2", (BEGIN,), saga="bank", changed_ms=T0 + 5),
]
NEWEST = ["bank:a2", "bank:a1", "shop:b3", "shop:b2", "shop:b1", "shop:a2", "shop:a1"]
FILTERS = {
    "nothing": (Filter(), NEWEST),
    "one status": (Filter(statuses=("stuck",)), ["shop:a2"]),
    "several statuses": (Filter(statuses=("stuck", "running", "stuck")), ["bank:a2", "bank:a1", "shop:a2", "shop:a1"]),
    "in flight": (Filter(statuses=IN_FLIGHT, saga="shop"), ["shop:a2", "shop:a1"]),
    "saga": (Filter(saga="bank"), ["bank:a2", "bank:a1"]),
    "some sagas": (
        Filter(sagas=("bank", "shop"), statuses=("stuck", "running")),
        ["bank:a2", "bank:a1", "shop:a2", "shop:a1"],
    ),
    "some sagas in any status": (Filter(sagas=("bank", "nothing")), ["bank:a2", "bank:a1"]),
    "a saga that is none of some": (Filter(saga="shop", sagas=("bank",)), []),
    "a thread in some sagas": (Filter(sagas=("bank",), correlation_id="t1"), ["bank:a1"]),
    "version": (Filter(version=2), []),
    "correlation id": (Filter(correlation_id="t1"), ["bank:a1", "shop:a1"]),
    "business key": (Filter(business_key="a2"), ["bank:a2", "shop:a2"]),
    "current step": (Filter(current_step="charge"), ["bank:a1", "shop:a1"]),
    "failed step": (Filter(failed_step="charge"), ["shop:b2"]),
    "failed step and status": (
        Filter(failed_step="charge", statuses=("compensated", "stuck"), saga="shop"),
        ["shop:b2"],
    ),
    "failed step and another status": (Filter(failed_step="charge", statuses=("completed",)), []),
    "changed after": (Filter(changed_after=moment(T0 + 3)), ["bank:a2", "bank:a1"]),
    "changed before": (Filter(changed_before=moment(T0 + 2)), ["shop:a1"]),
    "an id": (Filter(text="shop:b1"), ["shop:b1"]),
    "the beginning of an id": (Filter(text="shop:a"), ["shop:a2", "shop:a1"]),
    "the saga of an id": (Filter(text="bank:"), ["bank:a2", "bank:a1"]),
    "the beginning of a saga's name": (Filter(text="ban"), []),
    "the end of an id": (Filter(text=":a"), []),
    "a thread": (Filter(text="t2"), ["shop:a2"]),
    "the beginning of a key": (Filter(text="b"), ["shop:b3", "shop:b2", "shop:b1"]),
    "a word that stands nowhere": (Filter(text="b%"), []),
}


@pytest.mark.parametrize("name", FILTERS)
async def test_a_list_holds_what_the_filter_asks_for_newest_change_first(lists, name) -> None:
    write, reader = lists
    wanted, expected = FILTERS[name]
    await write(SEVEN)
    assert ids(await reader.page(wanted)) == expected
    assert await reader.counts((wanted,)) == (Count(len(expected), is_capped=False),)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_pages_follow_each_other_without_gap_or_repeat(lists, name, limit) -> None:
    write, reader = lists
    wanted, expected = FILTERS[name]
    await write(SEVEN)
    found, cursor = [], None
    for _ in range(10):
        page = await reader.page(wanted, after=cursor, limit=limit)
        assert len(page.rows) <= limit
        found += ids(page)
        cursor = page.following
        if cursor is None:
            break
    assert found == expected


async def test_a_list_is_the_same_where_so_many_keys_begin_with_the_text_that_it_is_walked_by_change(
    bench, monkeypatch
) -> None:
    monkeypatch.setattr(ledger_reader, "WIDE", 0)
    await bench.writer.write(SEVEN)
    for wanted, expected in FILTERS.values():
        for more in ({}, {"saga": "shop"}, {"version": 1}, {"statuses": ("running",)}):
            wider = replace(wanted, **more)
            plain = [name for name in ids(await bench.reader.page(replace(wider, text=""))) if name in expected]
            if wanted.text:
                assert ids(await bench.reader.page(wider)) == plain


async def test_errors_of_one_kind_share_a_fingerprint(bench) -> None:
    other, another = (
        (*STUCK[:-1], Failed(step="reserve", direction="undo", reason=reason, retryable=False))
        for reason in (f"no shelf 99 for {CANARY}", "on fire")
    )
    await bench.writer.write([snapshot("1", STUCK), snapshot("2", other), snapshot("3", another)])
    prints = {row.execution_id: row.fingerprint for row in (await bench.reader.page(Filter())).rows}
    assert prints["shop:1"] == prints["shop:2"] != prints["shop:3"]
    assert ids(await bench.reader.page(Filter(fingerprint=prints["shop:1"]))) == ["shop:2", "shop:1"]


async def test_a_count_stops_at_its_cap(lists) -> None:
    write, reader = lists
    await write([snapshot(str(number)) for number in range(7)])
    nothing, everything = Filter(business_key="another"), Filter()
    assert await reader.counts((everything,), cap=7) == await reader.counts((everything,))
    assert await reader.counts((nothing, everything), cap=5) == (Count(0, is_capped=False), Count(5, is_capped=True))


async def test_a_cursor_stays_good_while_rows_change(bench) -> None:
    await bench.writer.write(SEVEN)
    first = await bench.reader.page(Filter(), limit=2)
    await bench.writer.write([snapshot("b2", COMPENSATED, history=9, changed_ms=T0 + 50)])
    rest = await bench.reader.page(Filter(), after=first.following)
    assert first.following == Cursor(T0 + 4, "bank:a1")
    assert ids(rest) == [one for one in NEWEST[2:] if one != "shop:b2"]


# -- journal and messages -------------------------------------------------------------------------------------------


async def test_the_journal_is_put_together_from_what_was_handed_over(bench) -> None:
    whole = snapshot(signals=COMPENSATED, history=9)
    await bench.writer.write([snapshot(signals=COMPENSATED[:2], history=3)])
    await bench.writer.write([replace(whole, journal=whole.journal[2:])])
    told = await bench.reader.journal("shop:1")
    assert [(one.revision, one.kind, one.step, one.direction) for one in told] == [
        (1, "Started", "", ""),
        (2, "Succeeded", "reserve", "do"),
        (3, "Refused", "charge", "do"),
        (4, "Succeeded", "reserve", "undo"),
    ]
    assert (told[0].message_type, told[0].message_id, told[2].reason) == ("placed", "m1", f"card {CANARY} declined")
    assert told[1].at_ms == T0 + 2000


async def test_what_a_lost_attempt_was_told_is_not_in_the_journal(bench) -> None:
    await bench.writer.write([snapshot(signals=COMPLETED, history=3)])
    await bench.writer.write([snapshot(signals=(BEGIN, ABORTED[1]), history=5)])
    assert [one.kind for one in await bench.reader.journal("shop:1")] == ["Started", "Refused"]


async def test_a_journal_that_comes_after_the_confirmation_is_kept(bench) -> None:
    await bench.writer.write([snapshot(signals=COMPLETED, history=7, confirmed=True, journal=())])
    assert await bench.writer.write([snapshot(signals=COMPLETED, history=5)]) == 0
    assert len(await bench.reader.journal("shop:1")) == 3


async def test_a_message_that_is_recorded_twice_is_one(bench) -> None:
    await bench.writer.write([], [message(1, outcome="first"), message(1, direction="in")])
    await bench.writer.write([], [message(1, outcome="second"), message(2, key="2")])
    found = await bench.reader.messages("shop:1")
    assert [(one.message_id, one.direction, one.outcome) for one in found] == [("m1", "out", "first"), ("m1", "in", "")]


async def test_messages_are_read_from_their_end_in_pages_and_bodies_only_if_asked_for(lists) -> None:
    write, reader = lists
    await write([], [message(number, body=b"secret") for number in range(10)])
    last = await reader.messages("shop:1", limit=4)
    assert [one.message_id for one in last] == ["m9", "m8", "m7", "m6"]
    assert {one.body for one in last} == {None}
    more = await reader.messages("shop:1", before=last[-1].place, bodies=True)
    assert [one.message_id for one in more] == ["m5", "m4", "m3", "m2", "m1", "m0"]
    assert {one.body for one in more} == {b"secret"}


async def test_a_page_of_messages_may_end_between_one_that_went_out_and_the_same_coming_in(lists) -> None:
    write, reader = lists
    await write([], [message(number, direction=way) for number in (1, 2) for way in ("in", "out")])
    pages, before = [], None
    while page := await reader.messages("shop:1", before=before, limit=1):
        pages += [(one.message_id, one.direction) for one in page]
        before = page[-1].place
    assert pages == [("m2", "out"), ("m2", "in"), ("m1", "out"), ("m1", "in")]


async def test_one_message_is_found_by_its_id_and_way(lists) -> None:
    write, reader = lists
    await write([], [message(1, body=b"out"), message(1, direction="in", body=b"in"), message(2)])
    assert (await reader.message("shop:1", "m1", "in")).body == b"in"
    assert (await reader.message("shop:1", "m1", "out")).body == b"out"
    for place in (("shop:2", "m1", "in"), ("shop:1", "m3", "in"), ("shop:1", "m2", "in")):
        assert await reader.message(*place) is None


# -- sealed ---------------------------------------------------------------------------------------------------------


async def test_with_a_key_no_payload_can_be_found_in_the_database(url) -> None:
    async with ledger_bench(url, SEAL) as bench:
        given = snapshot(signals=STUCK)
        await bench.writer.write([given], [message(1, body=CANARY.encode())])
        found = await bench.reader.find("shop:1")
        assert found is not None
        assert CANARY in found.row.error
        assert CANARY in found.steps[1].error
        assert found.state["facts"] == {"placed": {"card": CANARY}}
        assert CANARY in (await bench.reader.journal("shop:1"))[2].reason
        assert (await bench.reader.messages("shop:1", bodies=True))[0].body == CANARY.encode()
        only = await bench.reader.message("shop:1", "m1", "out")
        assert only is not None
        assert only.body == CANARY.encode()
        async with bench.engine.connect() as connection:
            for table in metadata.tables:
                for row in (await connection.execute(text(f"SELECT * FROM {table}"))).all():
                    values = [value if isinstance(value, bytes) else str(value).encode() for value in row]
                    assert not any(CANARY.encode() in value for value in values), table


# -- for the reconciler ---------------------------------------------------------------------------------------------


async def test_open_rows_are_those_in_flight_and_those_whose_end_is_not_confirmed(bench) -> None:
    await bench.writer.write(
        [snapshot("1"), snapshot("2", COMPLETED), snapshot("3", COMPLETED, confirmed=True), snapshot("4", STUCK)]
    )
    first = await bench.keeper.open_rows(limit=2)
    assert [(row.execution_id, row.has_ended, row.run_id) for row in first] == [
        ("shop:1", False, "run-1"),
        ("shop:2", True, "run-1"),
    ]
    assert [row.execution_id for row in await bench.keeper.open_rows(after="shop:2")] == ["shop:4"]


async def test_which_ends_are_confirmed_is_known_by_run(bench) -> None:
    await bench.writer.write(
        [snapshot(str(number), COMPLETED, run=number, confirmed=number % 2 == 0) for number in range(500)]
    )
    runs = [f"run-{number}" for number in range(600)]
    assert await bench.keeper.known_among(runs) == set(runs[:500])
    found = await bench.keeper.confirmed_among(runs)
    assert found == {f"run-{number}" for number in range(0, 500, 2)}


async def test_a_turn_is_taken_by_one_and_free_again_when_it_is_over(bench) -> None:
    async def claim(now: int, until: int) -> bool:
        got: bool = await bench.keeper.claim("turn", now=moment(T0 + now), until=moment(T0 + until))
        return got

    assert sorted(await asyncio.gather(claim(0, 10), claim(0, 10), claim(0, 10))) == [False, False, True]
    assert not await claim(9, 20)
    assert await claim(10, 20)


async def test_a_plan_is_found_by_its_hash(bench) -> None:
    await bench.writer.write([snapshot()])
    assert await bench.keeper.plan(PLANS["shop"].content_hash) == PLANS["shop"]
    assert await bench.keeper.plan("unknown") is None


async def test_staleness_lasts_until_a_pass_that_began_behind_all_that_was_lost(bench) -> None:
    assert (await bench.reader.freshness()).stale_since is None
    await bench.writer.mark_stale(moment(T0 + 100), moment(T0 + 300))
    await bench.writer.mark_stale(
        moment(T0 + 200), moment(T0 + 500)
    )  # another worker, whose buffer was full for longer
    await bench.writer.mark_stale(moment(T0 + 150), moment(T0 + 160))
    for began in (50, 101, 301, 500):
        await bench.keeper.reconciled(moment(T0 + began))
        assert (await bench.reader.freshness()).stale_since == moment(T0 + 100), began
    await bench.keeper.reconciled(moment(T0 + 501))
    found = await bench.reader.freshness()
    assert (found.stale_since, found.reconciled) == (None, moment(T0 + 501))
    await bench.writer.mark_stale(moment(T0 + 900), moment(T0 + 900))
    assert (await bench.reader.freshness()).stale_since == moment(T0 + 900)


async def test_marks_are_kept(bench) -> None:
    assert await bench.keeper.mark("seen") == 0
    for value in (5, 7):
        await bench.keeper.set_mark("seen", value)
    assert await bench.keeper.mark("seen") == 7


async def test_only_what_nobody_can_or_must_act_on_is_forgotten(bench) -> None:
    old, now = T0, moment(T0 + 31 * DAY_MS)
    keep = {
        "running": snapshot("running", RUNNING, changed_ms=old),
        "stuck": snapshot("stuck", STUCK, changed_ms=old),
        "unconfirmed": snapshot("unconfirmed", COMPLETED, changed_ms=old),
        "window": snapshot("window", COMPLETED, changed_ms=old + 2 * DAY_MS, confirmed=True),
        "other": snapshot("other", ABORTED, changed_ms=old, confirmed=True),
        "parked": snapshot("parked", PARKED, changed_ms=old),
        "ended while parked": snapshot("left", PARKED, changed_ms=old, confirmed=True, gone="terminated", ended_ms=old),
        "ended while stuck": snapshot("killed", STUCK, changed_ms=old, confirmed=True, gone="terminated", ended_ms=old),
    }
    await bench.writer.write([*keep.values(), snapshot("gone", COMPLETED, changed_ms=old, confirmed=True)])
    await bench.writer.write([], [message(1, key="gone"), message(1, key="window")])
    asked = (*IN_FLIGHT, "completed", "terminated")
    assert await bench.keeper.forget(asked, ended_before=now, now=now) == 1
    assert {row.business_key for row in (await bench.reader.page(Filter())).rows} == {
        one.execution_id.partition(":")[2] for one in keep.values()
    }
    assert await bench.reader.messages("shop:gone") == ()
    assert await bench.reader.journal("shop:gone") == ()
    assert len(await bench.reader.messages("shop:window")) == 1


async def test_what_is_younger_than_asked_for_is_not_forgotten(bench) -> None:
    await bench.writer.write([snapshot("1", COMPLETED, confirmed=True)])
    late = datetime.now(UTC) + timedelta(days=99)
    assert await bench.keeper.forget(("completed",), ended_before=moment(T0), now=late) == 0
    assert await bench.keeper.forget(("completed",), ended_before=moment(T0 + 1), now=late) == 1


# -- migrations -----------------------------------------------------------------------------------------------------


async def test_the_migrations_make_the_tables_that_the_code_uses(url) -> None:
    engine = open_engine(url)
    try:
        assert await migrate(engine) == await migrate(engine) == newest()
        await check_version(engine)
        async with engine.connect() as connection:
            assert await connection.run_sync(differences) == []
    finally:
        await engine.dispose()


def differences(connection):
    def ours(name, kind, _parents):
        return kind != "table" or name != VERSION_TABLE

    options = {"include_name": ours, "version_table": VERSION_TABLE, "compare_type": True}
    return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


async def test_a_ledger_that_was_not_migrated_is_refused_with_the_remedy(url) -> None:
    engine = open_engine(url)
    try:
        with pytest.raises(LedgerOutdatedError, match="not there.*saga ledger migrate"):
            await check_version(engine)
    finally:
        await engine.dispose()


async def test_several_that_migrate_at_once_all_succeed(url) -> None:
    engines = [open_engine(url) for _ in range(4)]
    try:
        assert set(await asyncio.gather(*map(migrate, engines))) == {newest()}
    finally:
        for engine in engines:
            await engine.dispose()


async def test_a_reader_cannot_write(url) -> None:
    async with ledger_bench(url) as bench:
        from sqlalchemy.exc import DBAPIError

        with pytest.raises(DBAPIError, match="(?i)read-?only"):
            async with bench.reader._engine.begin() as connection:
                await connection.execute(executions.delete())
