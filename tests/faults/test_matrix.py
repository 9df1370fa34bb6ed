"""Rows of the fault matrix: workers and connections. Each proves its fault, balances the books, prints what it cost."""

import asyncio

import pytest

from orchestrator.adapters.rabbitmq.publisher import Publisher
from tests.faults.kit import QUIET, Cost, killed, world
from tests.faults.proxy import proxy

pytestmark = [
    pytest.mark.servers,
    pytest.mark.faults,
    pytest.mark.usefixtures("environment"),
    pytest.mark.timeout(400),
    QUIET,
]
STEPS = {"chain": ("s1", "s2", "s3"), "slow": ("d5", "d6", "d7")}
LANES = pytest.mark.parametrize(("saga", "goal"), [("chain", 4), ("slow", 8)], ids=["express", "durable"])


@LANES
async def test_1_the_only_worker_is_killed_with_twenty_sagas_under_way(tmp_path, saga, goal) -> None:
    async with world(tmp_path) as place:
        first = await place.start()
        place.hook(f"{STEPS[saga][1]}.do.after", "kill")
        executions = await place.ask_many(saga, range(20))
        await killed(first)
        done = len(await place.effects())
        assert done < 60
        what = f"worker killed with 20 {saga} sagas under way, after {done} of 60 effects: from its successor's start"
        with Cost(what, goal):
            await place.start()
            with Cost("the same, from when its successor was ready"):
                words = await place.words(executions)
        assert words == {"Completed": 20}
        await place.balance(executions, words, STEPS[saga])


@pytest.mark.parametrize("saga", STEPS, ids=["express", "durable"])
async def test_2_the_only_worker_is_killed_in_an_undo_with_twenty_sagas_under_way(tmp_path, saga) -> None:
    # Some were killed while they went forward: what these begin to undo waits until no slow worker can perform it.
    async with world(tmp_path) as place:
        first, _, last = STEPS[saga]
        place.always(f"{last}.do.before", "refuse")
        place.hook(f"{first}.undo.after", "kill")
        victim = await place.start()
        executions = await place.ask_many(saga, range(20))
        await killed(victim)
        undone = sum(1 for _, way, _ in await place.effects() if way == "undo")
        assert 0 < undone < 40
        with Cost(f"worker killed in an undo with 20 {saga} sagas under way, after {undone} of 40 undos: the same"):
            await place.start()
            words = await place.words(executions)
        assert words == {"Compensated": 20}
        await place.balance(executions, words, STEPS[saga])


@pytest.mark.parametrize("saga", ["chain", "slow"], ids=["express", "durable"])
async def test_3_two_workers_are_restarted_in_turn_under_load_and_no_attempt_is_begun_twice(tmp_path, saga) -> None:
    async with world(tmp_path) as place:
        await place.start()
        await place.start()
        async with place.load(saga) as asked:
            for number in (0, 1):
                await place.begun(20)
                place.workers[number].terminate()
                with Cost(f"one of two workers stopped by SIGTERM under load ({saga}): gone after"):
                    assert await place.workers[number].wait() == 0
                await place.start()
        words = await place.words(asked[saga])
        assert set(words) <= {"Completed", "Compensated"}  # undone if its machine gave a brief step no time
        assert {attempt.pid for attempt in place.attempts} >= {worker.pid for worker in place.workers[:3]}
        assert place.repeats == 0
        await place.balance(asked[saga], words, STEPS[saga])


async def test_24_two_workers_share_the_load_while_one_is_killed_every_5_seconds_for_two_minutes(tmp_path) -> None:
    kills = 24
    async with world(tmp_path) as place:
        await place.start()
        place.always("s3.do.before", "refuse 7")
        async with place.load("chain") as asked:
            for _ in range(kills):
                clock = asyncio.create_task(asyncio.sleep(5))
                victim = await place.start()
                await clock
                await place.has_begun(victim.pid)
                victim.kill()
                await killed(victim)
            under_way = place.open
            with Cost(f"one of two workers killed {kills} times, every 5 s: what was under way ended after") as cost:
                await place.words(under_way)
                cost.what += f"; {len(asked['chain'])} sagas, {place.repeats} attempts repeated"
        executions = asked["chain"]
        words = await place.words(executions)
        refused = sum(1 for one in executions if one.endswith("7"))
        assert words == {"Completed": len(executions) - refused, "Compensated": refused}
        await place.balance(executions, words, STEPS["chain"])


