"""What keeps operations and the audit must do, in memory and on every database."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import delete, insert, select, update

from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.migrating import migrate
from orchestrator.adapters.sql.register import SqlRegister
from orchestrator.adapters.sql.register_tables import audit
from orchestrator.sealing import OPEN, Seal
from orchestrator.service.auditing import AuditEntry, Head, verify
from orchestrator.service.operations import OperationRecord
from orchestrator.service.requests import Cancel, Compensate, EditAndRetry
from orchestrator.service.trail import Sought
from tests.service_kit import MemoryRegister
from tests.sql_kit import fresh_database, sqlite_url

KINDS = ("memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.servers))
SEAL = Seal.of("k1:" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
CANARY = "canary-4242"


@pytest.fixture(params=KINDS)
async def register(request, tmp_path):
    if request.param == "memory":
        yield MemoryRegister()
    elif request.param == "sqlite":
        async with on_sql(sqlite_url(tmp_path)) as made:
            yield made
    else:
        async with fresh_database(request.getfixturevalue("postgres")) as url, on_sql(url) as made:
            yield made


class on_sql:  # noqa: N801 - used as a function
    def __init__(self, url, seal=OPEN) -> None:
        self.engine, self.seal = open_engine(url), seal

    async def __aenter__(self):
        await migrate(self.engine)
        return SqlRegister(self.engine, self.seal)

    async def __aexit__(self, *_):
        await self.engine.dispose()


def record(number=1, **more):
    given = {
        "id": f"op-{number}",
        "execution_id": "trip:t1",
        "actor": "ann",
        "role": "admin",
        "request": Cancel(),
        "reason": "ordered twice",
        "key": f"key-{number}",
        "body_hash": f"{number:064}",
        "accepted_ms": number,
    }
    return OperationRecord(**{**given, **more})


def entry(number=1, **more):
    given = {
        "at_ms": number,
        "actor": "ann",
        "role": "admin",
        "what": "cancel",
        "target": "trip:t1",
        "result": "accepted",
        "reason": "ordered twice",
        "before": 3,
        "operation_id": f"op-{number}",
    }
    return AuditEntry(**{**given, **more})


async def test_an_operation_is_kept_with_its_audit_entry(register) -> None:
    full = record(request=EditAndRetry(step="s", input={"a": {"b": [1, 2]}}), bulk="b", before=3, text="so so")
    assert await register.accept(full, entry()) == full
    assert await register.find("op-1") == full
    assert await register.by_key("ann", "key-1") == full
    assert [row.entry for row in await register.audit()] == [entry()]


async def test_a_target_that_somebody_made_up_is_audited_however_long_it_is(register) -> None:
    await register.note(entry(target=f"trip:{'漢' * 900}", result="refused"))
    await register.note(entry(2))
    rows = await register.audit()
    assert rows[0].entry.target == f"trip:{'漢' * 250}"
    assert list(verify(rows, await register.audit_head())) == []


async def test_the_same_key_of_the_same_actor_is_the_same_operation(register) -> None:
    first = await register.accept(record(), entry())
    again = record(2, key="key-1", body_hash="another")
    assert await register.accept(again, entry(2)) == first
    assert await register.find("op-2") is None
    assert len(await register.audit()) == 1
    other = record(3, key="key-1", actor="bob")
    assert await register.accept(other, entry(3)) == other


async def test_a_plan_is_confirmed_once_unless_that_failed(register) -> None:
    plan = Compensate(plan="12345678")
    first = await register.accept(record(request=plan), entry())
    assert await register.accept(record(2, request=plan), entry(2)) == first
    assert await register.confirming("trip:t1", "12345678") == first
    assert await register.change(replace(first, state="failed"))
    assert await register.confirming("trip:t1", "12345678") is None
    second = record(3, request=plan)
    assert await register.accept(second, entry(3)) == second


async def test_of_many_that_accept_the_same_key_at_once_one_does(register) -> None:
    given = [register.accept(record(number, key="same"), entry(number)) for number in range(8)]
    assert len({one.id for one in await asyncio.gather(*given)}) == 1
    assert len(await register.audit()) == 1


async def test_an_operation_moves_until_its_end_and_no_further(register) -> None:
    first = await register.accept(record(), entry())
    applied = replace(first, state="applied", before=3, after=4, workflow_id="trip:t1")
    assert await register.change(applied)
    ended = replace(applied, state="verified", settled_ms=9, text="done")
    assert await register.change(ended, entry(2, result="verified"))
    assert not await register.change(replace(ended, state="failed"), entry(3, result="failed"))
    assert await register.find("op-1") == ended
    assert [row.entry.result for row in await register.audit()] == ["accepted", "verified"]


async def test_what_has_no_end_is_listed_by_id(register) -> None:
    for number in range(1, 4):
        await register.accept(record(number), entry(number))
    await register.change(replace(record(2), state="no_effect"))
    assert [one.id for one in await register.unsettled()] == ["op-1", "op-3"]
    assert [one.id for one in await register.unsettled(after="op-1")] == ["op-3"]
    assert [one.id for one in await register.unsettled(limit=1)] == ["op-1"]


async def test_the_operations_of_an_execution_come_newest_first(register) -> None:
    for number in range(1, 4):
        await register.accept(record(number, execution_id="trip:t2" if number == 2 else "trip:t1"), entry(number))
    assert [one.id for one in await register.of_execution("trip:t1")] == ["op-3", "op-1"]


SOUGHT = {
    "anything": (Sought(), [5, 4, 3, 2, 1]),
    "one target": (Sought(target="trip:t1"), [2, 1]),
    "one actor": (Sought(actor="bob"), [3]),
    "one saga": (Sought(sagas=frozenset({"trip"})), [5, 2, 1]),
    "two sagas": (Sought(sagas=frozenset({"trip", "trips"})), [5, 3, 2, 1]),
    "no saga": (Sought(sagas=frozenset()), []),
    "a target in another saga": (Sought(target="trip:t1", sagas=frozenset({"order"})), []),
}
TARGETS = ("trip:t1", "trip:t1", "trips:t1", "trip-2:t1", "starts:trip")


@pytest.mark.parametrize("name", SOUGHT)
async def test_operations_and_audit_are_sought_newest_first(register, name) -> None:
    sought, expected = SOUGHT[name]
    for number, target in enumerate(TARGETS, start=1):
        who = {"actor": "bob"} if number == 3 else {}
        await register.accept(record(number, execution_id=target, **who), entry(number, target=target, **who))
    found = [row.number for row in await register.trail(sought, limit=3)]
    assert found == expected[:3]
    assert [row.number for row in await register.trail(sought, before=4)] == [n for n in expected if n < 4]
    of_executions = [number for number in expected if number != 5]
    operations = await register.page(sought)
    assert [one.accepted_ms for one in operations if one.accepted_ms != 5] == of_executions
    assert [one.accepted_ms for one in await register.page(sought, before=(3, "op-3"))] == [
        n for n in expected if n < 3
    ]
    assert len(await register.page(sought, limit=1)) == min(1, len(expected))


async def test_the_audit_is_one_chain_whoever_writes(register) -> None:
    await asyncio.gather(*(register.note(entry(number)) for number in range(1, 21)))
    rows = await register.audit()
    assert [row.number for row in rows] == list(range(1, 21))
    assert list(verify(rows, await register.audit_head())) == []
    assert [row.number for row in await register.audit(after=15, limit=3)] == [16, 17, 18]


async def test_an_empty_audit_is_whole(register) -> None:
    assert await register.audit_head() == Head()
    assert list(verify(await register.audit(), Head())) == []


@pytest.fixture
async def audited(tmp_path):
    made = on_sql(sqlite_url(tmp_path))
    async with made as register:
        for number in range(1, 6):
            await register.note(entry(number))
        yield made.engine, register


async def faults(engine, register, *statements):
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(statement)
    return [(fault.number, fault.kind) for fault in verify(await register.audit(), await register.audit_head())]


async def test_a_changed_row_is_found(audited) -> None:
    assert await faults(*audited, update(audit).where(audit.c.number == 3).values(actor="eve")) == [(3, "changed")]


async def test_a_missing_row_is_found_in_the_middle_and_at_the_end(audited) -> None:
    assert (3, "missing") in await faults(*audited, delete(audit).where(audit.c.number == 3))
    assert (5, "missing") in await faults(*audited, delete(audit).where(audit.c.number == 5))


async def test_an_inserted_row_is_found(audited) -> None:
    engine, register = audited
    async with engine.connect() as connection:
        last = dict((await connection.execute(select(audit).where(audit.c.number == 5))).mappings().one())
    assert (6, "inserted") in await faults(engine, register, insert(audit).values({**last, "number": 6}))


async def test_payloads_are_not_stored_in_the_clear(tmp_path) -> None:
    async with on_sql(sqlite_url(tmp_path), SEAL) as register:
        given = record(request=EditAndRetry(step="s", input={"a": CANARY}), reason=CANARY, text=CANARY)
        await register.accept(given, entry(reason=CANARY, text=CANARY))
        assert await register.find("op-1") == given
        assert list(verify(await register.audit(), await register.audit_head())) == []
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert CANARY.encode() not in stored
