"""Rehearsing a real execution: who may, where what was said comes from, and which definition is today's."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.errors import DeniedError, ExecutionNotFoundError, SagaNotFoundError, SealError
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.events import Events
from orchestrator.service.reading import Reading
from orchestrator.service.records import Detail, Freshness, MessageRecord, Position, Snapshot
from orchestrator.service.rehearsing import Rehearsing
from orchestrator.service.snapshots import row_of, steps_of
from orchestrator.service.trail import Trail
from tests.event_kit import T0, MemoryEvents
from tests.rerun_kit import Lived
from tests.service_kit import ManualClock, MemoryRegister
from tests.unit.service.test_differing import CHARGE, COMPLETED, HOLD, a_saga

ADMIN = Caller(actor="ann", role=Role.ADMIN)
ID = "rerun:A17"


@dataclass
class OneExecution:
    """A ledger that has one."""

    lived: Lived
    noted: tuple[MessageRecord, ...] = ()

    async def find(self, execution_id):
        execution = self.lived.walk.execution
        if execution_id != execution.state.execution_id:
            return None
        position = Position(run_id="r", run_ms=T0, history=9, revision=execution.state.revision)
        times: Any = {"started_ms": T0, "changed_ms": T0}
        snapshot = Snapshot(
            execution=execution,
            position=position,
            workflow_id=execution_id,
            correlation_id="",
            plan_hash=execution.plan.content_hash,
            **times,
        )
        return Detail(row=row_of(snapshot), steps=steps_of(execution), plan=execution.plan, state=execution.dump())

    async def journal(self, execution_id):
        return self.lived.record.journal

    async def messages(self, execution_id, *, before=None, limit=200, bodies=False):
        found = [one for one in self.noted if before is None or one.place < before]
        return tuple(sorted(found, key=lambda one: one.place, reverse=True)[:limit])

    async def freshness(self):
        return Freshness(None, datetime.now(UTC))


async def rehearsing(*sagas, noted=(), events=None):
    store = MemoryEvents()
    await store.append(COMPLETED.messages)
    store.linked[ID] = {one.identity for one in COMPLETED.messages if one.way == "in"}
    ledger: Any = OneExecution(COMPLETED, tuple(noted))
    reading = Reading(ledger, ManualClock())
    return Rehearsing(reading, Trail(MemoryRegister()), Events(events or store), sagas or [COMPLETED.saga])


async def test_an_execution_is_run_by_the_newest_version_of_its_saga():
    newest = a_saga(CHARGE, HOLD, version=7)
    made = await (await rehearsing(COMPLETED.saga, newest, a_saga(HOLD, version=3))).rehearse(ADMIN, ID)
    assert (made.then, made.today) == (COMPLETED.saga.plan, newest.plan)
    assert made.comparison.first == "at 1: hold do 1 then, charge do 1 today"
    assert (await (await rehearsing()).rehearse(ADMIN, ID)).comparison.verdict == "same"


@pytest.mark.parametrize("granted", [set(), {Permission.REPLAY}, {Permission.PAYLOAD}], ids=str)
async def test_it_takes_the_rights_to_replay_and_to_see_payloads(granted):
    caller = Caller(actor="ben", role=Role.OPERATOR, granted=frozenset(granted))
    with pytest.raises(DeniedError):
        await (await rehearsing()).rehearse(caller, ID)
    both = frozenset({Permission.REPLAY, Permission.PAYLOAD})
    elsewhere = Caller(actor="ben", role=Role.OPERATOR, granted=both, sagas=frozenset({"other"}))
    with pytest.raises(DeniedError):
        await (await rehearsing()).rehearse(elsewhere, ID)


async def test_what_is_not_there_is_told():
    with pytest.raises(ExecutionNotFoundError):
        await (await rehearsing()).rehearse(ADMIN, "rerun:nobody")
    with pytest.raises(SagaNotFoundError, match="rerun"):
        await (await rehearsing()).rehearse(ADMIN, "strange:1")
    with pytest.raises(SagaNotFoundError, match="take one of none"):
        await (await rehearsing()).rehearse(replace(ADMIN, sagas=frozenset({"strange"})), "strange:1")


async def test_without_an_event_store_it_takes_what_the_ledger_noted():
    noted = [
        MessageRecord(
            execution_id=ID,
            message_id=one.message_id,
            direction="out",
            kind=one.kind,
            type=one.type,
            at_ms=one.at_ms,
            step=one.step,
            call=one.call,
            attempt=one.attempt,
            size=one.size,
            body=one.body,
        )
        for one in COMPLETED.messages
        if one.way == "out"
    ]
    made = await (await rehearsing(noted=noted, events=MemoryEvents())).rehearse(ADMIN, ID)
    assert (made.comparison.verdict, made.comparison.unknown) == ("same", ())
    alone = await (await rehearsing(events=MemoryEvents())).rehearse(ADMIN, ID)
    assert alone.comparison.verdict == "unknown"


async def test_messages_that_are_sealed_with_a_strange_key_are_named():
    class Sealed(MemoryEvents):
        async def page(self, *_, **__):
            raise SealError("the payload's key 'k9' is not known here")

    made = await (await rehearsing(events=Sealed())).rehearse(ADMIN, ID)
    assert made.comparison.unknown[0] == "input of hold do 1: the payload's key 'k9' is not known here"