async def test_9_connections_are_cut_while_publishes_wait_for_their_confirm_and_nothing_is_lost(tmp_path) -> None:
    async with world(tmp_path) as place:
        async with proxy("127.0.0.1", place.broker_port) as way:
            settings = place.corner.settings.model_copy(update={"rabbitmq_url": place.broker_by(way)})
            async with Publisher.open(settings) as publisher:
                way.holes = {"down"}  # sent, stored, and never confirmed
                publishing = [asyncio.create_task(place.ask_by(publisher, "chain", number)) for number in range(200)]
                while way.swallowed == 0:
                    await asyncio.sleep(0.01)
                way.heal()
                executions = await asyncio.gather(*publishing)
            assert way.cuts >= 1
            assert place.republished >= 1
        async with place.working():
            with Cost(f"connection cut in a confirm, {place.republished} publishes repeated"):
                words = await place.words(executions)
            assert words == {"Completed": 200}
            await place.balance(executions, words, STEPS["chain"])


async def test_10_a_worker_that_dies_before_it_acknowledges_starts_nothing_twice(tmp_path) -> None:
    async with world(tmp_path) as place:
        async with proxy("127.0.0.1", place.broker_port) as way:
            victim = await place.start(SAGA_RABBITMQ_URL=place.broker_by(way).get_secret_value())
            way.holes = {"up"}  # it gets its messages, and every acknowledgement is lost
            executions = await place.ask_many("chain", range(20))
            words = await place.words(executions)
            assert way.swallowed > 0
            victim.kill()
            await killed(victim)
            way.heal()
        before = place.attempts
        async with place.working() as running:
            with Cost("20 events taken and never acknowledged: all of them recognised"):
                while running.relay.counts.duplicate < 20:
                    await asyncio.sleep(0.02)
            assert words == await place.words(executions) == {"Completed": 20}
            assert place.attempts == before
            await place.balance(executions, words, STEPS["chain"])
            assert running.relay.counts.started == 0


@pytest.mark.parametrize("way", ["up", "down"])
@pytest.mark.parametrize("server", ["broker", "engine"])
async def test_20_a_one_way_partition_between_worker_and_server_ends_well_after_it_heals(tmp_path, server, way) -> None:
    async with world(tmp_path) as place:
        async with place.before(server) as (hole, changed):
            async with place.working(**changed):
                hole.holes = {way}
                executions = await place.ask_many("chain", range(20))
                while hole.swallowed == 0:
                    await asyncio.sleep(0.05)
                hole.heal()
                with Cost(f"one way ({way}) partition from the {server}", 10):
                    words = await place.words(executions)
                assert words == {"Completed": 20}
                await place.balance(executions, words, STEPS["chain"])


async def test_22_slow_steps_are_waited_for_and_hung_ones_are_given_up_and_undone(tmp_path) -> None:
    async with world(tmp_path) as place, place.working():
        place.always("d6.do.before", "slow")
        slow = await place.ask_many("slow", range(10))
        with Cost("ten durable steps ten times as slow"):
            words = await place.words(slow)
        assert words == {"Completed": 10}
        assert place.times("d6") == 10
        assert place.repeats == 0
        await place.balance(slow, words, STEPS["slow"])
        place.always("h2.do.after", "hang 5")  # done, and nobody will ever know
        hung = await place.ask_many("hung", range(20, 30))
        with Cost("one of ten steps hangs after its effect, in each of its two attempts"):
            words = await place.words(hung)
        assert words == {"Completed": 9, "Compensated": 1}
        assert place.times("h2") == 11
        assert place.times("h2", "undo") == 1
        await place.balance([*slow, *hung], words + await place.words(slow), STEPS["slow"])


async def test_26_a_step_that_is_done_and_says_that_it_is_not_has_one_effect_or_is_undone(tmp_path) -> None:
    async with world(tmp_path) as place, place.working():
        place.always("s3.do.after", "raise 5")
        place.hook("s2.do.after", "raise")
        executions = await place.ask_many("chain", range(10))
        with Cost("done but told otherwise: once, and in one of ten sagas always"):
            words = await place.words(executions)
        assert words == {"Completed": 9, "Compensated": 1}
        assert (place.times("s2"), place.times("s3"), place.times("s3", "undo")) == (11, 12, 1)
        await place.balance(executions, words, STEPS["chain"])
