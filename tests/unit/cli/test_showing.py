"""A picture of an execution: its steps as the flow has them, where each stands, and why."""

from dataclasses import replace
from io import StringIO

import pytest

from orchestrator.cli.context import plain_console
from orchestrator.cli.showing import MEANINGS, STANDS, draw_execution, lines
from orchestrator.engine.states import Abort, Phase
from orchestrator.saga.flow import UNDO_RETRY
from orchestrator.saga.plan import CallPlan, ParallelPlan, SequencePlan, StepPlan
from orchestrator.testing import rehearse
from sagas.order_fulfilment import fulfil_order
from sagas.order_fulfilment.messages import Line, OrderPlaced, PaymentCharged, PaymentSettled, StockReserved
from sagas.order_fulfilment.saga import charge_payment, pack_parcel, print_label, refund_payment, void_label

ORDER = OrderPlaced(order_id="A17", customer="c1", lines=(Line(sku="tea", quantity=2),), total_cents=700)
SETTLED = PaymentSettled(order_id="A17", payment_id="p1")


def charged():
    run = rehearse(fulfil_order, given=ORDER)
    run.replies(StockReserved(reservation_id="r1"))
    run.replies(PaymentCharged(payment_id="p1"))
    return run


def gives_up(run):
    """The undo of the payment fails until nothing tries it any more."""
    for attempt in range(1, 11):
        run.after(UNDO_RETRY.delay(attempt))
        run.fails(refund_payment, "the bank is away")


def stuck():
    run = charged()
    run.happens(SETTLED)
    run.rejects(pack_parcel, "no box is [/large] enough :x:")
    run.succeeds(print_label)
    run.succeeds(void_label)
    gives_up(run)
    return run


def drawn(run, word="", *, width=120, in_doubt=()):
    execution = run._execution
    return picture(execution.plan, execution.state, word or execution.word, width=width, in_doubt=in_doubt)


def picture(plan, state, word, *, width=120, in_doubt=()):
    console = plain_console()
    console.file, console.width = StringIO(), width
    console.print(draw_execution(plan, state, word, in_doubt))
    return console.file.getvalue()


def line_of(shown, step):
    return next(line for line in shown.splitlines() if f" {step}" in line)


def test_steps_come_in_the_order_of_the_flow_those_not_begun_too() -> None:
    shown = drawn(charged())
    steps = ["reserve_stock", "charge_payment", "payment_settled", "print_label", "pack_parcel", "create_shipment"]
    places = [shown.index(f" {step}") for step in steps]
    assert places == sorted(places)
    assert "✓ reserve_stock" in shown
    assert "waiting" in line_of(shown, "payment_settled")
    assert "not begun" in line_of(shown, "print_label")
    assert "(pivot)" in line_of(shown, "create_shipment")
    assert "fulfil-order:A17: Running" in shown


def test_a_stuck_saga_says_what_was_done_what_is_left_what_was_undone_and_both_errors() -> None:
    shown = drawn(stuck())
    assert MEANINGS["Stuck"] in shown
    assert "Turned back: pack_parcel was refused: no box is [/large] enough :x:" in shown
    assert "done" in line_of(shown, "reserve_stock")
    assert "undo stuck: a person decides" in line_of(shown, "charge_payment")
    assert "1, undo 10" in line_of(shown, "charge_payment")
    assert "undo: the bank is away" in line_of(shown, "charge_payment")
    assert "undone" in line_of(shown, "print_label")
    assert "no box is [/large] enough :x:" in line_of(shown, "pack_parcel")


def test_an_earlier_error_of_the_step_stands_beside_that_of_its_undo() -> None:
    run = rehearse(fulfil_order, given=ORDER)
    run.replies(StockReserved(reservation_id="r1"))
    run.times_out(charge_payment)
    gives_up(run)
    shown = drawn(run)
    assert "timed out" in line_of(shown, "charge_payment")
    assert "undo: the bank is away" in shown
    assert "Turned back: charge_payment failed: timed out" in shown


def test_ids_are_printed_as_they_are() -> None:
    run = rehearse(fulfil_order, given=ORDER.model_copy(update={"order_id": "a:b/c :x: [/oops]"}))
    assert "fulfil-order:a:b/c :x: [/oops]: Running" in drawn(run)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_it_fits_the_terminal(width) -> None:
    shown = drawn(stuck(), width=width)
    assert max(len(line) for line in shown.splitlines()) <= width
    assert "fulfil-order:A17: Stuck" in shown


def test_what_was_ended_from_outside_says_what_that_means_and_what_is_in_doubt() -> None:
    shown = drawn(charged(), "Terminated", in_doubt=["print_label"])
    assert MEANINGS["Terminated"] in shown
    assert "may have been begun" in line_of(shown, "print_label")
    assert "✓ charge_payment" in shown


@pytest.mark.parametrize(
    ("abort", "told"),
    [
        (Abort("cancel", text="ordered twice", actor="ann"), "Cancelled by ann: ordered twice"),
        (Abort("deadline", text="the saga's time is up"), "Turned back: the saga's time is up"),
        (Abort("operator", step="print_label", text="wrong", actor="ann"), "Undone from print_label by ann: wrong"),
        (Abort("operator", text="wrong", actor="ann"), "Undone by ann: wrong"),
    ],
)
def test_who_turned_it_back_is_told(abort, told) -> None:
    execution = charged()._execution
    assert told in picture(execution.plan, replace(execution.state, abort=abort), "Compensating")
    waiting = picture(execution.plan, replace(execution.state, waiting_abort=abort), "Running")
    assert f"{told} (as soon as the outcome of the pivot is known)" in waiting


def test_what_else_a_person_did_and_what_is_held_is_told() -> None:
    run = rehearse(fulfil_order, given=ORDER)
    run.happens(SETTLED)
    state = replace(run._execution.state, compensating=True, abandoned=True)
    shown = picture(fulfil_order.plan, state, "Partially compensated")
    assert "asked to undo it after its end" in shown
    assert "abandoned the rest" in shown
    assert "1 event is held that no step wants yet: payment.settled" in shown


def test_a_step_that_needs_no_undo_says_why_it_stays() -> None:
    run = charged()
    plan = fulfil_order.plan
    assert isinstance(plan.root, SequencePlan)
    first = plan.root.children[0].model_copy(update={"undo": None, "no_undo": "a hold lapses by itself"})
    root = plan.root.model_copy(update={"children": (first, *plan.root.children[1:])})
    state = replace(run._execution.state, abort=Abort("cancel", text="x", actor="ann"))
    shown = picture(plan.model_copy(update={"root": root}), state, "Compensating")
    assert "nothing is undone: a hold lapses by itself" in line_of(shown, "reserve_stock")


def test_branches_stand_below_what_holds_them() -> None:
    a, b, c = (StepPlan(id=name, do=CallPlan(lane="brief", handler=name)) for name in "abc")
    branch = SequencePlan(children=(b, c))
    tree = [(line.depth, line.name) for line in lines(SequencePlan(children=(a, ParallelPlan(children=(a, branch)))))]
    below = [(1, "a"), (1, "one after the other"), (2, "b"), (2, "c")]
    assert tree == [(0, "a"), (0, "at the same time"), *below]
    assert [(line.depth, line.name) for line in lines(a)] == [(0, "a")]


def test_every_phase_has_its_words() -> None:
    assert set(STANDS) == set(Phase)
