"""With a key, what a payload holds is found in no file of the servers that keep it."""

import asyncio
import base64
import secrets
from pathlib import Path

import pytest
from pydantic import SecretStr

from orchestrator.sealing import Seal
from sagas import SAGAS
from tests.ledger_kit import reading, status
from tests.service_kit import ADMIN, asked
from tests.shop_kit import ALL, shop
from workers.ledger import open_board
from workers.operating import open_service

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
TEMPORAL = Path(__file__).parents[2] / ".local" / "temporal"
KEYS = SecretStr("k1:" + base64.b64encode(b"1" * 32).decode())


def holding(canary: str, *patterns: Path) -> list[str]:
    files = [file for pattern in patterns for file in pattern.parent.glob(pattern.name)]
    assert files
    return [file.name for file in files if canary.encode() in file.read_bytes()]


async def undone_by_hand(place, reason: str) -> None:
    """An operation, its audit and a switch, all with these words in them."""
    execution = await place.place(place.order(2))
    await place.result(execution)
    async with open_service(SAGAS, place.corner.settings, place.running.client) as service:
        plan = await service.operating.plan(ADMIN, execution)
        order = asked("compensate", plan=plan.hash, override=True, reason=reason)
        record = await service.operating.operate(ADMIN, execution, order)
        async with asyncio.timeout(30):
            while not record.is_final:
                await asyncio.sleep(0.05)
                record = await service.operating.look_at(ADMIN, record.id)
        assert (record.state, record.reason) == ("verified", reason)
        await service.switching.suspend(ADMIN, "starts", "other", reason, is_new=True)
        async with open_board(place.corner.settings) as board:
            assert reason in board.why_held("starts", "other")
        assert {row.entry.reason for row in await service.world.register.audit()} == {reason}


@pytest.mark.parametrize("keys", [None, KEYS], ids=["open", "sealed"])
async def test_a_canary_is_found_in_no_file_if_and_only_if_there_is_a_key(tmp_path, keys) -> None:
    canary, ledger_file = f"canary-{secrets.token_hex(12)}", tmp_path / "ledger.db"
    place_of = {"ledger_url": SecretStr(f"sqlite:///{ledger_file}"), "payload_keys": keys}
    async with shop(tmp_path, *ALL, **place_of) as place:
        settings = place.corner.settings
        execution = await place.place(place.order(simulate="shipping-declined", customer=canary))
        assert (await place.result(execution))["word"] == "Compensated"
        async with reading(settings) as ledger:
            await status(ledger, execution, "compensated")
        await undone_by_hand(place, f"{canary} says the customer")
    found = holding(canary, TEMPORAL / "temporal.db*"), holding(canary, tmp_path / "ledger.db*")
    assert [bool(names) for names in found] == [keys is None] * 2
    assert Seal.of(KEYS.get_secret_value()).is_on
