"""Metrics over the OpenTelemetry SDK, told in Prometheus's words. Implements `service.meters.Meter`."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.metrics import CallbackOptions, Counter, Histogram
    from opentelemetry.sdk.resources import Resource

    from orchestrator.service.meters import Metric, Read

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 86_400)
"""Upper bounds of every histogram, seconds: from a brief step to a saga that waits for people."""


class OtelMeter:
    """The meter of one process.

    Args:
        resource: who measures.
    """

    def __init__(self, resource: Resource) -> None:
        # A registry of its own: the library's is shared by all that runs in this process.
        self._registry = CollectorRegistry()
        reader = PrometheusMetricReader(scope_info_enabled=False, registry=self._registry)
        self._provider = MeterProvider([reader], resource, shutdown_on_exit=False)
        self._meter = self._provider.get_meter("saga-orchestrator", version("saga-orchestrator"))
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}

    def add(self, metric: Metric, amount: float, *labels: str) -> None:
        """Add to a counter."""
        counter = self._counters.get(metric.name)
        if counter is None:
            counter = self._meter.create_counter(metric.name, metric.unit, metric.meaning)
            counter = self._counters.setdefault(metric.name, counter)
        counter.add(amount, _named(metric, labels))

    def record(self, metric: Metric, value: float, *labels: str) -> None:
        """Take a value into a histogram."""
        histogram = self._histograms.get(metric.name)
        if histogram is None:
            histogram = self._meter.create_histogram(
                metric.name, metric.unit, metric.meaning, explicit_bucket_boundaries_advisory=BUCKETS
            )
            histogram = self._histograms.setdefault(metric.name, histogram)
        histogram.record(value, _named(metric, labels))

    def observe(self, metric: Metric, read: Read) -> None:
        """Have it read whenever it is asked for."""

        def observations(_: CallbackOptions) -> Iterator[Observation]:
            return (Observation(value, _named(metric, labels)) for value, labels in read())

        create = (
            self._meter.create_observable_counter if metric.kind == "counter" else self._meter.create_observable_gauge
        )
        create(metric.name, [observations], metric.unit, metric.meaning)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)

    def close(self) -> None:
        """Measure no more."""
        self._provider.shutdown()


def _named(metric: Metric, labels: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(metric.labels, labels, strict=True))
