"""Two demos cannot share their names: the second is refused, and so is one whose messages somebody else takes."""

import pytest

from orchestrator.adapters.rabbitmq.consumer import Consumer
from orchestrator.errors import OrchestratorError
from tests.rabbitmq_kit import PLAN, corner
from workers.demo_turn import consumers_of, own_turn, refuse_strangers

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]


async def test_the_turn_is_had_by_one_at_a_time() -> None:
    async with corner([PLAN]) as place:
        async with own_turn(place.settings):
            with pytest.raises(OrchestratorError, match="another demo is at work on this broker under the names"):
                async with own_turn(place.settings):
                    pytest.fail("two at once")
        async with own_turn(place.settings):
            pass


async def test_nobody_else_may_take_the_demos_messages() -> None:
    async with corner([PLAN]) as place:
        await refuse_strangers(place.settings, ["inventory"])
        queue = place.names.command_queue("inventory")

        async def take(_):
            pass

        async with Consumer(place.connection, queue, take, prefetch=1):
            assert await consumers_of(place.connection, queue) == 1
            with pytest.raises(OrchestratorError, match=f"somebody consumes {queue} already"):
                await refuse_strangers(place.settings, ["inventory"])
