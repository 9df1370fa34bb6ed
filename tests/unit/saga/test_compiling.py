"""A flow becomes a plan: phases, order, needs, limits."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import Field

from orchestrator import (
    Command,
    Event,
    Retry,
    Saga,
    action,
    command,
    event,
    parallel,
    pivot,
    publish,
    sequence,
    sleep,
    step,
    wait_for,
)
from orchestrator.saga.plan import (
    CallPlan,
    Need,
    ParallelPlan,
    Plan,
    RetryPlan,
    SequencePlan,
    SleepPlan,
    WaitPlan,
    leaves,
)

HOUR = timedelta(hours=1)


class Placed(Event, type="order.placed"):
    order_id: str = Field(alias="orderId")


class Settled(Event, type="payment.settled"):
    order: str


class Reserve(Command["Reserved"], type="stock.reserve"):
    order_id: str


class Reserved(Event, type="stock.reserved"):
    pass


class Printed(Event):
    label: str = ""


class Packed(Event):
    pass


@command(to="stock")
def reserve(placed: Placed) -> Reserve:
    return Reserve(order_id=placed.order_id)


@command(to="stock", version=2)
def release(placed: Placed, reserved: Reserved | None) -> Reserve:
    return Reserve(order_id=placed.order_id)


@action
async def print_label(placed: Placed) -> Printed:
    return Printed()


@action(brief=True)
async def pack(placed: Placed, printed: Printed) -> Packed:
    return Packed()


@action(brief=True)
async def unpack(placed: Placed, printed: Printed | None) -> None: ...


@action
async def ask(placed: Placed) -> Packed:
    return Packed()


@event
def told(placed: Placed) -> Placed:
    return placed


def plan_of(*parts, **options) -> Plan:
    return Saga("ship", *parts, starts_on=Placed, key="order_id", version=3, **options).plan


def leaf(plan: Plan, name: str) -> Any:
    return next(found for found in leaves(plan.root) if found.id == name)


RESERVE = step(reserve, undo=release)


def test_the_head_of_a_plan() -> None:
    plan = plan_of(RESERVE, within=HOUR, unwind="serial", compensation_window=2 * HOUR, on_completed="ignore")
    assert (plan.saga, plan.version, plan.within_ms, plan.compensation_window_ms) == ("ship", 3, 3_600_000, 7_200_000)
    assert (plan.unwind, plan.on_completed) == ("serial", "ignore")
    assert (plan.trigger.event, plan.trigger.gives) == ("order.placed", "placed")


def test_keys_are_named_as_they_travel() -> None:
    plan = plan_of(RESERVE, wait_for(Settled, key="order", within=HOUR))
    assert plan.trigger.key == "orderId"
    assert leaf(plan, "settled").key == "order"


def test_a_command_step_says_who_handles_it_and_what_undoes_it() -> None:
    found = leaf(plan_of(RESERVE), "reserve")
    assert found.do == CallPlan(
        lane="command",
        handler="ship.reserve@1",
        needs=(Need(fact="placed"),),
        gives="reserved",
        message_type="stock.reserve",
        participant="stock",
    )
    assert found.undo.handler == "ship.release@2"
    assert found.undo.needs == (Need(fact="placed"), Need(fact="reserved", optional=True))
    assert found.undo.gives is None


def test_limits_and_policies_have_defaults_and_can_be_given() -> None:
    plain = leaf(plan_of(RESERVE), "reserve")
    assert (plain.within_ms, plain.retry, plain.undo_retry) == (30_000, RetryPlan(), RetryPlan(attempts=10))
    one = Retry(attempts=1)
    given = leaf(plan_of(step(reserve, undo=release, within=HOUR, retry=one, undo_retry=one)), "reserve")
    assert (given.within_ms, given.retry.attempts, given.undo_retry.attempts) == (3_600_000, 1, 1)


def test_phases_follow_from_the_pivot() -> None:
    wait = wait_for(Settled, key="order", within=HOUR, on_timeout="continue")
    plan = plan_of(step(print_label, no_undo="paper"), pivot(reserve), sequence(wait, parallel(publish(told))))
    assert [leaf(plan, name).phase for name in ("print_label", "reserve", "told")] == [
        "compensatable",
        "pivot",
        "retriable",
    ]
    assert leaf(plan, "settled").retriable


def test_without_a_pivot_everything_can_be_undone() -> None:
    plan = plan_of(RESERVE, wait_for(Settled, key="order", within=HOUR), publish(told))
    assert {leaf(plan, name).phase for name in ("reserve", "told")} == {"compensatable"}
    assert not leaf(plan, "settled").retriable


def test_the_tree_is_kept() -> None:
    plan = plan_of(parallel(RESERVE, sequence(sleep(HOUR, as_="rest"), publish(told)), on_sibling_failure="cancel"))
    assert isinstance(plan.root, SequencePlan)
    (both,) = plan.root.children
    assert isinstance(both, ParallelPlan)
    assert both.on_sibling_failure == "cancel"
    assert isinstance(both.children[1], SequencePlan)
    assert both.children[1].children[0] == SleepPlan(id="rest", duration_ms=3_600_000)


def test_a_wait_carries_all_its_options() -> None:
    wait = wait_for(
        Settled, key="order", within=HOUR, on_timeout="continue", on_missing="ignore", sequence=True, as_="paid"
    )
    assert leaf(plan_of(RESERVE, wait), "paid") == WaitPlan(
        id="paid",
        event="payment.settled",
        key="order",
        gives="paid",
        within_ms=3_600_000,
        on_timeout="continue",
        on_missing="ignore",
        sequence=True,
    )


def test_facts_of_the_steps_above_give_no_order_beyond_the_flow() -> None:
    plan = plan_of(step(print_label, no_undo="paper"), step(pack, undo=unpack))
    assert leaf(plan, "pack").after == ()


def test_a_fact_from_the_branch_above_makes_a_step_wait_for_it() -> None:
    plan = plan_of(parallel(step(print_label, no_undo="paper"), step(pack, undo=unpack)))
    assert leaf(plan, "pack").after == ("print_label",)


def test_a_fact_that_only_the_undo_uses_gives_an_order_too() -> None:
    plan = plan_of(parallel(step(print_label, no_undo="paper"), step(reserve, undo=unpack)))
    assert leaf(plan, "reserve").after == ("print_label",)


def test_a_probe_gives_what_its_step_gives() -> None:
    plan = plan_of(step(print_label, no_undo="paper"), step(pack, undo=unpack, probe=ask, as_="packed"))
    assert leaf(plan, "packed").probe.gives == leaf(plan, "packed").do.gives == "packed"


def test_the_same_definition_gives_the_same_plan_and_another_one_another() -> None:
    assert plan_of(RESERVE).content_hash == plan_of(step(reserve, undo=release)).content_hash
    assert plan_of(RESERVE).content_hash != plan_of(RESERVE, within=HOUR).content_hash


@pytest.mark.parametrize(
    "parts", [(RESERVE,), (parallel(RESERVE, sequence(sleep(HOUR), publish(told))), pivot(print_label))]
)
def test_a_plan_survives_its_journey_as_json(parts) -> None:
    plan = plan_of(*parts)
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
