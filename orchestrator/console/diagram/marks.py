"""How a step is marked in a picture: a look (for the style sheet), a sign and words, never colour alone. A table.

A phase that is not known here (of a newer worker) gets the neutral look and its raw name, so that no picture blanks.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from orchestrator.engine.states import Phase

if TYPE_CHECKING:
    from orchestrator.service.records import StepRow

Look: TypeAlias = Literal["idle", "active", "done", "refused", "doubtful", "attention", "left", "unknown"]


@dataclass(frozen=True, slots=True)
class Mark:
    """How one box is marked. `words` may be empty: nothing is to be said."""

    look: Look
    sign: str = ""
    words: str = ""


IDLE = Mark("idle")
DONE = Mark("done", "✓", "done")
DOUBTFUL = Mark("doubtful", "?", "outcome unknown")

FORWARD = MappingProxyType(
    {
        Phase.IDLE: IDLE,
        Phase.DOING: Mark("active", "▶", "under way"),
        Phase.RESTING: Mark("active", "↻", "will be tried again"),
        Phase.PROBING: Mark("active", "?", "being looked up"),
        Phase.DONE: DONE,
        Phase.REFUSED: Mark("refused", "✗", "refused"),
        Phase.DOUBTFUL: DOUBTFUL,
        Phase.PARKED: Mark("attention", "!", "parked"),
        Phase.DROPPED: Mark("left", "-", "given up"),
    }
)
"""What the box of a step shows. Phases of its undo leave it as its outcome was."""

BACK = MappingProxyType(
    {
        Phase.UNDOING: Mark("active", "↩", "being undone"),
        Phase.UNDO_RESTING: Mark("active", "↻", "will be tried again"),
        Phase.UNDONE: Mark("done", "↩", "undone"),
        Phase.STUCK: Mark("attention", "!", "stuck"),
        Phase.LEFT: Mark("left", "-", "left as it is"),
    }
)
"""What the box of an undo shows."""

OWED = frozenset({Phase.DONE, Phase.DOUBTFUL})
"""Phases out of which a step is undone once the saga goes back."""


def forward_mark(row: StepRow | None) -> Mark:
    """The mark of a step; None = not begun."""
    phase = _phase(row)
    if phase is None:
        return IDLE if row is None else Mark("unknown", "", row.phase)
    if phase in FORWARD:
        return FORWARD[phase]
    return DOUBTFUL if row is not None and row.outcome == "unknown" else DONE


def back_mark(row: StepRow | None, *, is_unwinding: bool) -> Mark:
    """The mark of its undo."""
    phase = _phase(row)
    if phase is None:
        return IDLE if row is None else Mark("unknown", "", row.phase)
    if phase in OWED and is_unwinding:
        return Mark("idle", "", "to be undone")
    return BACK.get(phase, IDLE)


def _phase(row: StepRow | None) -> Phase | None:
    try:
        return None if row is None else Phase(row.phase)
    except ValueError:
        return None
