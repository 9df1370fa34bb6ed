"""What traces cost, from slices of orders that were measured in turn. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OFF, AGAIN = "off", "off again"
RATIOS = {OFF: None, AGAIN: None, "1 %": 0.01, "100 %": 1.0}
"""The manners, by name: the share of executions that is kept, None where nothing is traced at all."""
TO_REACH = {"1 %": 1.02, "100 %": 1.10}


@dataclass(frozen=True, slots=True)
class Slice:
    """Some orders in one manner: CPU time a saga, milliseconds."""

    worker_ms: float
    participants_ms: float

    @property
    def total_ms(self) -> float:
        """Of all our processes."""
        return self.worker_ms + self.participants_ms


def summary(rounds: Sequence[Mapping[str, Slice]]) -> dict[str, dict[str, Any]]:
    """Of each manner its medians, and the quartiles of its ratio to no traces, taken within each round.

    What it is without traces is the mean of a round's two slices without: one alone would double what chance does.
    """
    without = [(one[OFF].total_ms + one[AGAIN].total_ms) / 2 for one in rounds]
    return {
        manner: {
            "worker_ms": median(one[manner].worker_ms for one in rounds),
            "participants_ms": median(one[manner].participants_ms for one in rounds),
            "total_ms": median(one[manner].total_ms for one in rounds),
            "ratio": _quartiles([one[manner].total_ms / base for one, base in zip(rounds, without, strict=True)]),
        }
        for manner in RATIOS
    }


def table(told: Mapping[str, Mapping[str, Any]]) -> str:
    """As Markdown."""
    lines = [
        "| traces | worker | participants | CPU ms a saga | over none, median (quartiles) | at most |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for manner, one in told.items():
        low, middle, high = (f"{value:.3f}" for value in one["ratio"])
        ratio = f"{middle} ({low} to {high})"
        wanted = f"{TO_REACH[manner]:.2f}" if manner in TO_REACH else "-"
        times = " | ".join(f"{one[name]:.1f}" for name in ("worker_ms", "participants_ms", "total_ms"))
        lines.append(f"| {manner} | {times} | {ratio} | {wanted} |")
    return "\n".join(lines)


def _quartiles(values: Sequence[float]) -> list[float]:
    return quantiles(values, n=4, method="inclusive") if len(values) > 1 else [*values] * 3
