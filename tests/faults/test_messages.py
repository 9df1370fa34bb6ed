"""Rows of the fault matrix: messages doubled, shuffled, poisonous, huge, or far too many."""

import os
import time

import pytest

from orchestrator.adapters.rabbitmq.parking import REASON
from orchestrator.adapters.rabbitmq.publisher import Publisher
from tests.faults.kit import QUIET, Cost, world
from tests.faults.meddler import meddling
from tests.faults.world import STORE
from tests.rabbitmq_kit import CE

pytestmark = [
    pytest.mark.servers,
    pytest.mark.faults,
    pytest.mark.usefixtures("environment"),
    pytest.mark.timeout(400),
    QUIET,
]
TRADE = ("c1", "c2", "c3")
COUNT = 60
BACKLOG = int(os.environ.get("SAGA_TEST_BACKLOG", "1000"))
"""The matrix has 100,000: at 30 to 100 a second they would take from a quarter of an hour to one."""


@pytest.mark.parametrize(
    ("copies", "shuffles"), [(3, False), (1, True)], ids=["11 each three times", "12 in windows of 50, shuffled"]
)
async def test_sagas_end_as_in_a_clean_run_though_messages_are(tmp_path, copies, shuffles) -> None:
    async with world(tmp_path) as place, place.working() as running, place.serving():
        place.always("c3.do.before", "refuse 5")
        clean = await place.ask_many("trade", range(COUNT))
        ended = [(await place.result(one))["word"] for one in clean]
        names = place.corner.names
        queues = (names.ingress, names.command_queue(STORE.name), names.reply_queue(running.desk.worker_id))
        with Cost(f"{COUNT} sagas, every message {copies} times{', shuffled' if shuffles else ''}") as cost:
            async with meddling(place.corner, queues, copies=copies, shuffles=shuffles) as meddler:
                meddled = await place.ask_many("trade", range(1000, 1000 + COUNT))
                results = [(await place.result(one))["word"] for one in meddled]
                both = await place.words([*clean, *meddled])
                await place.balance([*clean, *meddled], both, TRADE)
            cost.what += f", {meddler.taken} messages taken, {meddler.given} handed on, {meddler.moved} overtaken"
        assert results == ended
        assert meddler.given == copies * meddler.taken >= 7 * COUNT  # an event, three commands, three replies
        assert (meddler.moved > COUNT) is shuffles
        effects = await place.effects()
        for before, after in zip(clean, meddled, strict=True):
            orders = [one.partition(":")[2] for one in (before, after)]
            once, again = [[(step, way) for step, way, order in effects if order == mine] for mine in orders]
            assert once == again


POISON = {
    "13": [b"hello", b'{"key": 7}', b'{"kye": "A17"}', b"\xff\xfe", b""],
    "14": [b'{"key": "%s"}' % (b"x" * (16 * 1024 * 1024 - 64))],
    "15": [b'{"key": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", b"[" * 100_000],
    "16": [
        b'{"key": ' + b"9" * 1_000_000 + b"}",
        b'{"key": NaN}',
        b'{"key": "\\ud800"}',
    ],
}


@pytest.mark.parametrize("bodies", POISON.values(), ids=["13 poison", "14 16 MiB", "15 deep", "16 odd values"])
async def test_what_nobody_can_use_is_parked_on_first_sight_and_the_queue_goes_on(tmp_path, bodies) -> None:
    async with world(tmp_path) as place, place.working() as running:
        await place.words(await place.ask_many("chain", [0]))
        executions = await place.ask_many("chain", range(1, 6))
        spent = time.process_time()
        with Cost(f"{len(bodies)} messages of {max(map(len, bodies))} bytes at most") as cost:
            for number, body in enumerate(bodies):
                headers = {**CE, "ce-id": f"poison-{number}", "ce-type": "chain.asked"}
                await place.corner.event(body, headers, key="chain.asked")
            parked = await place.corner.parked(len(bodies))
            cost.what += f", {time.process_time() - spent:.2f} s of processor for all, the client that sends included"
        executions += await place.ask_many("chain", range(6, 11))
        words = await place.words(executions)
        assert words == {"Completed": 10}
        assert {bytes(one.body) for one in parked} == set(bodies)
        assert {str((one.headers or {})[REASON]) for one in parked} <= {"malformed", "too-large", "wrong-schema"}
        assert running.relay.counts.parked == len(bodies)
        assert running.relay.counts.retried == 0
        assert not any(one.redelivered for one in parked)
        await place.balance(executions, words, ("s1", "s2", "s3"))


async def test_an_unknown_type_is_parked_with_its_reason_and_the_queue_goes_on(tmp_path) -> None:
    async with world(tmp_path) as place, place.working():
        with Cost("an event that nobody declared"):
            await place.corner.event(b"{}", {**CE, "ce-type": "chain.aksed"}, key="chain.aksed")
            [parked] = await place.corner.parked()
        assert str(parked.headers[REASON]) == "unknown-type"
        executions = [await place.ask("chain")]
        words = await place.words(executions)
        await place.balance(executions, words, ("s1", "s2", "s3"))


@pytest.mark.timeout(400 + BACKLOG // 10)
async def test_28_a_backlog_after_an_hour_down_drains_and_what_comes_meanwhile_is_not_forgotten(tmp_path) -> None:
    count, fresh = BACKLOG, 50
    async with world(tmp_path) as place:
        backlog = await place.ask_side_by_side("chain", range(count))
        assert await place.corner.depth(place.corner.names.ingress) == count
        async with place.working() as running:
            with Cost(f"a backlog of {count} sagas, and {fresh} more that came meanwhile") as cost:
                async with Publisher.open(place.corner.settings) as publisher:
                    newest = [await place.ask_by(publisher, "chain", count + number) for number in range(fresh)]
                words = await place.words([*backlog, *newest])
                cost.what += f" ({(count + fresh) / (time.monotonic() - cost.begun):.0f} a second)"
            assert running.relay.counts.retried == 0
            with Cost("200 sagas with no backlog") as cost:
                steady = await place.ask_many("chain", range(count + fresh, count + fresh + 200))
                words += await place.words(steady)
                cost.what += f" ({200 / (time.monotonic() - cost.begun):.0f} a second)"
            # Undone is a saga whose machine gave a brief step no time, again and again; the books tell which.
            assert words.total() == count + fresh + 200
            assert set(words) <= {"Completed", "Compensated"}
            await place.balance([*backlog, *newest, *steady], words, ("s1", "s2", "s3"))


async def test_23_a_burst_on_a_busy_worker_waits_in_the_server_and_is_not_performed_again_and_again(tmp_path) -> None:
    count = 150
    async with world(tmp_path) as place:
        for step in ("s1", "s2", "s3"):
            place.always(f"{step}.do.before", "busy")
        executions = await place.ask_many("chain", range(count))
        async with place.working():
            with Cost(f"a burst of {count} sagas of busy steps") as cost:
                words = await place.words(executions)
                lost = sum([await place.lost_tasks(one) for one in executions])
                cost.what += f", {lost} workflow tasks out of time, {place.repeats} attempts repeated"
            assert words.total() == count
            await place.balance(executions, words, ("s1", "s2", "s3"))
        # Even on a machine that is busy otherwise: where all are taken at once, nearly all run out of time, and again.
        assert lost < count / 2
