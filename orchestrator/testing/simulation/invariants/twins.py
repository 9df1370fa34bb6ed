"""Invariants that compare two executions: told the same, told it twice, told it in another order, or after a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import from_json, to_json

from orchestrator.engine.execution import Execution
from orchestrator.engine.signals import Arrived, Lost, Started, Succeeded
from orchestrator.saga.plan import WaitPlan, leaves
from orchestrator.testing.simulation.invariants.calls import essence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.engine.signals import Signal
    from orchestrator.engine.states import State
    from orchestrator.testing.simulation.record import Record


def determinism(record: Record) -> Iterator[str]:
    """12. Determinism.

    Folding the journal from empty gives the live state and pending effects, at every prefix.
    """
    beat, fold = record.last, record.fold
    effects = fold.receive(beat.signal)
    if effects != beat.effects:
        yield f"folding asks for {effects}, live it was {beat.effects}"
    if fold.state != beat.after:
        yield f"folding gives {fold.state}, live it is {beat.after}"
    pending = {(perform.step, perform.direction, perform.attempt) for perform in record.execution.pending()}
    if pending != record.books.open:
        yield f"pending are {sorted(pending)}, begun and unanswered are {sorted(record.books.open)}"


def crash_safety(record: Record) -> Iterator[str]:
    """13. Crash safety.

    A crash after any record, then replay, ends as some crash-free schedule with the same outcomes would; only calls in
    flight repeat.

    What a dump gives back, through text, takes the same signal to the same effects and state.
    """
    beat = record.last
    dumped = from_json(to_json(Execution(record.plan, beat.before).dump()))
    restored = Execution.restore(record.plan, dumped)
    if restored.receive(beat.signal) != beat.effects:
        yield "after a crash it asks for something else"
    if restored.state != beat.after:
        yield "after a crash it comes to another state"
    if restored.pending() != record.execution.pending():
        yield "after a crash other calls are in flight"


def duplicate_idempotence(record: Record) -> Iterator[str]:
    """14. Duplicate idempotence.

    Receiving a signal twice equals receiving it once; the same start event never makes a second execution.
    """
    beat = record.last
    if isinstance(beat.signal, Lost):
        return  # no message that could come twice: a second one tells of another lost attempt
    twin = Execution(record.plan, beat.after.copied())
    again = Arrived(beat.signal.trigger) if isinstance(beat.signal, Started) else beat.signal
    effects = twin.receive(again)
    if effects:
        yield f"told twice it asks for {effects}"
    if essence(twin.state) != essence(beat.after):
        yield "told twice it comes to another state"


def order_tolerance(record: Record) -> Iterator[str]:
    """15. Order tolerance.

    Reordering events of different steps within a quiet period gives the same end; early ones are held, never dropped.

    The newest success and that of every other call then in flight change places, and so do it and an event.
    """
    beat = record.last
    if not isinstance(beat.signal, Succeeded | Arrived) or not beat.was_taken:
        return
    before = Execution(record.plan, beat.before)
    pending = before.pending()
    if isinstance(beat.signal, Succeeded) and not any(one.step == beat.signal.step for one in pending):
        return  # it is late itself: its period was over when its step was given up
    if isinstance(beat.signal, Arrived) and _takers(record, beat.signal) > 1:
        return  # it is no step's own: whichever wait is reached first takes it
    for perform in pending:
        other = Succeeded(step=perform.step, direction=perform.direction, attempt=perform.attempt, result="other")
        if isinstance(beat.signal, Succeeded) and other.step == beat.signal.step:
            continue
        here, there = _after(before, beat.signal, other), _after(before, other, beat.signal)
        if here != there:
            yield f"{beat.signal} before {other} gives {here}, after it {there}"


def _takers(record: Record, signal: Arrived) -> int:
    return sum(isinstance(leaf, WaitPlan) and leaf.event == signal.event.type for leaf in leaves(record.plan.root))


def _after(before: Execution, *signals: Signal) -> State:
    twin = before.copy()
    for signal in signals:
        twin.receive(signal)
    return unordered(twin.state)


def unordered(state: State) -> State:
    """A state without the order in which things came."""
    bare = essence(state)
    for step in bare.steps.values():
        step.order = 0
    bare.timers.sort()
    bare.held.sort(key=lambda event: event.identity)
    return bare
