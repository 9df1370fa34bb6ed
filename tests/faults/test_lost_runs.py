"""The express lane's rules on real servers: a run is performed, and nobody ever reports it (express.md)."""

import asyncio
import signal
from collections import Counter

import pytest

from tests.faults.kit import Cost, killed, world
from tests.faults.world import ROW

CHAIN, TAIL, FORK, TRADE = (
    ("s1", "s2", "s3"),
    ("d1", "t2", "t3", "d4"),
    ("a1", "a2", "b1", "b2", "b3"),
    ("c1", "c2", "c3"),
)
pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment"), pytest.mark.timeout(300)]


async def test_killed_between_effect_and_report_and_started_again_each_effect_is_made_once(tmp_path) -> None:
    async with world(tmp_path) as place:
        place.hook("s2.do.after", "kill")
        first = await place.start()
        execution = await place.ask("chain")
        await killed(first)
        with Cost("express run lost, repeated", 4):
            await place.start()
            result = await place.result(execution)
        assert result["word"] == "Completed"
        assert place.times("s2") > 1
        assert [one[:2] for one in await place.effects()] == [("s1", "do"), ("s2", "do"), ("s3", "do")]
        await place.was_lost(execution, CHAIN)


async def test_killed_and_cancelled_before_the_restart_what_the_lost_run_made_is_undone(tmp_path) -> None:
    async with world(tmp_path) as place:
        place.hook("s2.do.after", "kill")
        first = await place.start()
        execution = await place.ask("chain")
        await killed(first)
        await place.handle(execution).cancel()
        with Cost("express run lost, cancelled"):
            await place.start()
            result = await place.result(execution)
        assert (result["word"], result["abort"]["reason"]) == ("Compensated", "cancel")
        effects = [one[:2] for one in await place.effects()]
        assert effects == [("s1", "do"), ("s2", "do"), ("s2", "undo"), ("s1", "undo")]
        await place.was_lost(execution, CHAIN)


@pytest.mark.faults
async def test_the_repeat_is_refused_earlier_than_the_lost_attempt_and_nothing_is_orphaned(tmp_path) -> None:
    async with world(tmp_path) as place:
        held = place.always("a2.do.before", "wait")  # the lost attempt comes to the end of the other branch first
        place.hook("b3.do.after", "kill")
        first = await place.start()
        execution = await place.ask("fork")
        await killed(first)
        assert {one[0] for one in await place.effects()} == {"a1", "b1", "b2", "b3"}
        held.unlink()
        place.hook("a2.do.before", "refuse")
        place.hook("b1.do.before", "wait")  # the repeat is refused before this branch has gone on
        with Cost("express run lost, its repeat refused earlier"):
            await place.start()
            await place.reached("a2.do.before")
            place.go("b1.do.before")
            result = await place.result(execution)
        assert result["word"] == "Compensated"
        effects = [one[:2] for one in await place.effects()]
        assert sorted(effects) == sorted((step, way) for step in ("a1", "b1", "b2", "b3") for way in ("do", "undo"))
        undone = [step for step, way in effects if way == "undo" and step.startswith("b")]
        assert undone == ["b3", "b2", "b1"]
        await place.was_lost(execution, FORK)


@pytest.mark.faults
async def test_killed_between_an_undo_and_its_report_the_refused_step_is_not_asked_again(tmp_path) -> None:
    async with world(tmp_path) as place:
        place.hook("s3.do.before", "refuse")  # once: asked a second time it would accept
        place.hook("s2.undo.after", "kill")
        first = await place.start()
        execution = await place.ask("chain")
        await killed(first)
        with Cost("undo lost, repeated", 4):
            await place.start()
            result = await place.result(execution)
        assert result["word"] == "Compensated"
        assert place.times("s3") == 1
        assert place.times("s2", "undo") > 1
        effects = [one[:2] for one in await place.effects()]
        assert effects == [("s1", "do"), ("s2", "do"), ("s2", "undo"), ("s1", "undo")]
        await place.was_lost(execution, CHAIN)


@pytest.mark.faults
async def test_killed_between_an_undo_and_its_report_a_step_in_doubt_is_not_asked_again(tmp_path) -> None:
    async with world(tmp_path) as place:
        doubt = place.always("s3.do.after", "raise")  # its effect is made, and it never says so
        place.hook("s2.undo.after", "kill")
        first = await place.start()
        execution = await place.ask("chain")
        await killed(first)
        asked = place.times("s3")
        doubt.unlink()  # from now on it would say so
        with Cost("undo lost after a step in doubt, repeated", 4):
            await place.start()
            result = await place.result(execution)
        assert result["word"] == "Compensated"
        assert place.times("s3") == asked
        assert place.times("s2", "undo") > 1
        effects = [one[:2] for one in await place.effects()]
        assert effects == [(step, "do") for step in CHAIN] + [(step, "undo") for step in reversed(CHAIN)]
        await place.was_lost(execution, CHAIN)


