"""The plan as it travels: short, and never read as another one."""

import json
from typing import Any

from orchestrator.saga.plan import (
    CallPlan,
    Need,
    ParallelPlan,
    Part,
    Plan,
    RetryPlan,
    SequencePlan,
    SleepPlan,
    StepPlan,
    TriggerPlan,
    WaitPlan,
)
from sagas.order_fulfilment import fulfil_order

DEFAULTS = {
    "RetryPlan": {"attempts": 3, "first_delay_ms": 1000, "backoff": 2.0, "max_delay_ms": 60000},
    "Need": {"optional": False},
    "CallPlan": {"needs": [], "gives": None, "message_type": None, "participant": None},
    "StepPlan": {
        "kind": "step",
        "undo": None,
        "no_undo": None,
        "phase": "compensatable",
        "within_ms": 30000,
        "retry": {"attempts": 3, "first_delay_ms": 1000, "backoff": 2.0, "max_delay_ms": 60000},
        "undo_retry": {"attempts": 5, "first_delay_ms": 1000, "backoff": 2.0, "max_delay_ms": 60000},
        "probe": None,
        "after": [],
    },
    "WaitPlan": {
        "kind": "wait",
        "on_timeout": "abort",
        "on_missing": "buffer",
        "sequence": False,
        "retriable": False,
    },
    "SleepPlan": {"kind": "sleep"},
    "SequencePlan": {"kind": "sequence"},
    "ParallelPlan": {"kind": "parallel", "on_sibling_failure": "drain"},
    "TriggerPlan": {},
    "Plan": {
        "format": 1,
        "within_ms": None,
        "unwind": "dependency",
        "compensation_window_ms": 2592000000,
        "on_completed": "dead_letter",
    },
}
"""What plan format 1 means by a field that is not there. Running executions count on it for as long as they run."""


def defaults_of(part: type[Part]) -> Any:
    fields = {name: field for name, field in part.model_fields.items() if not field.is_required()}
    made = part.model_construct(**{name: field.get_default() for name, field in fields.items()})
    return json.loads(made.model_dump_json(include=set(fields)))


def test_the_defaults_of_a_format_never_change() -> None:
    parts = (
        RetryPlan,
        Need,
        CallPlan,
        StepPlan,
        WaitPlan,
        SleepPlan,
        SequencePlan,
        ParallelPlan,
        TriggerPlan,
        Plan,
    )
    assert {part.__name__: defaults_of(part) for part in parts} == DEFAULTS


def test_the_document_of_a_plan_is_the_plan() -> None:
    again = Plan.model_validate(json.loads(json.dumps(fulfil_order.plan.document)))
    assert again == fulfil_order.plan
    assert again.content_hash == fulfil_order.plan.content_hash


def test_the_document_leaves_out_what_is_as_by_default_but_names_its_format() -> None:
    document = fulfil_order.plan.document
    assert document["format"] == 1
    assert "unwind" not in document
    assert len(json.dumps(document)) < 0.6 * len(fulfil_order.plan.model_dump_json())
