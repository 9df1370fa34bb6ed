"""The picture as text: well-formed, inert whatever the names, with everything said in words."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given

from orchestrator.console.diagram.grid import FOLDED_FROM
from orchestrator.console.diagram.svg import Standing, style_sheet, svg_of
from orchestrator.saga.plan import CallPlan, ParallelPlan, Plan, SequencePlan, SleepPlan, StepPlan, TriggerPlan
from orchestrator.service.records import StepRow
from sagas import SAGAS
from tests.properties.plans import plans

(FULFIL_ORDER,) = [saga.plan for saga in SAGAS if saga.name == "fulfil-order"]
SVG = "{http://www.w3.org/2000/svg}"


def standing(
    *rows: tuple[str, str], unwinding: bool = False, completed: bool = False, undone: bool = False
) -> Standing:
    steps = {step: StepRow(step=step, phase=phase, outcome="ok") for step, phase in rows}
    return Standing(steps, is_unwinding=unwinding, has_completed=completed, is_undone=undone)


def boxes(text: str) -> dict[str, str]:
    """Label -> classes."""
    items = ET.fromstring(text).iter(f"{SVG}g")
    return {item.attrib["aria-label"]: item.attrib["class"] for item in items}


def many(count: int) -> Plan:
    call = CallPlan(lane="brief", handler="ship.load@1")
    children = tuple(StepPlan(id=f"s{number}", do=call, undo=call) for number in range(count))
    return Plan(
        saga="ship",
        version=1,
        trigger=TriggerPlan(event="e", gives="placed", key="id"),
        root=SequencePlan(children=(ParallelPlan(children=children),)),
    )


def test_a_definition_says_what_each_box_is() -> None:
    assert boxes(svg_of(FULFIL_ORDER)) == {
        "order.placed, starts it": "box trigger do is-idle",
        "reserve_stock, → inventory": "box step do is-idle",
        "charge_payment, → payments": "box step do is-idle",
        "payment.settled, wait, at most 15 min": "box wait do is-idle",
        "print_label, action": "box step do is-idle",
        "pack_parcel, brief action": "box step do is-idle",
        "create_shipment (point of no return), → shipping": "box pivot do is-idle",
        "order_fulfilled, publish order.fulfilled": "box publish do is-idle",
        "fulfil-order, completed": "box end do is-idle",
        "void_label, undoes print_label": "box step undo is-idle",
        "unpack_parcel, undoes pack_parcel": "box step undo is-idle",
        "refund_payment, undoes charge_payment": "box step undo is-idle",
        "release_stock, undoes reserve_stock": "box step undo is-idle",
        "fulfil-order, compensated": "box end undo is-idle",
    }


def test_an_execution_shows_where_it_stands() -> None:
    seen = standing(("reserve_stock", "stuck"), ("charge_payment", "undone"), unwinding=True)
    drawn = boxes(svg_of(FULFIL_ORDER, seen))
    assert drawn["release_stock, undoes reserve_stock, stuck"] == "box step undo is-attention"
    assert drawn["refund_payment, undoes charge_payment, undone"] == "box step undo is-done"
    assert drawn["reserve_stock, → inventory, done"] == "box step do is-done"
    assert drawn["print_label, action"] == "box step do is-idle"
    assert drawn["order.placed, starts it"] == "box trigger do is-done"
    assert drawn["fulfil-order, completed"] == "box end do is-idle"


@pytest.mark.parametrize(("completed", "undone"), [(True, False), (False, True)])
def test_the_end_that_was_reached_is_marked(completed, undone) -> None:
    drawn = boxes(svg_of(FULFIL_ORDER, standing(completed=completed, undone=undone)))
    assert drawn["fulfil-order, completed"].endswith("done") is completed
    assert drawn["fulfil-order, compensated"].endswith("done") is undone


def test_an_unknown_phase_is_drawn_by_its_name() -> None:
    drawn = boxes(svg_of(FULFIL_ORDER, standing(("reserve_stock", "levitating"))))
    assert drawn["reserve_stock, → inventory, levitating"] == "box step do is-unknown"


def test_a_fold_counts_and_looks_like_the_weightiest_in_it() -> None:
    plan = many(FOLDED_FROM)
    rows = [(f"s{number}", "done") for number in range(FOLDED_FROM - 1)] + [(f"s{FOLDED_FROM - 1}", "parked")]
    drawn = boxes(svg_of(plan, standing(*rows)))
    assert drawn[f"{FOLDED_FROM} steps, {FOLDED_FROM - 1} done, 1 parked"] == "box fold do is-attention"
    assert drawn[f"{FOLDED_FROM} undos"] == "box fold undo is-idle"


def test_long_names_are_cut_in_the_box_and_whole_in_the_label() -> None:
    name = "a_step_with_a_name_that_is_too_long"
    root = SequencePlan(children=(SleepPlan(id=name, duration_ms=60_000),))
    plan = Plan(saga="s", version=1, trigger=TriggerPlan(event="e", gives="placed", key="id"), root=root)
    drawn = svg_of(plan)
    assert f"{name}, sleep 1 min" in boxes(drawn)
    assert ">a_step_with_a_name_t…<" in drawn


def test_hostile_names_are_text() -> None:
    call = CallPlan(lane="command", handler="s.x@1", participant='<img onerror="x">&', message_type="m")
    trigger = TriggerPlan(event="<script>", gives="placed", key="id")
    plan = Plan(saga='"><b>', version=1, trigger=trigger, root=SequencePlan(children=(StepPlan(id="x", do=call),)))
    drawn = svg_of(plan)
    assert 'x, → <img onerror="x">&' in boxes(drawn)
    assert "<img" not in drawn
    assert "<script" not in drawn


@given(plans())
def test_every_picture_is_well_formed_and_passes_a_strict_policy(plan) -> None:
    for direction in ("right", "down"):
        text = svg_of(plan, standing(), direction=direction)
        tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(text).iter()}
        assert not tags & {"style", "script", "foreignObject", "image", "a"}
        assert " style=" not in text


def test_a_file_of_its_own_carries_the_style_sheet() -> None:
    assert style_sheet() in svg_of(FULFIL_ORDER, with_styles=True)
    assert "http" not in style_sheet()


def test_two_pictures_on_one_page_each_have_arrow_heads_of_their_own() -> None:
    heads: set[str] = set()
    for direction in ("right", "down"):
        picture = ET.fromstring(svg_of(FULFIL_ORDER, direction=direction))
        (head,) = (one.attrib["id"] for one in picture.iter(f"{SVG}marker"))
        arrows = [one for one in picture.iter(f"{SVG}path") if "arrow " in one.attrib["class"]]
        assert arrows
        assert {one.attrib["marker-end"] for one in arrows} == {f"url(#{head})"}
        heads.add(head)
    assert len(heads) == 2, "what a hidden picture defines does not show in the other"
