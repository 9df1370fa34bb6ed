"""Metrics as Prometheus reads them: names, kinds and labels are those of the table."""

import pytest
from opentelemetry.sdk.resources import Resource
from prometheus_client.parser import text_string_to_metric_families

from orchestrator.adapters.telemetry.meter import OtelMeter
from orchestrator.service.meters import Metric
from orchestrator.service.metrics import METRICS
from tests.metrics_kit import read


@pytest.fixture
def meter():
    made = OtelMeter(Resource({"service.name": "test"}))
    yield made
    made.close()


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_told_under_the_name_and_labels_of_the_table(meter, metric) -> None:
    labels = tuple(f"some {name}" for name in metric.labels)
    if metric.kind == "histogram":
        meter.record(metric, 0.5, *labels)
    elif metric.kind == "gauge":
        meter.observe(metric, lambda: [(0.5, labels)])
    else:
        meter.add(metric, 0.5, *labels)
    assert read(meter.text().decode(), metric, "_sum" if metric.kind == "histogram" else "") == {labels: 0.5}
    told = {family.name: family for family in text_string_to_metric_families(meter.text().decode())}
    family = told[metric.exposed.removesuffix("_total")]
    assert (family.type, family.documentation) == (metric.kind, metric.meaning)


def test_a_counter_that_somebody_else_keeps_is_read_when_it_is_asked_for(meter) -> None:
    metric = Metric(name="saga.things", kind="counter", unit="{thing}", meaning="Things.", source="", labels=("kind",))
    kept = {"a": 1}
    meter.observe(metric, lambda: [(value, (name,)) for name, value in kept.items()])
    assert read(meter.text().decode(), metric) == {("a",): 1}
    kept.update(a=3, b=1)
    assert read(meter.text().decode(), metric) == {("a",): 3, ("b",): 1}


def test_labels_are_those_of_the_table_or_none(meter) -> None:
    metric = Metric(name="saga.things", kind="counter", unit="{thing}", meaning="Things.", source="", labels=("kind",))
    with pytest.raises(ValueError, match="zip"):
        meter.add(metric, 1, "a", "b")


def test_two_meters_of_one_process_do_not_mix(meter) -> None:
    other = OtelMeter(Resource({"service.name": "other"}))
    metric = METRICS[0]
    meter.add(metric, 1, *metric.labels)
    assert read(other.text().decode(), metric) == {}
    other.close()
