"""What tests of metrics share: reading what Prometheus would read, and a meter that only remembers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from orchestrator.service.meters import Metric, Read

Labels = tuple[str, ...]


def read(text: str, metric: Metric, part: str = "") -> dict[Labels, float]:
    """The values of one metric by its labels; `part`: `_count` or `_sum` of a histogram."""
    wanted = metric.exposed + part
    return {
        tuple(sample.labels[label] for label in metric.labels): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == wanted
    }


class Meter:
    """Remembers what it is told. Implements `service.meters.Meter`."""

    def __init__(self) -> None:
        self.counted: Counter[Labels] = Counter()
        self.recorded: dict[Labels, list[float]] = {}
        self.observed: dict[str, Read] = {}

    def add(self, metric: Metric, amount: float, *labels: str) -> None:
        assert metric.kind == "counter"
        assert len(labels) == len(metric.labels)
        self.counted[metric.name, *labels] += int(amount)

    def record(self, metric: Metric, value: float, *labels: str) -> None:
        assert metric.kind == "histogram"
        assert len(labels) == len(metric.labels)
        self.recorded.setdefault((metric.name, *labels), []).append(value)

    def observe(self, metric: Metric, read: Read) -> None:
        assert metric.kind != "histogram"
        self.observed[metric.name] = read
