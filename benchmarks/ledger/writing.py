"""What the ledger costs a worker: CPU time and transactions, for snapshots as sagas under load hand them over."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from benchmarks.ledger.samples import NOW_MS, plan_of
from benchmarks.orders import STEPS, order
from benchmarks.rows.ours import trigger_of
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.ledger import SqlLedger
from orchestrator.engine.execution import Execution
from orchestrator.engine.signals import ReceivedEvent, Started, Succeeded
from orchestrator.service.buffering import LedgerBuffer
from orchestrator.service.records import Position, Snapshot
from orchestrator.service.snapshots import entry_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.engine.signals import Signal

SAGAS_A_SECOND = 100
"""How fast they come: more than a machine of two cores runs beside its Temporal."""
SECONDS = 8
TICK_S = 0.02
CHANGES = 2


async def measure(url: str, run: int) -> dict[str, float]:
    """CPU milliseconds a saga above what is spent without a ledger, and transactions for each change.

    Each saga hands over two changes, as one of brief steps does that waits once.
    """
    count = SAGAS_A_SECOND * SECONDS
    given = [tuple(changes(run, number)) for number in range(count)]
    idle = await _played(given, lambda _: None)
    engine = open_engine(url)
    try:
        ledger = SqlLedger(engine)
        await ledger.prepare()
        async with LedgerBuffer(ledger, limit=5_000) as buffer:
            spent = await _played(given, buffer.give)
            began = time.process_time()
        spent += time.process_time() - began  # what was left was written at the end
    finally:
        await engine.dispose()
    counts = buffer.counts
    if (counts.given, counts.written + counts.replaced) != (CHANGES * count, CHANGES * count):
        raise AssertionError(counts)
    return {
        "cpu_ms_a_saga": (spent - idle) * 1000 / count,
        "transactions_a_change": counts.transactions / counts.given,
    }


async def _played(given: list[tuple[Snapshot, ...]], give: Callable[[Snapshot], None]) -> float:
    """CPU seconds of this process while each saga changes, and half a second later again."""
    began, each = time.process_time(), max(1, int(SAGAS_A_SECOND * TICK_S))
    lag = int(0.5 / TICK_S) * each
    for start in range(0, len(given) + lag, each):
        for first, _ in given[start : start + each]:
            give(first)
        for _, second in given[max(0, start - lag) : max(0, start - lag + each)]:
            give(second)
        await asyncio.sleep(TICK_S)
    return time.process_time() - began


def changes(run: int, number: int) -> Iterator[Snapshot]:
    """Both changes of a saga, as its worker would hand them over."""
    plan = plan_of("order", 1)
    placed = order(f"load{run}", number)
    envelope, payload = trigger_of(placed)
    execution = Execution.begin(plan, plan.execution_id(placed.order_id))
    trigger = ReceivedEvent(
        identity=envelope.identity, body_hash=envelope.body_hash, type=envelope.type, payload=payload
    )
    done = [Succeeded(step=name, result={"reference": f"{name}-{placed.order_id}"}) for name in STEPS]
    told: tuple[list[Signal], list[Signal]] = ([Started(trigger), *done[:3]], [*done[3:]])
    for change, signals in enumerate(told, start=1):
        yield _snapshot(execution, signals, change)


def _snapshot(execution: Execution, signals: list[Signal], change: int) -> Snapshot:
    before = len(execution.journal)
    for signal in signals:
        execution.receive(signal)
    name, told = execution.state.execution_id, execution.journal[before:]
    return Snapshot(
        execution=Execution(execution.plan, execution.state.copied()),
        position=Position(run_id=name, run_ms=NOW_MS, history=4 * change, revision=execution.state.revision),
        workflow_id=name,
        correlation_id=name,
        started_ms=NOW_MS,
        changed_ms=NOW_MS + change,
        plan_hash=execution.plan.content_hash,
        journal=tuple(entry_of(entry.revision, NOW_MS, entry.signal, entry.ignored) for entry in told),
    )
