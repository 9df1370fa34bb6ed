"""The saga `fulfil-order`, rehearsed: no server, virtual time."""

from datetime import timedelta

from orchestrator.saga.flow import UNDO_RETRY
from orchestrator.testing import Act, Publish, Send, rehearse
from sagas.order_fulfilment.messages import (
    CreateShipment,
    LabelPrinted,
    Line,
    OrderFulfilled,
    OrderPlaced,
    ParcelPacked,
    PaymentCharged,
    PaymentSettled,
    RefundPayment,
    ReleaseStock,
    ReserveStock,
    ShipmentCreated,
    StockReserved,
)
from sagas.order_fulfilment.saga import (
    charge_payment,
    create_shipment,
    fulfil_order,
    order_fulfilled,
    print_label,
    refund_payment,
    release_stock,
    reserve_stock,
    unpack_parcel,
    void_label,
)

LINES = (Line(sku="tea", quantity=2),)
ORDER = OrderPlaced(order_id="A17", customer="c1", lines=LINES, total_cents=700)
SETTLED = PaymentSettled(order_id="A17", payment_id="p1")


def paid():
    run = rehearse(fulfil_order, given=ORDER)
    run.replies(StockReserved(reservation_id="r1"))
    run.replies(PaymentCharged(payment_id="p1"))
    return run


def ready_to_ship():
    run = paid()
    run.happens(SETTLED)
    run.replies(LabelPrinted(label_id="l1"))
    run.replies(ParcelPacked(parcel_id="q1"))
    return run


def test_an_order_begins_by_reserving_its_stock() -> None:
    run = rehearse(fulfil_order, given=ORDER)
    assert run.next() == [Send(ReserveStock(order_id="A17", lines=LINES), to="inventory")]


def test_everything_goes_well() -> None:
    run = ready_to_ship()
    assert run.next() == [Send(CreateShipment(order_id="A17"), to="shipping")]
    run.replies(ShipmentCreated(shipment_id="s1"))
    assert run.next() == [Publish(OrderFulfilled(order_id="A17", shipment_id="s1"))]
    run.succeeds(order_fulfilled)
    assert run.status.word == "Completed"


def test_a_declined_card_gives_the_stock_back() -> None:
    run = rehearse(fulfil_order, given=ORDER)
    run.replies(StockReserved(reservation_id="r1"))
    run.rejects(charge_payment, "card declined")
    assert run.next() == [Send(ReleaseStock(order_id="A17"), to="inventory")]
    run.succeeds(release_stock)
    assert run.status.word == "Compensated"


def test_a_charge_without_answer_is_refunded_before_the_stock_goes_back() -> None:
    run = rehearse(fulfil_order, given=ORDER)
    run.replies(StockReserved(reservation_id="r1"))
    run.times_out(charge_payment)
    assert run.next() == [Send(RefundPayment(order_id="A17", amount_cents=700), to="payments")]
    run.succeeds(refund_payment)
    assert run.next() == [Send(ReleaseStock(order_id="A17"), to="inventory")]


def test_a_settlement_that_comes_before_the_reply_is_held() -> None:
    run = rehearse(fulfil_order, given=ORDER)
    run.replies(StockReserved(reservation_id="r1"))
    run.happens(SETTLED)
    run.replies(PaymentCharged(payment_id="p1"))
    assert run.next() == [Act("print_label"), Act("pack_parcel")]


def test_a_refused_shipment_undoes_everything_in_order() -> None:
    run = ready_to_ship()
    run.rejects(create_shipment, "no carrier")
    assert run.next() == [Act("unpack_parcel", "undo"), Act("void_label", "undo")]
    run.succeeds(void_label)
    assert run.next() == [Act("unpack_parcel", "undo")]
    run.succeeds(unpack_parcel)
    run.succeeds(refund_payment)
    run.succeeds(release_stock)
    assert run.status.word == "Compensated"


def test_a_shipment_without_answer_is_tried_again_and_never_undone() -> None:
    run = ready_to_ship()
    for _ in range(3):
        run.times_out(create_shipment)
        run.after(timedelta(seconds=10))
    assert run.status.word == "Parked"
    assert [alert.what for alert in run.alerts] == ["parked"]


def test_a_settlement_that_never_comes_turns_the_order_back() -> None:
    run = paid()
    run.after(timedelta(minutes=16))
    assert run.next() == [Send(RefundPayment(order_id="A17", amount_cents=700), to="payments")]


def test_a_label_that_fails_drains_its_sibling_before_anything_is_undone() -> None:
    run = paid()
    run.happens(SETTLED)
    for _ in range(3):
        run.fails(print_label, "printer on fire")
        run.after(timedelta(seconds=10))
    assert run.next() == [Act("pack_parcel")]
    run.replies(ParcelPacked(parcel_id="q1"))
    assert run.next() == [Act("unpack_parcel", "undo"), Act("void_label", "undo")]


def test_an_undo_that_keeps_failing_is_stuck_and_what_it_depended_on_waits() -> None:
    run = rehearse(fulfil_order, given=ORDER)
    run.replies(StockReserved(reservation_id="r1"))
    run.times_out(charge_payment)
    for attempt in range(1, 11):
        run.after(UNDO_RETRY.delay(attempt))
        run.fails(refund_payment, "bank closed")
    assert run.status.word == "Stuck"
    assert run.next() == []


def test_cancel_before_the_pivot_undoes_and_after_it_is_refused() -> None:
    early = paid()
    early.cancel()
    assert early.next() == [Send(RefundPayment(order_id="A17", amount_cents=700), to="payments")]
    late = ready_to_ship()
    late.replies(ShipmentCreated(shipment_id="s1"))
    late.cancel()
    assert late.status.forward == "running"


def test_reserving_is_asked_once_however_often_the_order_comes() -> None:
    run = rehearse(fulfil_order, given=ORDER)
    run.happens(ORDER)
    assert run.next() == [Send(ReserveStock(order_id="A17", lines=LINES), to="inventory")]
    assert reserve_stock.name == "reserve_stock"
    run.happens(ORDER.model_copy(update={"total_cents": 1}))
    assert [parked.code for parked in run.parked] == ["second-start"]
