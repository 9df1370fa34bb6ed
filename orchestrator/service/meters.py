"""What a metric is, and where numbers go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]
Reading: TypeAlias = tuple[float, tuple[str, ...]]
"""A value and its labels."""
Read: TypeAlias = "Callable[[], Iterable[Reading]]"
UNITS = {"s": "_seconds", "By": "_bytes"}
"""What a unit adds to a name in Prometheus; one in braces adds nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric.

    Attributes:
        name: as OpenTelemetry has it. `unit`: by UCUM.
        meaning: one sentence for people.
        source: which processes have it.
        labels: in the order in which they are given.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    source: str
    labels: tuple[str, ...] = ()

    @property
    def exposed(self) -> str:
        """Its name in Prometheus; a histogram's is followed by `_bucket`, `_sum` and `_count`."""
        name = self.name.replace(".", "_") + UNITS.get(self.unit, "")
        return f"{name}_total" if self.kind == "counter" else name


class Meter(Protocol):
    """Where numbers go. Nothing here fails or holds anybody up. From any thread."""

    def add(self, metric: Metric, amount: float, *labels: str) -> None:
        """Add to a counter."""
        ...

    def record(self, metric: Metric, value: float, *labels: str) -> None:
        """Take a value into a histogram."""
        ...

    def observe(self, metric: Metric, read: Read) -> None:
        """Have a gauge, or a counter that somebody else keeps, read whenever it is asked for."""
        ...


class Silence:
    """A meter that nobody reads. Implements `Meter`."""

    def add(self, metric: Metric, amount: float, *labels: str) -> None:
        """Nothing."""

    def record(self, metric: Metric, value: float, *labels: str) -> None:
        """Nothing."""

    def observe(self, metric: Metric, read: Read) -> None:
        """Nothing."""


SILENCE: Meter = Silence()
