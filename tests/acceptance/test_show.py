"""`saga show` on the real servers: why an order was undone, and what is known of one that was ended from outside."""

import asyncio
import json

import pytest

from orchestrator.cli.looking import Looking
from orchestrator.cli.showing import MEANINGS
from orchestrator.errors import ExecutionNotFoundError
from tests.shop_kit import ALL, shop
from workers.desk import ServerDesk

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]


async def shown(capsys, settings, execution, **options):
    """What the command prints; it opens a loop of its own, as it does on the command line."""
    capsys.readouterr()
    await asyncio.to_thread(Looking(ServerDesk(lambda: settings)).show, execution, **options)
    return capsys.readouterr().out


def line_of(picture, step):
    table = picture.partition("\n\n")[2]
    return next(line for line in table.splitlines() if f" {step}" in line)


async def test_an_order_that_was_undone_says_why(tmp_path, capsys) -> None:
    async with shop(tmp_path, *ALL) as place:
        execution = await place.place(place.order(simulate="payment-declined"))
        await place.result(execution)
        picture = await shown(capsys, place.corner.settings, execution)
    assert f"{execution}: Compensated" in picture
    assert "Turned back: charge_payment was refused: " in picture
    assert "undone" in line_of(picture, "reserve_stock")
    assert "refused, no effect" in line_of(picture, "charge_payment")
    assert "not begun" in line_of(picture, "create_shipment")


async def test_an_order_that_was_terminated_says_what_that_means_and_what_was_done(tmp_path, capsys) -> None:
    async with shop(tmp_path, "inventory") as place:
        execution = await place.place(place.order())
        handle = place.running.client.get_workflow_handle(execution)
        while not await stands_at(handle, "charge_payment"):
            await asyncio.sleep(0.05)
        await handle.terminate("an accident")
        picture = await shown(capsys, place.corner.settings, execution)
        document = json.loads(await shown(capsys, place.corner.settings, execution, json=True))
    assert f"{execution}: Terminated" in picture
    assert MEANINGS["Terminated"] in " ".join(picture.split())
    assert "✓ reserve_stock" in picture
    assert "under way" in line_of(picture, "charge_payment")
    assert (document["word"], document["steps"]["reserve_stock"]["outcome"]) == ("Terminated", "ok")


async def stands_at(handle, step):
    from temporalio.service import RPCError

    try:
        status = await handle.query("status")
    except RPCError:
        return False  # its first event is still on its way
    return status["steps"][step]["phase"] == "doing" and status["steps"]["reserve_stock"]["phase"] == "done"


async def test_an_execution_that_is_not_there_is_told(tmp_path, capsys) -> None:
    async with shop(tmp_path) as place:
        with pytest.raises(ExecutionNotFoundError, match="fulfil-order:nobody"):
            await shown(capsys, place.corner.settings, "fulfil-order:nobody")
