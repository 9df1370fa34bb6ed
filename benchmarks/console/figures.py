"""The console's figures in words, and which of them are missed. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.console.pages import Cost

GOALS = {"change_shown_s": 1.0, "fifty_pages_percent": 10.0}
"""At most so many seconds, 95 of 100 times; at most so much of a core."""


def figures(costs: Sequence[Cost], found: Mapping[str, Sequence[float]]) -> list[tuple[str, bool]]:
    """Each figure in words, and whether no round reached it."""
    made = [(str(cost), cost.is_missed) for cost in costs]
    for name, goal in GOALS.items():
        best = min(found[name])
        is_missed = best > goal
        made.append((f"{name} {best:.2f}, at most {goal:g}{': missed' if is_missed else ''}", is_missed))
    return made
