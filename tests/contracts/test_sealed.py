"""With a key, nothing that people or payloads say is found in any table; keys are changed one after the other."""

import base64
from dataclasses import replace

import pytest
from sqlalchemy import text

from orchestrator.adapters.sql.bulks import SqlBulks
from orchestrator.adapters.sql.ledger_tables import metadata
from orchestrator.adapters.sql.register import SqlRegister
from orchestrator.adapters.sql.switches import SqlSwitches
from orchestrator.errors import SealError
from orchestrator.sealing import OPEN, Seal
from orchestrator.service.auditing import AuditEntry, verify
from orchestrator.service.operations import OperationRecord
from orchestrator.service.requests import EditAndRetry, Resolve
from orchestrator.service.switches import Switch
from tests.contracts.test_bulks import BULK, IDS
from tests.ledger_kit import CANARY, STUCK, ledger_bench, message, snapshot
from tests.sql_kit import fresh_database, sqlite_url

FIRST, SECOND = (f"{name}:{base64.b64encode(name.encode() * 16).decode()}" for name in ("k1", "k2"))
ENTRY = AuditEntry(
    at_ms=1, actor="ann", role="admin", what="resolve", target="shop:1", result="refused", reason=CANARY, text=CANARY
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
async def url(request, tmp_path):
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    async with fresh_database(request.getfixturevalue("postgres")) as address:
        yield address


def operation(number: int, request) -> OperationRecord:
    return OperationRecord(
        id=f"op-{number}",
        execution_id="shop:1",
        actor="ann",
        role="admin",
        request=request,
        reason=CANARY,
        key=f"k{number}",
        body_hash="h",
        accepted_ms=1,
        text=CANARY,
    )


async def say_it_everywhere(bench, seal: Seal, round: int) -> None:
    """Put the canary wherever a payload or a person's words may stand."""
    given = snapshot(str(round), STUCK)
    await bench.writer.write([given], [message(1, key=str(round), body=CANARY.encode())])
    register, bulks = SqlRegister(bench.engine, seal), SqlBulks(bench.engine, seal)
    switches = SqlSwitches(bench.engine, seal)
    edited = EditAndRetry(step="reserve", input={"placed": {"card": CANARY}})
    resolved = Resolve(step="reserve", how="mark_done", evidence=CANARY)
    for number, request in enumerate((edited, resolved), start=2 * round):
        await register.accept(operation(number, request), replace(ENTRY, operation_id=f"op-{number}"))
    bulk = replace(BULK, id=f"b{round}", key=f"k{round}", reason=CANARY)
    await bulks.create(bulk, IDS, ENTRY)
    await bulks.settle(bulk.id, (await bulks.items(bulk.id))[0], "failed", text=CANARY, operation_id="")
    await switches.set(Switch(kind="starts", name=f"shop{round}", actor="ann", reason=CANARY, at_ms=1), ENTRY)


async def tables_with_it(bench) -> set[str]:
    found = set[str]()
    async with bench.engine.connect() as connection:
        for table in metadata.tables:
            for row in (await connection.execute(text(f"SELECT * FROM {table}"))).all():
                values = [value if isinstance(value, bytes) else str(value).encode() for value in row]
                found |= {table for value in values if CANARY.encode() in value}
    return found


async def test_without_a_key_it_stands_in_every_table_that_is_sealed_with_one(url) -> None:
    async with ledger_bench(url, OPEN) as bench:
        await say_it_everywhere(bench, OPEN, 1)
        assert await tables_with_it(bench) == {
            *("executions", "steps", "journal", "messages"),
            *("operations", "audit", "bulks", "bulk_items", "switches"),
        }


async def test_with_a_key_it_is_found_in_no_table_and_is_read_by_who_has_the_key(url) -> None:
    seal = Seal.of(FIRST)
    async with ledger_bench(url, seal) as bench:
        await say_it_everywhere(bench, seal, 1)
        assert await tables_with_it(bench) == set()
        register = SqlRegister(bench.engine, seal)
        found = await register.find("op-2")
        assert found is not None
        assert found.request == EditAndRetry(step="reserve", input={"placed": {"card": CANARY}})
        assert [row.entry.text for row in await register.audit()] == [CANARY] * 4
        with pytest.raises(SealError, match="k1"):
            await SqlRegister(bench.engine).find("op-2")


async def test_keys_are_changed_one_after_the_other_and_the_audit_stays_whole(url) -> None:
    old, new = Seal.of(FIRST), Seal.of(f"{SECOND},{FIRST}")
    async with ledger_bench(url, old) as bench:
        await say_it_everywhere(bench, old, 1)
    async with ledger_bench(url, new) as bench:
        await say_it_everywhere(bench, new, 2)
        assert await tables_with_it(bench) == set()
        register = SqlRegister(bench.engine, new)
        assert list(verify(await register.audit(), await register.audit_head())) == []
        assert [one.reason for one in await SqlSwitches(bench.engine, new).all()] == [CANARY, CANARY]
        for name in ("shop:1", "shop:2"):
            found = await bench.reader.find(name)
            assert found is not None
            assert found.state["facts"] == {"placed": {"card": CANARY}}
        for bulk in ("b1", "b2"):
            assert (await SqlBulks(bench.engine, new).items(bulk, "failed"))[0].text == CANARY