@pytest.mark.faults
async def test_a_cancel_is_read_between_two_runs_long_before_the_pivot(tmp_path) -> None:
    async with world(tmp_path) as place, place.working():
        for step in ROW:
            place.always(f"{step}.do.before", "pause")  # four seconds of brief steps: several runs
        place.hook("r03.do.before", "wait")
        execution = await place.ask("row")
        await place.reached("r03.do.before")
        await place.handle(execution).cancel()
        place.go("r03.do.before")
        with Cost("cancelled in the first run of sixteen brief steps: undone after"):
            result = await place.result(execution)
        assert (result["word"], result["abort"]["reason"]) == ("Compensated", "cancel")
        begun = [step for step in ROW if place.times(step)]
        assert begun == list(ROW[: len(begun)])
        assert len(begun) < len(ROW)
        assert place.times("p1") == 0
        assert {one[0] for one in await place.effects() if one[1] == "undo"} == set(begun)
        await place.balance([execution], Counter(["Compensated"]), (*ROW, "p1"))


@pytest.mark.faults
async def test_a_command_that_was_undone_in_a_lost_run_is_refused_to_its_repeat_and_nothing_goes_on(tmp_path) -> None:
    async with world(tmp_path) as place, place.serving():
        refusal = place.always("c3.do.before", "refuse")
        place.hook("c1.undo.before", "wait")
        first = await place.start()
        execution = await place.ask("trade")
        await place.reached("c1.undo.before")  # c2 is undone, and its worker knows
        first.kill()
        await killed(first)
        refusal.unlink()  # from now on it would be accepted
        place.go("c1.undo.before")
        with Cost("undo of a command lost, its command repeated", 4):
            await place.start()
            result = await place.result(execution)
        assert result["word"] == "Compensated"
        assert [place.times(step) for step in ("c1", "c2", "c3")] == [1, 1, 1]
        effects = [one[:2] for one in await place.effects()]
        assert effects == [("c1", "do"), ("c2", "do"), ("c2", "undo"), ("c1", "undo")]
        await place.was_lost(execution, TRADE)


SHORT = {"SAGA_TASK_TIMEOUT": "1.8", "SAGA_RUN_BUDGET": "0.2"}
"""A pause is longer than a run may take, and a second run ends later than 0.8 of a workflow task."""


@pytest.mark.faults
@pytest.mark.parametrize("how", ["kill", "stall"], ids=["plain", "with a heartbeat of the workflow task in between"])
async def test_a_cancel_beside_a_durable_result_undoes_the_brief_steps_that_were_lost_behind_it(tmp_path, how) -> None:
    async with world(tmp_path) as place:
        place.hook("t3.do.after", how)
        if how == "stall":  # a run of its own for t3, which is still under way when the task must be kept alive
            place.hook("t2.do.after", "pause")
        first = await place.start(**SHORT if how == "stall" else {})
        execution = await place.ask("tail")
        await killed(first)
        assert [one[:2] for one in await place.effects()] == [("d1", "do"), ("t2", "do"), ("t3", "do")]
        await place.handle(execution).cancel()
        with Cost(f"brief steps behind a durable result lost ({how}), cancelled"):
            await place.start()
            result = await place.result(execution)
        assert result["word"] == "Compensated"
        effects = [one[:2] for one in await place.effects()]
        # Behind a heartbeat the run is repeated before the cancel is read, and what follows it at once is begun.
        made = [step for step, way in effects if way == "do"]
        assert made[:3] == ["d1", "t2", "t3"]
        assert made[3:] in ([], ["d4"]) if how == "stall" else made[3:] == []
        assert [step for step, way in effects if way == "undo"] == made[::-1]
        assert (await place.heartbeats(execution) > 0) is (how == "stall")
        await place.was_lost(execution, TAIL)


