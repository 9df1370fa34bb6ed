"""Rows of the fault matrix on real servers: each proves its fault, balances the books, and prints what it cost."""

import asyncio
import signal
from collections import Counter
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.errors import PublishError
from orchestrator.messages import Envelope
from tests.faults.kit import Cost, world
from tests.faults.proxy import proxy

pytestmark = [
    pytest.mark.servers,
    pytest.mark.faults,
    pytest.mark.usefixtures("environment"),
    pytest.mark.timeout(300),
]
STEPS = {"chain": ("s1", "s2", "s3"), "slow": ("d5", "d6", "d7")}


@pytest.mark.parametrize(("saga", "goal"), [("chain", 4), ("slow", 8)], ids=["express", "durable"])
async def test_1_the_only_worker_is_killed_with_twenty_sagas_under_way(tmp_path, saga, goal) -> None:
    async with world(tmp_path) as place:
        last = STEPS[saga][1]
        first = await place.start()
        place.hook(f"{last}.do.after", "kill")
        executions = await place.ask_many(saga, range(20))
        assert await first.wait() == -signal.SIGKILL
        done = len(await place.effects())
        assert done < 60
        await place.start()
        with Cost(f"worker killed with 20 {saga} sagas under way, after {done} of 60 effects", goal):
            words = await place.words(executions)
        assert words == {"Completed": 20}
        await place.balance(executions, words, STEPS[saga])


async def test_3_two_workers_are_restarted_in_turn_under_load_and_no_effect_is_made_twice(tmp_path) -> None:
    async with world(tmp_path) as place:
        await place.start()
        await place.start()
        asking = asyncio.create_task(place.ask_many("chain", range(100)))
        for number in (0, 1):
            while len(place.attempts) < 30 * (number + 1):
                await asyncio.sleep(0.01)
            place.workers[number].terminate()
            await place.start()
            assert await place.workers[number].wait() == 0
        executions = await asking
        with Cost("two workers restarted in turn under load") as cost:
            words = await place.words(executions)
            begun = Counter((step, way, execution) for step, way, execution, _ in place.attempts)
            cost.what += f", {begun.total() - len(begun)} of {len(begun)} steps repeated by the same key"
        assert words == {"Completed": 100}
        await place.balance(executions, words, STEPS["chain"])


async def test_24_two_workers_share_the_load_while_one_is_killed_again_and_again(tmp_path) -> None:
    async with world(tmp_path) as place:
        await place.start()
        asking = asyncio.create_task(place.ask_many("chain", range(200)))
        for _ in range(4):
            victim = await place.start()
            seen = len(place.attempts)
            while len(place.attempts) < seen + 20 and not asking.done():
                await asyncio.sleep(0.01)
            victim.kill()
            assert await victim.wait() == -signal.SIGKILL
        executions = await asking
        with Cost("one of two workers killed four times under load"):
            words = await place.words(executions)
        assert words == {"Completed": 200}
        await place.balance(executions, words, STEPS["chain"])


def through(url: str, port: int) -> str:
    """The same address, by the proxy."""
    parts = urlsplit(url)
    return url.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{port}")


async def test_9_connections_are_cut_while_publishes_wait_for_their_confirm_and_nothing_is_lost(tmp_path) -> None:
    async with world(tmp_path) as place:
        url = place.corner.settings.rabbitmq_url.get_secret_value()
        parts = urlsplit(url)
        async with proxy("127.0.0.1", parts.port or 5672) as way:
            settings = place.corner.settings.model_copy(
                update={"rabbitmq_url": SecretStr(through(url, way.listens_on))}
            )
            repeated = 0
            async with Publisher.open(settings) as publisher:

                async def publish(number: int) -> None:
                    nonlocal repeated
                    key = f"{place.run}-{number}"
                    body = b'{"key": "%s"}' % key.encode()
                    event = Envelope(id=f"chain-{key}", source="test", type="chain.asked", body=body)
                    while True:
                        try:
                            await publisher.publish(event, exchange=place.corner.names.events, routing_key=event.type)
                            return
                        except PublishError:
                            repeated += 1

                way.holes = {"down"}  # sent, stored, and never confirmed
                publishing = [asyncio.create_task(publish(number)) for number in range(200)]
                while way.swallowed == 0:
                    await asyncio.sleep(0.01)
                way.heal()
                await asyncio.gather(*publishing)
            assert way.cuts >= 1
            assert repeated >= 1
        await place.start()
        executions = [f"chain:{place.run}-{number}" for number in range(200)]
        with Cost(f"connection cut in a confirm, {repeated} publishes repeated"):
            words = await place.words(executions)
        assert words == {"Completed": 200}
        await place.balance(executions, words, STEPS["chain"])


@pytest.mark.parametrize("way", ["up", "down"])
@pytest.mark.parametrize("server", ["broker", "engine"])
async def test_20_a_one_way_partition_between_worker_and_server_ends_well_after_it_heals(tmp_path, server, way) -> None:
    async with world(tmp_path) as place:
        url = place.corner.settings.rabbitmq_url.get_secret_value()
        temporal = place.corner.settings.temporal_address
        target = temporal.rpartition(":")[2] if server == "engine" else urlsplit(url).port
        async with proxy("127.0.0.1", int(target or 0)) as hole:
            by = f"127.0.0.1:{hole.listens_on}"
            changed = (
                {"SAGA_TEMPORAL_ADDRESS": by}
                if server == "engine"
                else {"SAGA_RABBITMQ_URL": through(url, hole.listens_on)}
            )
            await place.start(**changed)
            hole.holes = {way}
            executions = await place.ask_many("chain", range(20))
            while hole.swallowed == 0:
                await asyncio.sleep(0.05)
            hole.heal()
            with Cost(f"one way ({way}) partition from the {server}", 10):
                words = await place.words(executions)
        assert words == {"Completed": 20}
        await place.balance(executions, words, STEPS["chain"])
