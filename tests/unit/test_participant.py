"""The README's participant, as it is written there."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table, insert, select

from orchestrator import Command, Event
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.inbox import SqlStore
from orchestrator.contracts.protocol import CommandHeaders, read_reply
from orchestrator.messages import Envelope
from orchestrator.participant.handling import handle
from tests.participant_kit import Direction

README = Path(__file__).resolve().parents[2] / "orchestrator" / "participant" / "README.md"
tables = MetaData()
account = Table("account", tables, Column("cents", Integer, nullable=False))


class ChargePayment(Command["PaymentCharged"], type="payments.charge"):
    order_id: str
    cents: int


class PaymentCharged(Event, type="payments.charged"):
    payment_id: str


class RefundPayment(Command["PaymentRefunded"], type="payments.refund"):
    order_id: str
    cents: int


class PaymentRefunded(Event, type="payments.refunded"):
    order_id: str


class PaymentSettled(Event, type="payment.settled"):
    order_id: str


def readme_s_names(monkeypatch):
    messages, table_module = ModuleType("shop.messages"), ModuleType("shop.tables")
    for message in (ChargePayment, PaymentCharged, RefundPayment, PaymentRefunded, PaymentSettled):
        setattr(messages, message.__name__, message)
    table_module.account, table_module.tables = account, tables  # type: ignore[attr-defined]
    for module in (ModuleType("shop"), messages, table_module):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    names: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL):
        exec(compile(code, str(README), "exec"), names)
    return names


def command(kind, cents, direction: Direction = "do", number=1):
    headers = CommandHeaders(
        execution="s:1", workflow="s:1", step="charge", direction=direction, attempt=1,
        key=f"s:{number}:charge:{direction}:0", undoes="" if direction == "do" else f"s:{number}:charge:do:0",
    )  # fmt: skip
    body = kind(order_id="A17", cents=cents).model_dump_json().encode()
    return Envelope(
        id=headers.command_id, source="test", type=kind.message_type, body=body, headers=headers.to_headers()
    )


async def test_the_readme_s_participant_keeps_its_account(monkeypatch, tmp_path) -> None:
    payments = readme_s_names(monkeypatch)["payments"]
    engine = open_engine(f"sqlite:///{tmp_path}/account.db")
    store = SqlStore(engine, payments.name, payments.tables)
    await store.prepare()
    async with engine.begin() as connection:
        await connection.execute(insert(account).values(cents=500))

    async def ask(*given):
        reply = read_reply((await handle(payments, store, command(*given))).reply)
        async with engine.connect() as connection:
            return reply.code or reply.outcome, (await connection.execute(select(account.c.cents))).scalar_one()

    assert await ask(ChargePayment, 300) == ("completed", 200)
    assert await ask(ChargePayment, 300) == ("completed", 200)
    assert await ask(ChargePayment, 300, "do", 2) == ("no-funds", 200)
    assert await ask(RefundPayment, 300, "undo") == ("completed", 500)
    assert await ask(RefundPayment, 300, "undo") == ("completed", 500)
    assert await ask(ChargePayment, 300) == ("undone", 500)
    assert len(await store.unsent(10)) == 1
    await engine.dispose()


async def test_the_readme_s_test_passes_as_it_is_written_there(monkeypatch, tmp_path) -> None:
    await readme_s_names(monkeypatch)["test_a_charge_takes_the_money_once_and_a_refund_gives_it_back"](tmp_path)