@pytest.mark.faults
@pytest.mark.parametrize("cancelled", [False, True], ids=["goes on", "cancelled meanwhile"])
async def test_a_worker_that_was_stopped_past_its_deadlines_and_wakes_up_does_nothing_twice(
    tmp_path, cancelled
) -> None:
    async with world(tmp_path) as place:
        place.hook("s2.do.before", "stop")
        stalled = await place.start()
        execution = await place.ask("chain")
        await place.reached("s2.do.before")
        await another_ends(place, execution, stalled, cancelled, "worker stopped past its deadlines")
        effects = [one[:2] for one in await place.effects()]
        assert len(effects) == len(set(effects))
        made = {step for step, way in effects if way == "do"}
        undone = {step for step, way in effects if way == "undo"}
        assert made - undone == (set() if cancelled else {"s1", "s2", "s3"})
        # It may have been handed a workflow task while it slept and perform that run again: by the same keys.
        assert [one[0] for one in place.attempts if one[3] == stalled.pid][:2] == ["s1", "s2"]
        await place.was_lost(execution, CHAIN)


HUNG = ("s1", "h2", "s3")


@pytest.mark.faults
@pytest.mark.parametrize("cancelled", [False, True], ids=["goes on", "cancelled meanwhile"])
async def test_a_worker_that_was_stopped_in_a_durable_attempt_past_its_deadlines_does_nothing_twice(
    tmp_path, cancelled
) -> None:
    async with world(tmp_path) as place:
        place.hook("h2.do.before", "wait")
        stalled = await place.start()
        execution = await place.ask("hung")
        await place.reached("h2.do.before")
        await place.stand_still(stalled)
        place.go("h2.do.before")
        word = await another_ends(place, execution, stalled, cancelled, "worker stopped in a durable attempt")
        made = [("s1", "undo")] if cancelled else [("h2", "do"), ("s3", "do")]
        assert [one[:2] for one in await place.effects()] == [("s1", "do"), *made]
        assert [one[0] for one in place.attempts if one[3] == stalled.pid] == ["s1", "h2"]
        await place.balance([execution], Counter([word]), HUNG)


async def another_ends(place, execution, stalled, cancelled, what) -> str:
    """Another worker ends what a stopped one has in hand, which wakes up and leaves then; the word it ended with."""
    if cancelled:
        await place.handle(execution).cancel()
    with Cost(f"{what}{', cancelled meanwhile' if cancelled else ''}: another ended it"):
        await place.start()
        word = str((await place.result(execution))["word"])
    await leaves(stalled)
    assert word == ("Compensated" if cancelled else "Completed")
    return word


async def leaves(stalled) -> None:
    """A process that was stopped wakes up, and comes to its end as told."""
    stalled.send_signal(signal.SIGCONT)
    stalled.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(stalled.wait(), 60) == 0


@pytest.mark.faults
async def test_a_durable_attempt_that_comes_to_its_worker_late_is_not_begun_behind_its_undo(tmp_path) -> None:
    async with world(tmp_path) as place, place.before("engine") as (way, changed):
        place.hook("s1.do.after", "wait")
        late = await place.start(SAGA_TEMPORAL_ADDRESS=changed["temporal_address"])
        execution = await place.ask("hung")
        await place.reached("s1.do.after")
        way.gates = {"down"}  # it reports its run, and the answer brings the attempt that follows
        place.go("s1.do.after")
        while "ACTIVITY_TASK_SCHEDULED" not in await place.kinds(execution):
            await asyncio.sleep(0.05)
        await place.handle(execution).cancel()
        await place.start()
        with Cost("a durable attempt that its worker got too late, cancelled meanwhile: another ended it"):
            result = await place.result(execution)
        assert "ACTIVITY_TASK_TIMED_OUT" in await place.kinds(execution)
        assert way.waited > 0
        way.heal()
        await leaves(late)
        assert result["word"] == "Compensated"
        assert [one[:2] for one in await place.effects()] == [("s1", "do"), ("s1", "undo")]
        assert place.times("h2") == 0
        await place.balance([execution], Counter(["Compensated"]), HUNG)


@pytest.mark.faults
async def test_an_attempt_that_hangs_after_its_effect_is_repeated_by_the_same_key(tmp_path) -> None:
    async with world(tmp_path) as place:
        place.hook("s2.do.after", "hang")
        with Cost("a brief step hangs after its effect: ended after"):
            await place.start()
            result = await place.result(execution := await place.ask("chain"))
        assert result["word"] == "Completed"
        assert place.times("s2") == 2
        assert [one[:2] for one in await place.effects()] == [("s1", "do"), ("s2", "do"), ("s3", "do")]
        await place.balance([execution], Counter(["Completed"]), CHAIN)
