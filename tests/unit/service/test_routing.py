from itertools import product
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import MissingKeyError
from orchestrator.saga.plan import ParallelPlan, Plan, SequencePlan, TriggerPlan, WaitPlan
from orchestrator.service.ports import Delivery
from orchestrator.service.routing import (
    MAX_KEY,
    Ack,
    Deliver,
    Ignore,
    OnMissing,
    Park,
    Retry,
    Routes,
    Start,
    Target,
    fault,
    settlement,
    start_instead,
)


def wait(event="payment.settled", key="order_id", on_missing: OnMissing = "buffer"):
    return WaitPlan(
        id=f"{event}-{key}-{on_missing}", event=event, key=key, gives="x", within_ms=1, on_missing=on_missing
    )


def saga(
    name="fulfil",
    version=1,
    waits=(),
    *,
    event="order.placed",
    key="order_id",
    on_completed: Literal["dead_letter", "ignore"] = "dead_letter",
):
    root = SequencePlan(children=(ParallelPlan(children=tuple(waits)),))
    trigger = TriggerPlan(event=event, gives="order", key=key)
    return Plan(saga=name, version=version, trigger=trigger, root=root, on_completed=on_completed)


def test_a_trigger_starts_the_execution_named_by_its_key():
    plan = saga()
    assert Routes.of([plan]).find("order.placed", {"order_id": "A17"}) == (Start(plan, "fulfil:A17"),)


def test_one_event_starts_every_saga_that_begins_with_it():
    first, second = saga("a"), saga("b")
    found = Routes.of([first, second]).find("order.placed", {"order_id": 7})
    assert found == (Start(first, "a:7"), Start(second, "b:7"))


def test_an_awaited_event_is_delivered_to_the_execution_named_by_the_waits_own_key():
    plan = saga(waits=[wait(key="order")])
    found = Routes.of([plan]).find("payment.settled", {"order": "A17"})
    assert found == (Deliver(plan, "fulfil:A17", "buffer"),)


def test_waits_deep_in_the_tree_are_found_once():
    plan = saga(waits=[wait(), wait(on_missing="ignore")])
    assert len(Routes.of([plan]).find("payment.settled", {"order_id": "A17"})) == 1


def test_a_trigger_that_is_also_awaited_starts():
    plan = saga(waits=[wait(event="order.placed")])
    assert Routes.of([plan]).find("order.placed", {"order_id": "A17"}) == (Start(plan, "fulfil:A17"),)


def test_a_trigger_may_wake_another_execution_by_another_key():
    plan = saga(waits=[wait(event="order.placed", key="replaces")])
    found = Routes.of([plan]).find("order.placed", {"order_id": "A18", "replaces": "A17"})
    assert found == (Start(plan, "fulfil:A18"), Deliver(plan, "fulfil:A17", "buffer"))


def test_the_highest_version_starts_and_old_ones_may_still_wait():
    old, new = saga(version=1, waits=[wait()]), saga(version=2)
    routes = Routes.of([new, old])
    assert routes.find("order.placed", {"order_id": "A"}) == (Start(new, "fulfil:A"),)
    assert routes.find("payment.settled", {"order_id": "A"}) == (Deliver(new, "fulfil:A", "buffer"),)


def test_the_most_patient_of_several_waits_holds():
    plan = saga(waits=[wait(on_missing="ignore"), wait(on_missing="redeliver"), wait(on_missing="buffer")])
    (found,) = Routes.of([plan]).find("payment.settled", {"order_id": "A17"})
    assert isinstance(found, Deliver)
    assert found.on_missing == "redeliver"


def test_a_type_that_nobody_wants_leads_nowhere():
    routes = Routes.of([saga()])
    assert routes.find("order.paid", {"order_id": "A17"}) == ()
    assert routes.types == {"order.placed"}


@pytest.mark.parametrize(
    ("value", "key"), [("A17", "A17"), (17, "17"), (17.0, "17"), (1.5, "1.5"), ("x" * MAX_KEY, "x" * MAX_KEY), (0, "0")]
)
def test_keys_are_text_or_numbers(value, key):
    (found,) = Routes.of([saga()]).find("order.placed", {"order_id": value})
    assert found.execution_id == f"fulfil:{key}"


NO_KEYS: list[Any] = [
    None,
    True,
    False,
    "",
    "  ",
    [],
    {},
    ["A17"],
    "x" * (MAX_KEY + 1),
    "a\nb",
    "a\x00b",
    "a\x7fb",
    1e300,
    float("nan"),
]


@pytest.mark.parametrize("value", NO_KEYS, ids=repr)
def test_what_cannot_name_an_execution_is_a_missing_key(value):
    with pytest.raises(MissingKeyError, match="'order_id'"):
        Routes.of([saga()]).find("order.placed", {"order_id": value})


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (["A17"], "send it as text or number"),
        (" ", "it is empty"),
        ("x" * 201, "it has 201 characters, 200 are allowed"),
        ("A\n17", "it holds a control character"),
    ],
)
def test_a_key_that_cannot_be_used_is_told_why(value, told):
    with pytest.raises(MissingKeyError, match=told):
        Routes.of([saga()]).find("order.placed", {"order_id": value})


