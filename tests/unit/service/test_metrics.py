"""The table of metrics: each is there once, under a name and with labels that are kept to."""

from orchestrator.service.metrics import METRICS

IDS = {"id", "execution", "execution_id", "correlation_id", "message_id", "run_id", "business_key", "key"}


def test_each_metric_has_a_name_of_its_own_on_either_side() -> None:
    assert len(METRICS) > 20
    assert len({metric.name for metric in METRICS}) == len({metric.exposed for metric in METRICS}) == len(METRICS)


def test_no_label_is_an_id() -> None:
    for metric in METRICS:
        assert not IDS.intersection(metric.labels), metric.name


def test_a_name_says_what_prometheus_wants_to_know() -> None:
    for metric in METRICS:
        assert metric.name.startswith("saga.")
        assert metric.exposed.endswith("_total") == (metric.kind == "counter"), metric.name
        assert (metric.unit == "s") == ("_seconds" in metric.exposed), metric.name
        assert metric.meaning.endswith("."), metric.name
