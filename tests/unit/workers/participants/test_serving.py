import asyncio
from datetime import timedelta

from orchestrator.messages import Envelope
from orchestrator.participant.inbox import Row
from orchestrator.participant.memory import MemoryStore
from sagas.order_fulfilment.messages import ChargePayment, CreateShipment, Line, ReserveStock
from workers.participants.serving import forgetting, simulated


def envelope(message, message_id="m"):
    return Envelope(id=message_id, source="t", type=message.message_type, body=message.model_dump_json().encode())


def reserve(simulate):
    return ReserveStock(order_id="r-1", lines=(Line(sku="tea", quantity=1),), simulate=simulate)


def charge(simulate):
    return ChargePayment(order_id="r-1", amount_cents=1, simulate=simulate)


def test_the_first_copy_of_a_silent_reservation_is_not_answered_and_the_next_one_is() -> None:
    drill = simulated()
    first, other = envelope(reserve("silent-inventory"), "a"), envelope(reserve("silent-inventory"), "b")
    assert [drill.withholds(one) for one in (first, first, other, first, other)] == [True, False, True, False, False]


def test_only_the_command_that_plays_a_part_is_looked_into() -> None:
    drill = simulated()
    assert not drill.withholds(envelope(charge("silent-inventory")))
    assert not drill.withholds(envelope(reserve("")))
    assert drill.tells_first(envelope(charge("early-settlement")))
    assert not drill.tells_first(envelope(charge("")))
    assert not drill.tells_first(envelope(CreateShipment(order_id="r-1", simulate="early-settlement")))
    assert not drill.tells_first(Envelope(id="m", source="t", type="thing.make", body=b"[]"))


async def test_old_commands_are_forgotten_only_if_a_setting_says_how_old() -> None:
    store = MemoryStore()
    async with store.transaction() as transaction:
        await transaction.save(Row(forward_key="k", state="undone"))
    async with forgetting(store, None), forgetting(store, timedelta(days=1)):
        await asyncio.sleep(0)
    async with store.transaction() as transaction:
        assert await transaction.claim("k") is not None
    async with forgetting(store, timedelta(0)):
        while True:
            async with store.transaction() as transaction:
                if await transaction.claim("k") is None:
                    break
            await asyncio.sleep(0)