@pytest.mark.parametrize("payload", [None, [], "A17", 17, {}])
def test_a_payload_without_the_field_is_a_missing_key(payload):
    with pytest.raises(MissingKeyError):
        Routes.of([saga()]).find("order.placed", payload)


def test_nobody_is_told_when_one_of_several_keys_is_missing():
    with pytest.raises(MissingKeyError, match="'parent'"):
        Routes.of([saga("a"), saga("b", key="parent")]).find("order.placed", {"order_id": "A17"})


@given(st.text(), st.text())
def test_different_keys_never_name_one_execution(first, second):
    routes = Routes.of([saga()])
    try:
        (one,) = routes.find("order.placed", {"order_id": first})
        (two,) = routes.find("order.placed", {"order_id": second})
    except MissingKeyError:
        return
    assert (one.execution_id == two.execution_id) == (first == second)


PLAN, LENIENT = saga(waits=[wait()]), saga(on_completed="ignore")
TABLE: dict[tuple[Delivery, Target], Any] = {
    (Delivery.STARTED, Start(PLAN, "x")): Ack("started"),
    (Delivery.ACCEPTED, Start(PLAN, "x")): Ack("delivered"),
    (Delivery.ACCEPTED, Deliver(PLAN, "x", "buffer")): Ack("delivered"),
    (Delivery.DUPLICATE, Start(PLAN, "x")): Ack("duplicate"),
    (Delivery.CONFLICT, Start(PLAN, "x")): Park,
    (Delivery.CONFLICT, Start(LENIENT, "x")): Park,
    (Delivery.CONFLICT, Deliver(LENIENT, "x", "ignore")): Park,
    (Delivery.DUPLICATE, Deliver(PLAN, "x", "buffer")): Ack("duplicate"),
    (Delivery.ENDED, Start(PLAN, "x")): Park,
    (Delivery.ENDED, Start(LENIENT, "x")): Ignore(),
    (Delivery.ENDED, Deliver(PLAN, "x", "buffer")): Park,
    (Delivery.ENDED, Deliver(LENIENT, "x", "buffer")): Ignore(),
    (Delivery.MISSING, Deliver(PLAN, "x", "ignore")): Ignore(),
    (Delivery.MISSING, Deliver(PLAN, "x", "dead_letter")): Park,
    (Delivery.MISSING, Deliver(PLAN, "x", "buffer")): Retry,
    (Delivery.MISSING, Deliver(PLAN, "x", "start")): Retry,
    (Delivery.MISSING, Deliver(PLAN, "x", "redeliver")): Retry,
}


@pytest.mark.parametrize(("told", "expected"), TABLE.items(), ids=lambda value: repr(value)[:60])
def test_each_delivery_has_its_settlement(told, expected):
    found = settlement(*told)
    assert isinstance(found, expected) if isinstance(expected, type) else found == expected


def test_every_delivery_is_settled_for_every_target():
    targets: list[Target] = [
        Start(PLAN, "x"),
        *(Deliver(PLAN, "x", word) for word in ("start", "buffer", "redeliver", "ignore", "dead_letter")),
    ]
    for delivery, target in product(Delivery, targets):
        assert isinstance(settlement(delivery, target), Ack | Ignore | Retry | Park)


def test_only_redelivery_never_loses_patience():
    endless = settlement(Delivery.MISSING, Deliver(PLAN, "x", "redeliver"))
    patient = settlement(Delivery.MISSING, Deliver(PLAN, "x", "buffer"))
    assert isinstance(endless, Retry)
    assert isinstance(patient, Retry)
    assert endless.endless
    assert not patient.endless
    assert patient.otherwise.reason == "no-execution"
    assert "'x'" in patient.otherwise.text


def test_reasons_name_the_execution_and_say_what_to_do():
    found = settlement(Delivery.CONFLICT, Start(PLAN, "fulfil:A17"))
    assert isinstance(found, Park)
    assert found.reason == "same-id-other-content"
    assert "'fulfil:A17' took a message with this source and id before" in found.text
    second = settlement(Delivery.ENDED, Start(PLAN, "fulfil:A17"))
    assert isinstance(second, Park)
    assert second.reason == "second-start"
    assert "'fulfil:A17' was started by an event with other content, and has ended" in second.text
    assert "on_completed='ignore'" in second.text
    ended = settlement(Delivery.ENDED, Deliver(PLAN, "fulfil:A17", "buffer"))
    assert isinstance(ended, Park)
    assert ended.reason == "ended"
    assert "'fulfil:A17' has ended" in ended.text


def test_a_missing_execution_is_started_only_by_the_type_that_starts_it():
    target = Deliver(PLAN, "fulfil:A17", "start")
    assert start_instead(target, "order.placed") == Start(PLAN, "fulfil:A17")
    assert start_instead(target, "payment.settled") is None
    assert start_instead(Deliver(PLAN, "fulfil:A17", "buffer"), "order.placed") is None
    assert start_instead(Start(PLAN, "fulfil:A17"), "order.placed") is None


def test_a_fault_of_ours_is_tried_again_before_a_person_is_asked():
    found = fault("fulfil:A17", ZeroDivisionError("division by zero"))
    assert not found.endless
    assert found.otherwise.reason == "fault"
    assert "ZeroDivisionError" in found.otherwise.text
