"""Kill switches on real servers: held starts begin in the end, held commands are parked with the reason."""

import asyncio

import pytest

from orchestrator.cli.exits import USAGE
from orchestrator.service.live import linked_id
from sagas import SAGAS
from tests.acceptance.test_command_line import saga
from tests.service_kit import ADMIN, WHY, asked
from tests.shop_kit import ALL, shop
from workers.operating import open_service

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]


async def heeded(place, kind, name, *, is_held):
    board = place.running.relay._executions._board
    async with asyncio.timeout(20):
        while bool(board.why_held(kind, name)) is not is_held:
            await asyncio.sleep(0.05)


async def test_held_starts_wait_in_the_broker_and_begin_when_they_may(tmp_path) -> None:
    async with (
        shop(tmp_path, *ALL) as place,
        open_service(SAGAS, place.corner.settings, place.running.client) as service,
    ):
        settings = place.corner.settings
        said = ("starts", "fulfil-order", "--reason", WHY, "--json")
        assert (await saga(settings, "switches", "suspend", *said)).status == USAGE, "nothing has run by it yet"
        held = (await saga(settings, "switches", "suspend", *said, "--new")).document["items"]
        assert [one["name"] for one in held] == ["fulfil-order"]
        await heeded(place, "starts", "fulfil-order", is_held=True)
        execution = await place.place(place.order())
        async with asyncio.timeout(30):
            while not place.running.relay.counts.retried:
                await asyncio.sleep(0.05)
        assert await service.world.live.look(execution) is None
        assert (await saga(settings, "switches", "resume", *said)).document == {"items": []}
        assert (await place.result(execution))["word"] == "Completed"
        assert await place.corner.depth(place.corner.names.parking) == 0


async def test_held_commands_are_not_sent_and_go_on_by_hand(tmp_path) -> None:
    async with (
        shop(tmp_path, *ALL) as place,
        open_service(SAGAS, place.corner.settings, place.running.client) as service,
    ):
        await service.switching.suspend(ADMIN, "commands", "inventory", WHY)
        await heeded(place, "commands", "inventory", is_held=True)
        execution = await place.place(place.order())
        async with asyncio.timeout(30):
            while (seen := await service.world.live.look(execution)) is None or seen.execution.word != "Parked":
                await asyncio.sleep(0.05)
        assert WHY in seen.execution.step("reserve_stock").error
        assert await place.effects() == []
        await service.switching.resume(ADMIN, "commands", "inventory", WHY)
        await heeded(place, "commands", "inventory", is_held=False)
        await service.operating.operate(ADMIN, execution, asked("retry", step="reserve_stock"))
        assert (await place.result(execution))["word"] == "Completed"
        assert (await place.effects()).count(("stock", "do")) == 1
        assert await service.world.live.look(linked_id(execution)) is None
        assert await service.switching._switches.known("commands") == set(SAGAS[0].participants)
