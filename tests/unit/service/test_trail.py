"""Operations and the audit are shown to those who may see them."""

from dataclasses import replace

import pytest

from orchestrator.errors import DeniedError, InvalidRequestError, OperationNotFoundError
from orchestrator.service.access import Caller, Role
from orchestrator.service.auditing import AuditRow
from orchestrator.service.trail import Sought, Trail
from tests.service_kit import ADMIN, OPERATOR, VIEWER, ServiceBench

ELSEWHERE = Caller(actor="zoe", role=Role.ADMIN, sagas=frozenset({"order"}))


@pytest.fixture
async def bench() -> ServiceBench:
    made = ServiceBench()
    for name in ("t1", "t2"):
        made.run(name)
        await made.operate("suspend", name=name, key=f"key-{name}", caller=OPERATOR)
    return made


async def test_operations_are_shown_newest_first_in_pages(bench) -> None:
    trail = Trail(bench.register)
    first = await trail.operations(VIEWER, Sought(), limit=1)
    rest = await trail.operations(VIEWER, Sought(), before=(first[0].accepted_ms, first[0].id))
    assert {one.execution_id for one in (*first, *rest)} == {"trip:t1", "trip:t2"}
    assert [one.execution_id for one in await trail.operations(VIEWER, Sought(target="trip:t1"))] == ["trip:t1"]
    assert await trail.operations(VIEWER, Sought(actor="ann")) == ()


async def test_operations_and_audit_of_other_sagas_are_not_shown(bench) -> None:
    trail = Trail(bench.register)
    assert await trail.operations(ELSEWHERE, Sought()) == ()
    assert await trail.audit(ELSEWHERE, Sought()) == ()
    with pytest.raises(DeniedError):
        await trail.operations(ELSEWHERE, Sought(target="trip:t1"))
    assert len(await trail.audit(replace(ELSEWHERE, sagas=frozenset({"trip"})), Sought())) == 2


async def test_the_audit_is_shown_newest_first_in_pages(bench) -> None:
    trail = Trail(bench.register)
    whole = [row.number for row in await trail.audit(ADMIN, Sought(actor="bob"))]
    first = [row.number for row in await trail.audit(ADMIN, Sought(actor="bob"), limit=1)]
    rest = [row.number for row in await trail.audit(ADMIN, Sought(actor="bob"), before=first[-1])]
    assert (len(whole), whole) == (2, sorted(whole, reverse=True))
    assert ([*first, *rest], len(first)) == (whole, 1)


async def test_the_audit_needs_a_right_of_its_own(bench) -> None:
    trail = Trail(bench.register)
    for read in (trail.audit(OPERATOR, Sought()), trail.verify(OPERATOR)):
        with pytest.raises(DeniedError):
            await read


async def test_a_changed_row_is_found(bench) -> None:
    trail = Trail(bench.register)
    assert await trail.verify(ADMIN) == ()
    first = bench.register.rows[0]
    forged = replace(first.entry, actor="mallory")
    bench.register.rows[0] = AuditRow(first.number, forged, first.previous, first.hash)
    assert [(fault.number, fault.kind) for fault in await trail.verify(ADMIN)] == [(1, "changed")]


async def test_a_page_has_a_limit(bench) -> None:
    trail = Trail(bench.register)
    for read in (trail.audit(ADMIN, Sought(), limit=201), trail.operations(ADMIN, Sought(), limit=0)):
        with pytest.raises(InvalidRequestError):
            await read


async def test_an_operation_is_shown_to_those_who_may_see_its_execution(bench) -> None:
    trail = Trail(bench.register)
    name = next(iter(bench.register.operations))
    assert (await trail.operation(VIEWER, name)).id == name
    for caller, wanted in ((ELSEWHERE, name), (VIEWER, "0" * 32)):
        with pytest.raises(OperationNotFoundError):
            await trail.operation(caller, wanted)


async def test_a_row_that_was_put_in_behind_the_last_one_is_found(bench) -> None:
    rows, trail = bench.register.rows, Trail(bench.register)
    head = await bench.register.audit_head()
    bench.register.audit_head = lambda: _given(head)
    rows.append(AuditRow(head.number + 1, rows[-1].entry, head.hash, "f" * 64))
    assert "inserted" in {fault.kind for fault in await trail.verify(ADMIN)}


async def test_a_row_that_is_written_while_the_chain_is_read_is_no_fault(bench) -> None:
    register, trail = bench.register, Trail(bench.register)
    read = register.audit

    async def read_late(**more):
        page = await read(**more)
        if len(register.rows) < 5:
            await register.note(register.rows[0].entry)
        return page

    register.audit = read_late
    assert await trail.verify(ADMIN) == ()


async def _given(head):
    return head
