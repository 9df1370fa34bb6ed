"""Invariants 1-21 and 23 of a saga as named checks over a recorded run, one function each.

A check looks at the newest beat of a record and yields a sentence for each violation. `check` runs them; call it after
every beat. Those of `TWINS` compare with a second execution and cost several times more. Number 22 speaks of the books
of participants and 24 of traces: `truth` and `telling` check them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors import InvariantBrokenError
from orchestrator.testing.simulation.invariants import calls, ends, twins, undos

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from orchestrator.testing.simulation.record import Record

SEEN: Mapping[int, Callable[[Record], Iterator[str]]] = {
    1: undos.no_orphan_undo,
    2: undos.refused_needs_none,
    3: undos.in_doubt_is_undone,
    4: undos.completeness,
    5: undos.reverse_order,
    6: calls.no_start_after_abort,
    7: undos.point_of_no_return,
    8: calls.forward_order,
    9: calls.one_outcome,
    10: calls.stable_key,
    11: calls.fencing,
    16: calls.bounded_attempts,
    17: ends.terminal_is_final,
    18: ends.liveness,
    19: ends.cancel_is_abort,
    20: ends.operator_commands,
    21: ends.timers,
    23: ends.version_pinning,
}
"""What the record alone shows."""

TWINS: Mapping[int, Callable[[Record], Iterator[str]]] = {
    12: twins.determinism,
    13: twins.crash_safety,
    14: twins.duplicate_idempotence,
    15: twins.order_tolerance,
}
"""What shows only beside a second execution that is told the same otherwise."""

INVARIANTS = {**SEEN, **TWINS}


def check(record: Record, invariants: Mapping[int, Callable[[Record], Iterator[str]]] = INVARIANTS) -> None:
    """Hold the newest beat against the invariants.

    Raises:
        InvariantBrokenError: one is broken; its text tells the whole run.
    """
    for number, invariant in invariants.items():
        for complaint in invariant(record):
            name = invariant.__name__.replace("_", " ")
            raise InvariantBrokenError(number, name, complaint=complaint, story=story(record))


def story(record: Record) -> str:
    """The run in lines: each signal, and what came of it."""
    lines: list[str] = []
    for beat in record.beats:
        ignored = f" (ignored: {beat.entry.ignored})" if beat.entry.ignored else ""
        lines.append(f"  {beat.entry.revision:3} {beat.signal}{ignored}")
        lines.append(f"      {beat.word}: {list(beat.effects)}")
    return "\n".join(lines)
