"""All three participants of the demo: what each writes into its books. The kit itself is tested elsewhere."""

import pytest

from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.inbox import SqlStore
from orchestrator.contracts.protocol import CommandHeaders, read_reply
from orchestrator.messages import Envelope
from orchestrator.participant.handling import handle
from sagas.order_fulfilment.messages import (
    ChargePayment,
    CreateShipment,
    Line,
    RefundPayment,
    ReleaseStock,
    ReserveStock,
)
from tests.participant_kit import Direction
from workers.participants import books, inventory, payments, shipping

LINES = (Line(sku="tea", quantity=2), Line(sku="cup", quantity=3))
KEY = "s:1:x:do:0"


def command(message, direction: Direction = "do"):
    headers = CommandHeaders(
        execution="s:1", workflow="s:1", step="x", direction=direction, attempt=1,
        key=f"s:1:x:{direction}:0", undoes="" if direction == "do" else KEY,
    )  # fmt: skip
    body = message.model_dump_json().encode()
    return Envelope(
        id=headers.command_id, source="t", type=message.message_type, body=body, headers=headers.to_headers()
    )


@pytest.mark.parametrize(
    ("module", "do", "undo", "effect"),
    [
        (inventory, ReserveStock(order_id="r-1", lines=LINES), ReleaseStock(order_id="r-1"), ("stock", 5)),
        (
            payments,
            ChargePayment(order_id="r-1", amount_cents=700),
            RefundPayment(order_id="r-1", amount_cents=700),
            ("money", 700),
        ),
        (shipping, CreateShipment(order_id="r-1"), None, ("shipment", 1)),
        (payments, ChargePayment(order_id="r-1", amount_cents=1, simulate="payment-declined"), None, None),
        (shipping, CreateShipment(order_id="r-1", simulate="shipping-declined"), None, None),
        (shipping, CreateShipment(order_id="r-1", simulate="refund-refused"), None, None),
        (shipping, CreateShipment(order_id="r-1", simulate="no-shipment-number"), None, ("shipment", 1)),
    ],
    ids=[
        "inventory",
        "payments",
        "shipping",
        "declined payment",
        "declined shipment",
        "declined before a refund that is refused",
        "shipment without a number",
    ],
)
async def test_each_call_is_one_entry_and_its_undo_gives_back_as_much(tmp_path, module, do, undo, effect) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/books.db")
    store = SqlStore(engine, module.participant.name, books.tables)
    await store.prepare()
    calls = [command(do), command(do), *([command(undo, "undo")] * 2 if undo else [])]
    outcomes = [read_reply((await handle(module.participant, store, one)).reply).outcome for one in calls]
    what, amount = effect or ("", 0)
    made = ["do", "undo"] if undo else ["do"] if effect else []
    assert await books.read_run(engine, "r") == [books.Effect("r-1", what, KEY, way, amount) for way in made]
    assert set(outcomes) == {"completed" if effect else "rejected"}
    settled = [event.type for _, event in await store.unsent(10)]
    assert settled == (["payment.settled"] if what == "money" else [])
    await engine.dispose()
