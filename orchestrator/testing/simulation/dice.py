"""Chance, by seed. Every fault of a schedule is thrown here, counted here, and can be left out here."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

Choice = TypeVar("Choice")


class Dice:
    """The source of all chance in one simulation.

    Args:
        seed: one seed, one schedule.
        spared: numbers of faults that do not happen; all else of the schedule stays as alike as it can.

    Attributes:
        faults: how many of each kind have happened, and of what followed from them.
        thrown: every fault that happened, as (number, kind); the numbers are what `spared` names.
        is_calm: from now on nothing goes wrong any more.
    """

    def __init__(self, seed: int, spared: frozenset[int] = frozenset()) -> None:
        self._random = random.Random(seed)  # noqa: S311 - schedules, not secrets
        self._spared = spared
        self._number = 0
        self.faults: Counter[str] = Counter()
        self.thrown: list[tuple[int, str]] = []
        self.is_calm = False

    def fault(self, kind: str, likelihood: float) -> bool:
        """Whether this goes wrong now."""
        self._number += 1
        happens = self._random.random() < likelihood
        if not happens or self.is_calm or self._number in self._spared:
            return False
        self.faults[kind] += 1
        self.thrown.append((self._number, kind))
        return True

    def count(self, kind: str) -> None:
        """Something went wrong that followed from other faults."""
        self.faults[kind] += 1

    def between(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self._random.random()

    def one_of(self, choices: Sequence[Choice]) -> Choice:
        """One of these."""
        return choices[int(self._random.random() * len(choices))]

    def chance(self, likelihood: float) -> bool:
        """Whether something happens that is no fault."""
        return self._random.random() < likelihood
