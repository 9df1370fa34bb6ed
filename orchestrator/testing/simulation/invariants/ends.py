"""Invariants of the execution as a whole: its end, its people, its timers, its plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine.effects import End, Park
from orchestrator.engine.signals import Arrived, CancelRequested, CompensateRequested, Elapsed, OperatorSignal
from orchestrator.engine.states import Phase, StepState
from orchestrator.engine.turn import timer_step
from orchestrator.testing.simulation.bounds import bound_ms
from orchestrator.testing.simulation.invariants.calls import essence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.testing.simulation.record import Record

RESTS = ("Stuck", "Parked", "Suspended")
"""Words that say: only a person can go on."""


def terminal_is_final(record: Record) -> Iterator[str]:
    """17. Terminal is final.

    After the end nothing but a listed operator action has an effect. A late event is shown in parking.
    """
    beat = record.last
    ends = [effect for effect in beat.effects if isinstance(effect, End)]
    was_reopened = isinstance(beat.signal, CompensateRequested) and beat.was_taken
    if len(ends) != int(beat.after.ended and (was_reopened or not beat.before.ended)):
        yield f"{len(ends)} ends were told, ended is {beat.after.ended}"
    if not beat.before.ended or was_reopened:
        return
    if essence(beat.before) != essence(beat.after):
        yield "the state changed after the end"
    if any(not isinstance(effect, Park) for effect in beat.effects):
        yield f"{beat.effects} after the end"
    if beat.effects and not isinstance(beat.signal, Arrived):
        yield f"{type(beat.signal).__name__} parked something after the end"


def liveness(record: Record) -> Iterator[str]:
    """18. Liveness.

    If faults stop, every execution reaches an end or a visible parked or stuck state within a bound computed from its
    policies.

    Two things: it never waits for nothing, and once faults have stopped it is at rest before the bound is over.
    """
    beat = record.last
    at_rest = beat.after.ended or beat.word in RESTS
    if not (at_rest or record.books.open or record.books.timers):
        yield f"it is {beat.word}, and nothing is under way"
    if record.calm_since_ms is not None and not at_rest:
        spent = beat.at_ms - record.calm_since_ms
        if spent > bound_ms(record.plan):
            yield f"it is {beat.word} {spent} ms after the last fault, the bound is {bound_ms(record.plan)} ms"


def cancel_is_abort(record: Record) -> Iterator[str]:
    """19. Cancel is abort.

    Before the pivot = abort at that moment; after it = refused and told; two cancels = one.

    While the pivot's outcome is open the cancel waits for it (express.md, 4).
    """
    beat = record.last
    waited, told = beat.before.waiting_abort, any(alert.what == "cancel_refused" for alert in beat.alerts)
    came_to_nothing = beat.after.waiting_abort is None and beat.after.abort is None
    if waited is not None and waited.reason == "cancel" and came_to_nothing and not told:
        yield "a cancel that waited for the pivot came to nothing, and nobody was told"
    if not isinstance(beat.signal, CancelRequested):
        return
    is_past = any(record.account(name).has_passed for name, plan in record.steps.items() if plan.phase == "pivot")
    turned = beat.after.abort is not None or beat.after.waiting_abort is not None
    if beat.was_taken and not turned:
        yield "a cancel was taken and did not turn the saga back"
    if beat.was_taken and is_past and beat.before.abort is None:
        yield "a cancel was taken behind the point of no return"
    is_late = is_past or _is_in_doubt(record) or beat.before.is_unwinding or beat.before.ended
    is_new = beat.signal.command_id not in beat.before.commands
    if is_new and not (beat.was_taken or is_late) and beat.signal.actor and beat.signal.reason:
        yield f"a cancel before the pivot was ignored: {beat.entry.ignored}"
    if beat.before.abort is not None and essence(beat.before) != essence(beat.after):
        yield "a cancel of what is cancelled changed it"


def _is_in_doubt(record: Record) -> bool:
    """Whether a pivot is parked with nobody knowing what it did."""
    steps = record.last.before.steps
    pivots = [name for name, plan in record.steps.items() if plan.phase == "pivot"]
    return any(name in steps and steps[name].phase is Phase.PARKED for name in pivots)


def operator_commands(record: Record) -> Iterator[str]:
    """20. Operator commands.

    Keep 1-19 with the changed outcome, need an actor and a reason, and are journalled.

    That they keep the others is seen there.
    """
    beat = record.last
    if not isinstance(beat.signal, OperatorSignal):
        return
    if beat.was_taken and not (beat.signal.actor and beat.signal.reason):
        yield f"{type(beat.signal).__name__} was taken without actor or reason"
    if beat.was_taken and beat.signal.command_id not in beat.after.commands:
        yield f"{beat.signal.command_id} would be taken again"
    if not beat.was_taken and not beat.entry.ignored.strip():
        yield "it was refused without a reason"
    if beat.before.suspended and beat.after.suspended and beat.performs:
        yield f"{[perform.step for perform in beat.performs]} began while it is suspended"


def timers(record: Record) -> Iterator[str]:
    """21. Timers.

    No timer of an ended step has an effect; a clock that jumps back never makes a limit early, forward never a double.
    """
    beat = record.last
    if isinstance(beat.signal, Elapsed) and beat.was_taken:
        if beat.due_ms is None:
            yield f"{beat.signal.timer} was not set and had an effect"
        elif beat.at_ms < beat.due_ms:
            yield f"{beat.signal.timer} had its effect {beat.due_ms - beat.at_ms} ms early"
    if set(beat.after.timers) != set(record.books.timers):
        yield f"timers {sorted(beat.after.timers)} are known, {sorted(record.books.timers)} are set"
    for timer in beat.after.timers:
        phase = beat.after.steps.get(timer_step(timer), StepState()).phase
        if phase in OVER and not timer.startswith("fence:"):
            yield f"{timer} is set, and its step is {phase}"
    if beat.after.ended and beat.after.timers:
        yield f"{beat.after.timers} are set after the end"


OVER = frozenset({Phase.REFUSED, Phase.DROPPED, Phase.DONE, Phase.DOUBTFUL, Phase.PARKED, Phase.UNDONE, Phase.LEFT})
"""Phases in which no attempt is under way and no pause runs."""


def version_pinning(record: Record) -> Iterator[str]:
    """23. Version pinning.

    An execution goes on with the plan it began with, or is moved by a recorded migration.
    """
    if record.execution.plan.content_hash != record.plan.content_hash:
        yield f"it began with plan {record.plan.content_hash} and goes on with {record.execution.plan.content_hash}"
