"""What `deploy/` has for those who watch is true: every metric, label and command that it names exists."""

import json
import re
from pathlib import Path
from typing import Any, cast, get_args

import pytest
import yaml
from typer.main import get_command

from orchestrator.adapters.telemetry import semantic
from orchestrator.service.attempts import AttemptEnd
from orchestrator.service.metrics import METRICS
from orchestrator.settings import Settings
from workers.__main__ import app

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "sagas.json").read_text())
ALERTS = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS = [(panel["title"], target) for panel in PANELS for target in panel["targets"]]
PARTS = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
LABELS = {metric.exposed + part: {*metric.labels} for metric in METRICS for part in PARTS[metric.kind]}
"""Labels of everything that Prometheus gets, by name."""
OF_PROMETHEUS = {"instance", "job"}


def faults(expression: str, legend: str = "") -> list[str]:
    """What an expression names that does not exist."""
    found = re.findall(r"\b(saga_\w+)(?:\{([^}]*)\})?", expression)
    named = [name for name, _ in found]
    wrong = [f"no metric {name}" for name in named if name not in LABELS] or [] if named else ["names no metric"]
    known = set().union(*(LABELS.get(name, set()) for name in named), OF_PROMETHEUS)
    for name, selector in found:
        own = LABELS.get(name, set()) | OF_PROMETHEUS | {"le"}
        wrong += [
            f"{name} has no label {one}" for one in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector) if one not in own
        ]
    grouped = {one.strip() for by in re.findall(r"\bby \(([^)]*)\)", expression) for one in by.split(",")}
    is_histogram = any(name.endswith("_bucket") for name in named)
    wrong += [f"no label {one}" for one in grouped - known if not (one == "le" and is_histogram)]
    shown = set(re.findall(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}", legend))
    return wrong + [f"{one} is shown and not kept" for one in shown - grouped]


def test_what_does_not_exist_is_seen() -> None:
    assert faults("rate(saga_nonsense_total[5m])") == ["no metric saga_nonsense_total"]
    assert faults('saga_executions_open{colour="red"}') == ["saga_executions_open has no label colour"]
    assert faults("sum by (step) (saga_executions_open)") == ["no label step"]
    assert faults("sum by (saga) (saga_executions_open)", "{{status}}") == ["status is shown and not kept"]
    assert faults("up") == ["names no metric"]
    assert faults("sum by (le) (saga_executions_open)") == ["no label le"]


@pytest.mark.parametrize(("title", "target"), TARGETS, ids=[f"{title} {t['refId']}" for title, t in TARGETS])
def test_the_dashboard_asks_for_what_there_is(title, target) -> None:
    assert faults(target["expr"], target["legendFormat"]) == []


def test_the_dashboard_can_be_imported() -> None:
    """What Grafana wants of a file: ids of their own, a place that is nobody else's, its variables declared."""
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) < 24
    declared = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(panels))) - {"__rate_interval"}
    assert used == declared
    assert all(
        faults(variable["query"]) == [] for variable in DASHBOARD["templating"]["list"] if variable["name"] == "saga"
    )
    assert all(panel["description"] for panel in PANELS)


@pytest.mark.parametrize("rule", ALERTS, ids=[rule["alert"] for rule in ALERTS])
def test_an_alert_asks_for_what_there_is_and_says_what_to_do(rule) -> None:
    notes = rule["annotations"]
    assert faults(rule["expr"], notes["summary"].replace("$value", "")) == []
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(notes) == {"summary", "runbook"}
    commands = cast("Any", get_command(app)).list_commands(None)
    named = re.findall(r"`saga (\w+)", notes["runbook"])
    assert all(name in commands for name in named), named
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}


def test_everything_that_needs_a_person_raises_an_alert() -> None:
    told = " ".join(rule["expr"] for rule in ALERTS)
    for name in ("stuck", "parked", "saga_parked_waiting", "saga_ledger_away", "saga_consuming", "saga_outbox_age"):
        assert name in told


def test_what_is_told_is_looked_at() -> None:
    """A metric that neither a picture nor an alert uses would be forgotten."""
    said = json.dumps(DASHBOARD) + json.dumps(ALERTS)
    assert [metric.exposed for metric in METRICS if metric.exposed not in said] == []


def test_the_example_of_a_prometheus_takes_the_alerts() -> None:
    example = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text())
    assert all((DEPLOY / "prometheus" / name).is_file() for name in example["rule_files"])
    # /metrics is what it asks for unless it is told otherwise.
    assert [set(job) for job in example["scrape_configs"]] == [{"job_name", "static_configs"}]


COLLECTOR = yaml.safe_load((DEPLOY / "otel" / "collector.yaml").read_text())
ALL_ATTRIBUTES = {value for value in vars(semantic).values() if isinstance(value, str) and value.startswith("saga.")}


def test_the_collectors_pipelines_are_of_parts_that_it_has_and_of_all_of_them() -> None:
    assert set(COLLECTOR) == {"receivers", "processors", "exporters", "service"}
    [pipeline] = COLLECTOR["service"]["pipelines"].values()
    for kind, names in pipeline.items():
        assert sorted(names) == sorted(COLLECTOR[kind])
    assert pipeline["processors"][-1] == "batch"


def test_the_collector_keeps_by_attributes_and_words_that_there_are() -> None:
    policies = COLLECTOR["processors"]["tail_sampling"]["policies"]
    assert len({policy["name"] for policy in policies}) == len(policies)
    for policy in policies:
        assert set(policy) == {"name", "type", policy["type"]}
    asked = {policy["string_attribute"]["key"]: policy["string_attribute"]["values"] for policy in policies[:-1]}
    assert set(asked) <= ALL_ATTRIBUTES
    assert set(asked["saga.outcome"]) == {*get_args(AttemptEnd), "refused"} - {"", "ok", "not_begun"}
    assert asked["saga.direction"] == ["undo"]


def test_the_collector_listens_where_spans_are_sent_by_default() -> None:
    endpoint = COLLECTOR["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert Settings.model_validate({}).trace_otlp_url.get_secret_value() == f"http://{endpoint}/v1/traces"
    told = (DEPLOY / "otel" / "collector.yaml").read_text()
    for name, value in re.findall(r"(SAGA_\w+)=(\S+)", told):
        assert name.removeprefix("SAGA_").lower() in Settings.model_fields, name
        assert value
