"""One operation on many executions: what was seen is what is done, the numbers add up, and a kill loses nothing."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.errors import (
    DeniedError,
    EngineUnavailableError,
    InvalidRequestError,
    KeyReusedError,
    OperationNotFoundError,
    RefusedCommandError,
    SelectionMovedError,
)
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.bulk import BulkWish
from orchestrator.service.bulk_running import AT_ONCE
from orchestrator.service.records import Filter
from tests.service_kit import ADMIN, OPERATOR, VIEWER, WHY, ServiceBench, run_all

EVERYTHING = Filter()


@pytest.fixture
def bench():
    return ServiceBench()


def stuck(bench, *names):
    hands = [bench.stuck(name) for name in names]
    for hand in hands:
        bench.ledger.keep(hand, confirmed=False, ended_ms=None)
        hand.answers.clear()
    return hands


async def begin(bench, word="retry", caller=OPERATOR, **more):
    wanted = more.pop("wanted", EVERYTHING)
    seen = await bench.bulking.preview(caller, word, wanted, override=more.get("override", False))
    given = {"word": word, "wanted": wanted, "reason": WHY, "key": "k1", "token": seen.token, **more}
    return await bench.bulking.begin(caller, BulkWish(**given))


async def counts(bench, bulk):
    found = await bench.bulks.counts(bulk.id)
    assert found.total == bulk.total
    return found.done, found.failed, found.skipped, found.waiting


async def test_every_item_is_done_once_and_the_numbers_add_up(bench) -> None:
    hands = stuck(bench, "t1", "t2", "t3")
    bulk = await begin(bench)
    assert await counts(bench, bulk) == (0, 0, 0, 3)
    await run_all(bench.running)
    assert await counts(bench, bulk) == (3, 0, 0, 0)
    assert (await bench.bulking.find(bulk.id)).state == "completed"
    assert {hand.execution.word for hand in hands} == {"Compensated"}
    assert all(item.operation_id in bench.register.operations for item in await bench.bulks.items(bulk.id))


async def test_it_is_throttled(bench) -> None:
    stuck(bench, "t1", "t2")
    await begin(bench, rate=4.0)
    await run_all(bench.running)
    assert bench.clock.slept == [timedelta(seconds=0.25)] * 2


async def test_what_is_in_another_state_by_now_is_skipped_and_says_why(bench) -> None:
    hands = stuck(bench, "t1", "t2")
    bulk = await begin(bench)
    hands[0].tell(_abandon())
    await run_all(bench.running)
    assert await counts(bench, bulk) == (1, 0, 1, 0)
    skipped = await bench.bulks.items(bulk.id, "skipped")
    assert "this one is partially_compensated" in skipped[0].text
    assert (await bench.bulking.find(bulk.id)).state == "completed"


def _abandon():
    from tests.trip_kit import command

    return command("AbandonRequested")


MIGHTY = Caller(actor="ann", role=Role.OPERATOR, granted=frozenset({Permission.OVERRIDE}))


def for_undo(bench):
    """One before the pivot, two behind it."""
    running = bench.run("t1")
    running.arrives("trip.confirmed")
    for hand in (running, bench.completed("t2"), bench.parked("t3")):
        bench.ledger.keep(hand)


async def test_a_bulk_goes_past_the_pivot_only_if_that_is_said_and_each_is_undone_by_its_own_plan(bench) -> None:
    for_undo(bench)
    bulk = await begin(bench, "compensate")
    await run_all(bench.running)
    assert await counts(bench, bulk) == (1, 0, 2, 0)
    assert all("override" in item.text for item in await bench.bulks.items(bulk.id, "skipped"))
    mighty = await begin(bench, "compensate", MIGHTY, key="k2", override=True)
    await run_all(bench.running)
    assert await counts(bench, mighty) == (2, 0, 1, 0)
    plans = {one.execution_id: one.request for one in bench.register.operations.values() if one.bulk == mighty.id}
    assert {request.override for request in plans.values()} == {True}
    assert len({request.plan for request in plans.values()}) == len(plans) == 2
    (begun,) = [one for one in [row.entry for row in bench.register.rows] if one.target == f"bulk:{mighty.id}"]
    assert begun.text == "3 executions, also past the point of no return"


async def test_past_the_pivot_needs_the_right_in_bulk_too_to_begin_it_and_to_order_it(bench) -> None:
    for_undo(bench)
    with pytest.raises(DeniedError, match="override"):
        await begin(bench, "compensate", override=True)
    bulk = await begin(bench, "compensate", MIGHTY, override=True)
    with pytest.raises(DeniedError, match="override"):
        await bench.bulking.order(OPERATOR, bulk.id, "suspend", WHY)
    with pytest.raises(InvalidRequestError, match="/override"):
        await begin(bench, "cancel", MIGHTY, key="k2", override=True)


async def test_what_was_counted_without_going_past_the_pivot_does_not_go_past_it(bench) -> None:
    for_undo(bench)
    seen = await bench.bulking.preview(MIGHTY, "compensate", EVERYTHING)
    with pytest.raises(SelectionMovedError):
        await begin(bench, "compensate", MIGHTY, override=True, token=seen.token)
    bulk = await begin(bench, "compensate", MIGHTY, override=True)
    with pytest.raises(KeyReusedError):
        await begin(bench, "compensate", MIGHTY)
    assert (await begin(bench, "compensate", MIGHTY, override=True)).id == bulk.id


async def test_a_failed_item_can_be_tried_again(bench) -> None:
    stuck(bench, "t1", "t2")
    bulk = await begin(bench)
    lost = bench.live.runs.pop("trip:t1"), bench.ledger.details.pop("trip:t1")
    await run_all(bench.running)
    assert await counts(bench, bulk) == (1, 1, 0, 0)
    assert (await bench.bulking.find(bulk.id)).state == "partially_completed"
    bench.live.runs["trip:t1"], bench.ledger.details["trip:t1"] = lost
    await bench.bulking.order(OPERATOR, bulk.id, "retry_failed", WHY)
    await run_all(bench.running)
    assert await counts(bench, bulk) == (2, 0, 0, 0)
    assert (await bench.bulking.find(bulk.id)).state == "completed"


async def test_all_failed_is_failed(bench) -> None:
    stuck(bench, "t1")
    bulk = await begin(bench)
    bench.live.runs.clear()
    bench.ledger.details.clear()
    await run_all(bench.running)
    assert (await bench.bulking.find(bulk.id)).state == "failed"


async def test_a_suspended_bulk_stops_and_goes_on_where_it_was(bench) -> None:
    stuck(bench, *(f"t{number}" for number in range(5)))
    bulk = await begin(bench)
    bench.live.on_command = _after(2, lambda: bench.bulks.bulks.update({bulk.id: _with(bulk, "suspended")}))
    await run_all(bench.running)
    assert await counts(bench, bulk) == (2, 0, 0, 3)
    await bench.bulking.order(OPERATOR, bulk.id, "resume", WHY)
    await run_all(bench.running)
    assert await counts(bench, bulk) == (5, 0, 0, 0)


def _with(bulk, state):
    return replace(bulk, state=state)


def _after(times, act):
    left = [times]

    def called():
        left[0] -= 1
        if left[0] == 0:
            act()

    return called


async def test_a_cancelled_bulk_leaves_the_rest(bench) -> None:
    hands = stuck(bench, "t1", "t2")
    bulk = await begin(bench)
    await bench.bulking.order(OPERATOR, bulk.id, "cancel", WHY)
    await run_all(bench.running)
    assert await counts(bench, bulk) == (0, 0, 0, 2)
    assert {hand.execution.word for hand in hands} == {"Stuck"}


@pytest.mark.parametrize("order", ["resume", "retry_failed"])
async def test_an_order_that_does_not_fit_the_state_is_refused(bench, order) -> None:
    stuck(bench, "t1")
    bulk = await begin(bench)
    with pytest.raises(RefusedCommandError, match="the bulk is running"):
        await bench.bulking.order(OPERATOR, bulk.id, order, WHY)


async def test_a_server_that_is_away_leaves_the_item_waiting_and_nothing_is_done_twice(bench) -> None:
    hands = stuck(bench, "t1", "t2", "t3")
    bulk = await begin(bench)
    bench.live.on_command = _after(2, lambda: setattr(bench.live, "away", True))
    with pytest.raises(EngineUnavailableError):
        await run_all(bench.running)
    assert await counts(bench, bulk) == (2, 0, 0, 1)
    bench.live.away = False
    await run_all(bench.running)
    assert await counts(bench, bulk) == (3, 0, 0, 0)
    assert [hand.execution.step("book_flight").undo_attempt for hand in hands] == [2, 2, 2]


async def test_a_kill_between_operation_and_result_repeats_nothing(bench) -> None:
    hands = stuck(bench, "t1")
    bulk = await begin(bench)
    settle, bench.bulks.settle = bench.bulks.settle, _killed
    with pytest.raises(Killed):
        await run_all(bench.running)
    bench.bulks.settle = settle
    await run_all(bench.running)
    assert await counts(bench, bulk) == (1, 0, 0, 0)
    assert (len(bench.register.operations), hands[0].execution.step("book_flight").undo_attempt) == (1, 2)


class Killed(BaseException):
    """What ends a process."""


async def _killed(*_, **__):
    raise Killed


async def test_a_selection_that_has_moved_since_it_was_shown_is_refused_with_the_new_one(bench) -> None:
    stuck(bench, "t1")
    seen = await bench.bulking.preview(OPERATOR, "retry", EVERYTHING)
    stuck(bench, "t2")
    with pytest.raises(SelectionMovedError) as refused:
        await begin(bench, token=seen.token)
    now = await bench.bulking.preview(OPERATOR, "retry", EVERYTHING)
    assert (refused.value.token, refused.value.count) == (now.token, 2)


async def test_the_items_are_frozen_when_it_begins(bench) -> None:
    stuck(bench, "t1")
    bulk = await begin(bench)
    later = stuck(bench, "t2")
    await run_all(bench.running)
    assert (bulk.total, later[0].execution.word) == (1, "Stuck")


async def test_the_same_key_again_is_the_same_bulk(bench) -> None:
    stuck(bench, "t1")
    first = await begin(bench)
    assert (await begin(bench)).id == first.id


async def test_the_filter_and_the_callers_sagas_limit_it(bench) -> None:
    stuck(bench, "t1")
    assert (await bench.bulking.preview(OPERATOR, "retry", Filter(statuses=("parked",)))).ids == ()
    stranger = Caller(actor="x", role=Role.ADMIN, sagas=frozenset({"order"}))
    assert (await bench.bulking.preview(stranger, "retry", EVERYTHING)).ids == ()


async def test_who_may_not_do_it_to_one_may_not_do_it_to_many(bench) -> None:
    with pytest.raises(DeniedError, match="bulk:run"):
        await bench.bulking.preview(VIEWER, "retry", EVERYTHING)
    with pytest.raises(DeniedError, match="saga:abandon"):
        await bench.bulking.preview(OPERATOR, "abandon", EVERYTHING)


async def test_nothing_selected_is_completed_at_once(bench) -> None:
    assert (await begin(bench)).state == "completed"


async def test_reason_and_rate_are_checked(bench) -> None:
    with pytest.raises(InvalidRequestError, match="/reason"):
        await begin(bench, reason="x")
    with pytest.raises(InvalidRequestError, match="/rate"):
        await begin(bench, rate=0.0)


async def test_a_bulk_that_does_not_exist_is_not_found(bench) -> None:
    with pytest.raises(OperationNotFoundError):
        await bench.bulking.order(ADMIN, "nothing", "suspend", WHY)


async def test_beginning_and_orders_are_audited(bench) -> None:
    stuck(bench, "t1")
    bulk = await begin(bench)
    await bench.bulking.order(OPERATOR, bulk.id, "suspend", WHY)
    assert [what for what, _ in bench.results] == ["bulk begin retry", "bulk suspend"]


# -- what may go wrong ----------------------------------------------------------------------------------------------


async def test_a_few_items_are_under_way_at_once_and_no_more(bench) -> None:
    stuck(bench, *(f"t{number}" for number in range(40)))
    bulk = await begin(bench)
    look, now, most = bench.live.look, 0, 0

    async def slow(execution_id):
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        for _ in range(500):
            await asyncio.sleep(0)
        now -= 1
        return await look(execution_id)

    bench.live.look = slow
    await run_all(bench.running)
    assert most == AT_ONCE
    assert await counts(bench, bulk) == (40, 0, 0, 0)


async def test_a_slow_bulk_does_not_keep_another_waiting(bench) -> None:
    stuck(bench, "t1", "t2")
    slow = await begin(bench, word="suspend", rate=0.1, key="slow")
    quick = await begin(bench, word="release", rate=1_000.0, key="quick")
    sleep, gate = bench.clock.sleep, asyncio.Event()

    async def until_opened(length):
        await (gate.wait() if length > timedelta(seconds=1) else sleep(length))

    bench.clock.sleep = until_opened
    running = asyncio.create_task(run_all(bench.running))
    while (await bench.bulking.find(quick.id)).state == "running":
        await asyncio.sleep(0)
    assert (await bench.bulking.find(slow.id)).state == "running"
    gate.set()
    await running
    assert (await bench.bulking.find(slow.id)).state == "completed"


async def test_an_item_that_was_asked_for_before_a_kill_is_found_by_its_key_though_the_ledger_has_moved(bench) -> None:
    hands = stuck(bench, "t1")
    bulk = await begin(bench)
    settle, bench.bulks.settle = bench.bulks.settle, _killed
    with pytest.raises(Killed):
        await run_all(bench.running)
    bench.bulks.settle = settle
    bench.ledger.keep(hands[0])  # it shows no failed step any more
    await run_all(bench.running)
    assert await counts(bench, bulk) == (1, 0, 0, 0)


async def test_a_fault_of_ours_fails_its_item_alone(bench, caplog) -> None:
    stuck(bench, "t1", "t2")
    bulk = await begin(bench)
    look = bench.live.look

    async def broken(execution_id):
        if execution_id == "trip:t1":
            raise ValueError("what is this?")
        return await look(execution_id)

    bench.live.look = broken
    await run_all(bench.running)
    assert await counts(bench, bulk) == (1, 1, 0, 0)
    assert "what is this?" in caplog.text


async def test_the_same_key_with_another_wish_is_refused(bench) -> None:
    stuck(bench, "t1")
    first = await begin(bench)
    others: list[dict[str, Any]] = [{"reason": "another one"}, {"rate": 3.0}, {"word": "suspend"}, {"token": "0" * 32}]
    for other in others:
        with pytest.raises(KeyReusedError, match=first.id):
            await begin(bench, **other)


async def test_refused_bulks_and_orders_are_audited(bench) -> None:
    stuck(bench, "t1")
    with pytest.raises(SelectionMovedError):
        await begin(bench, token="0" * 32)
    bulk = await begin(bench)
    with pytest.raises(DeniedError):
        await bench.bulking.order(VIEWER, bulk.id, "suspend", WHY)
    with pytest.raises(RefusedCommandError):
        await bench.bulking.order(ADMIN, bulk.id, "resume", WHY)
    assert bench.results == [
        ("bulk begin retry", "refused"),
        ("bulk begin retry", "accepted"),
        ("bulk suspend", "refused"),
        ("bulk resume", "refused"),
    ]


async def test_who_may_act_on_one_saga_orders_no_bulk_over_others(bench) -> None:
    stuck(bench, "t1")
    bulk = await begin(bench)
    stranger = Caller(actor="x", role=Role.ADMIN, sagas=frozenset({"order"}))
    with pytest.raises(DeniedError):
        await bench.bulking.order(stranger, bulk.id, "cancel", WHY)
    mine = await begin(bench, caller=Caller(actor="y", role=Role.ADMIN, sagas=frozenset({"trip"})))
    colleague = Caller(actor="z", role=Role.ADMIN, sagas=frozenset({"trip", "order"}))
    assert (await bench.bulking.order(colleague, mine.id, "cancel", WHY)).state == "cancelled"


async def test_who_may_act_on_other_sagas_sees_nothing_of_it(bench) -> None:
    stuck(bench, "t1")
    bulk = await begin(bench)
    stranger = Caller(actor="x", role=Role.ADMIN, sagas=frozenset({"order"}))
    assert await bench.bulking.recent(stranger) == ()
    for look in (bench.bulking.look, bench.bulking.items):
        with pytest.raises(OperationNotFoundError):
            await look(stranger, bulk.id)
    neighbour = Caller(actor="y", role=Role.ADMIN, sagas=frozenset({"trip"}))
    assert [one.id for one in await bench.bulking.recent(neighbour)] == [bulk.id]
    assert (await bench.bulking.look(neighbour, bulk.id))[0].id == bulk.id


# -- several steps of one execution -----------------------------------------------------------------------------------


def stuck_twice(bench):
    """Both branches are stuck."""
    hand = bench.run("t1", undo_book_flight="reject", undo_book_car="reject")
    hand.tell(_cancelled())
    bench.ledger.keep(hand, confirmed=False, ended_ms=None)
    return hand


def _cancelled():
    from tests.trip_kit import command

    return command("CancelRequested", command_id="cancel-t1")


async def test_a_retry_tries_every_step_that_waits_for_a_person(bench) -> None:
    hand = stuck_twice(bench)
    hand.answers.clear()
    bulk = await begin(bench)
    await run_all(bench.running)
    assert (hand.execution.word, await counts(bench, bulk)) == ("Compensated", (1, 0, 0, 0))
    assert {one.request.step for one in bench.register.operations.values()} == {"book_flight", "book_car"}
    (item,) = await bench.bulks.items(bulk.id)
    assert item.text == "book_flight: tried again; book_car: tried again"
    assert item.operation_id in bench.register.operations


async def test_a_kill_between_two_steps_of_an_execution_goes_on_with_the_second_one_alone(bench) -> None:
    hand = stuck_twice(bench)
    bulk = await begin(bench)
    bench.live.on_command = _after(1, lambda: setattr(bench.live, "away", True))
    with pytest.raises(EngineUnavailableError):
        await run_all(bench.running)
    assert await counts(bench, bulk) == (0, 0, 0, 1)
    bench.live.away = False
    await run_all(bench.running)  # the first one is stuck again: that was its try
    assert await counts(bench, bulk) == (1, 0, 0, 0)
    assert [hand.execution.step(name).undo_attempt for name in ("book_flight", "book_car")] == [2, 2]
    assert len(bench.register.operations) == 2


async def test_that_another_step_is_refused_is_told_beside_what_was_done(bench) -> None:
    hand = stuck_twice(bench)
    hand.answers.clear()
    bulk = await begin(bench)
    command, told = bench.live.command, list[str]()

    async def only_the_first(workflow_id, order, *, revision=None):
        told.append(order.step)
        if len(told) > 1:
            raise RefusedCommandError("retry", "somebody else was quicker")
        return await command(workflow_id, order, revision=revision)

    bench.live.command = only_the_first
    await run_all(bench.running)
    (item,) = await bench.bulks.items(bulk.id)
    assert (item.state, await counts(bench, bulk)) == ("done", (1, 0, 0, 0))
    assert item.text.startswith("book_flight: tried again; book_car: ")
    assert "somebody else was quicker" in item.text


# -- what it costs ----------------------------------------------------------------------------------------------------


async def test_an_item_asks_temporal_once_and_neither_the_ledger_nor_for_its_key(bench) -> None:
    stuck(bench, *(f"t{number}" for number in range(20)))
    bulk = await begin(bench, rate=1_000.0)
    asked = Counter[str]()
    for place, name in (
        (bench.live, "look"),
        (bench.ledger, "find"),
        (bench.register, "by_key"),
        (bench.register, "of_bulk"),
        (bench.bulks, "find"),
    ):
        setattr(place, name, counted(asked, name, getattr(place, name)))
    await run_all(bench.running)
    assert await counts(bench, bulk) == (20, 0, 0, 0)
    assert (asked["look"], asked["of_bulk"]) == (20, 1)
    # The register accepts by its key once in itself; whether the bulk may go on is looked for ten times a second.
    assert asked == {"look": 20, "of_bulk": 1, "by_key": 20, "find": 1}


def counted(asked, name, call):
    async def asks(*given, **more):
        asked[name] += 1
        return await call(*given, **more)

    return asks


async def test_an_item_that_another_process_asked_for_meanwhile_is_found_by_its_key_when_it_is_refused(bench) -> None:
    (hand,) = stuck(bench, "t1")
    bulk = await begin(bench)
    of_bulk = bench.register.of_bulk

    async def a_moment_before(bulk_id, ids):
        found = await of_bulk(bulk_id, ids)
        bench.register.of_bulk = of_bulk
        await run_all(bench.running)
        bench.bulks.kept[bulk.id][1] = replace(bench.bulks.kept[bulk.id][1], state="waiting")  # it was killed then
        bench.bulks.bulks[bulk.id] = _with(bulk, "running")
        return found

    bench.register.of_bulk = a_moment_before
    await run_all(bench.running)
    assert (hand.execution.word, await counts(bench, bulk)) == ("Compensated", (1, 0, 0, 0))
    assert len(bench.register.operations) == 1
