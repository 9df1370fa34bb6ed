"""What tests of the ledger share: executions at any point, and a ledger on either database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from orchestrator.adapters.sql.databases import open_engine, open_reading_engine
from orchestrator.adapters.sql.ledger import SqlLedger
from orchestrator.adapters.sql.ledger_keeper import SqlLedgerKeeper
from orchestrator.adapters.sql.ledger_reader import SqlLedgerReader
from orchestrator.adapters.sql.migrating import migrate
from orchestrator.engine.execution import Execution
from orchestrator.engine.signals import Failed, ReceivedEvent, Refused, Signal, Stalled, Started, Succeeded
from orchestrator.saga.plan import CallPlan, Plan, RetryPlan, SequencePlan, StepPlan, TriggerPlan
from orchestrator.sealing import OPEN, Seal
from orchestrator.service.records import Detail, MessageRecord, Position, Snapshot
from orchestrator.service.snapshots import entry_of
from orchestrator.settings import Settings

DAY_MS = 86_400_000
T0 = 1_700_000_000_000
CANARY = "canary-4242-4242"
ONCE = RetryPlan(attempts=1)


def call(name: str) -> CallPlan:
    return CallPlan(lane="command", handler=f"shop.{name}@1", message_type=name, participant="p")


def plan(saga: str = "shop", **changes: Any) -> Plan:
    root = SequencePlan(
        children=(
            StepPlan(id="reserve", do=call("reserve"), undo=call("release"), retry=ONCE, undo_retry=ONCE),
            StepPlan(id="charge", do=call("charge"), undo=call("refund"), retry=ONCE, undo_retry=ONCE),
        )
    )
    trigger = TriggerPlan(event="placed", gives="placed", key="id")
    return Plan(saga=saga, version=1, trigger=trigger, root=root, compensation_window_ms=30 * DAY_MS, **changes)


PLANS = {name: plan(name) for name in ("shop", "bank")}
BEGIN = Started(ReceivedEvent(identity="i", body_hash="h", type="placed", payload={"card": CANARY}, message_id="m1"))
RUNNING: tuple[Signal, ...] = (BEGIN, Succeeded(step="reserve"))
COMPLETED: tuple[Signal, ...] = (*RUNNING, Succeeded(step="charge"))
COMPENSATED: tuple[Signal, ...] = (
    *RUNNING,
    Refused(step="charge", reason=f"card {CANARY} declined"),
    Succeeded(step="reserve", direction="undo"),
)
STUCK: tuple[Signal, ...] = (
    *COMPENSATED[:-1],
    Failed(step="reserve", direction="undo", reason=f"no shelf 17 for {CANARY}", retryable=False),
)
PARKED: tuple[Signal, ...] = (*RUNNING, Stalled(step="charge", reason="no code"))
ABORTED: tuple[Signal, ...] = (BEGIN, Refused(step="reserve", reason="sold out"))


def snapshot(
    key: str = "1",
    signals: tuple[Signal, ...] = RUNNING,
    *,
    saga: str = "shop",
    run: int = 1,
    history: int = 3,
    changed_ms: int = T0,
    **more: Any,
) -> Snapshot:
    """An execution that was told these signals, one a second."""
    execution = Execution.begin(PLANS[saga], f"{saga}:{key}")
    for signal in signals:
        execution.receive(signal)
    journal = tuple(entry_of(e.revision, T0 + e.revision * 1000, e.signal, e.ignored) for e in execution.journal)
    execution.journal.clear()
    position = Position(run_id=f"run-{run}", run_ms=T0 + run, history=history, revision=execution.state.revision)
    return Snapshot(
        execution=execution,
        position=position,
        workflow_id=more.pop("workflow_id", f"{saga}:{key}"),
        correlation_id=more.pop("correlation_id", f"{saga}:{key}"),
        started_ms=more.pop("started_ms", T0),
        changed_ms=changed_ms,
        plan_hash=PLANS[saga].content_hash,
        journal=more.pop("journal", journal),
        **more,
    )


def message(number: int, key: str = "1", **more: Any) -> MessageRecord:
    given: dict[str, Any] = {
        "execution_id": f"shop:{key}",
        "message_id": f"m{number}",
        "direction": "out",
        "kind": "command",
        "type": "reserve",
        "at_ms": T0 + number,
        "size": 2,
        "body": b"{}",
    }
    return MessageRecord(**{**given, **more})


@dataclass
class LedgerBench:
    """A ledger, from all its sides."""

    url: str
    engine: AsyncEngine
    writer: SqlLedger
    reader: SqlLedgerReader
    keeper: SqlLedgerKeeper

    async def status(self, key: str = "1") -> str:
        found = await self.reader.find(f"shop:{key}")
        return found.row.status if found else ""


@asynccontextmanager
async def ledger_bench(url: str, seal: Seal = OPEN) -> AsyncIterator[LedgerBench]:
    engine, reading = open_engine(url), open_reading_engine(url)
    try:
        await migrate(engine)
        yield LedgerBench(url, engine, SqlLedger(engine, seal), SqlLedgerReader(reading, seal), SqlLedgerKeeper(engine))
    finally:
        await engine.dispose()
        await reading.dispose()


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[SqlLedgerReader]:
    engine = open_reading_engine(settings.ledger)
    try:
        yield SqlLedgerReader(engine, settings.seal)
    finally:
        await engine.dispose()


async def status(reader: SqlLedgerReader, execution_id: str, wanted: str) -> Detail:
    """Wait until the ledger says so."""
    while True:
        found = await reader.find(execution_id)
        if found is not None and found.row.status == wanted:
            return found
        await asyncio.sleep(0.05)
