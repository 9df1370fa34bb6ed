"""What is to be reached, and whether it was. No I/O.

A figure is reached if one round reaches it: what slows a machine for a while must not fail it. The floor is told beside
the lists, since nothing that reads fifty rows can be quicker than reading them by their keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GOALS: Mapping[str, float] = {
    "list_p95_ms": 50.0,
    "detail_p95_ms": 100.0,
    "cpu_ms_a_saga": 0.5,
    "transactions_a_change": 0.1,
    "reconcile_s": 30.0,
    "bulk_unaccounted": 0.0,
}
"""At most so much. Names without a goal are told and not judged."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one store, in every round in which it was measured."""

    store: str
    name: str
    rounds: Sequence[float]

    @property
    def best(self) -> float:
        """The least of all rounds."""
        return min(self.rounds)

    @property
    def is_missed(self) -> bool:
        """Whether no round reached it."""
        return self.best > GOALS.get(self.name, float("inf"))

    def __str__(self) -> str:
        goal = f" (at most {GOALS[self.name]:g}{', missed' if self.is_missed else ''})" if self.name in GOALS else ""
        return f"{self.store} {self.name} {self.best:.4g}{goal}"


def worst_list(rounds: Sequence[Mapping[str, float]]) -> tuple[str, list[float]]:
    """The kind of list that was slowest at its best, and its rounds: each kind must reach the goal for itself."""
    kinds = {name: [each[name] for each in rounds] for name in rounds[0]}
    return max(kinds.items(), key=lambda item: min(item[1]))


def last_line(figures: Sequence[Figure]) -> str:
    """All figures in one line."""
    return "; ".join(map(str, figures))
