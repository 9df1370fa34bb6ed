import json

from sagas.order_fulfilment.revenue import revenue_per_day
from tests.event_kit import T0, stored

DAY_MS = 86_400_000


def told(*messages):
    state = revenue_per_day.empty()
    for message in messages:
        state = revenue_per_day.fold(state, message)
    return dict(revenue_per_day.rows(state))


def asked(number, cents, message_type="payments.charge", execution="shop:1"):
    body = json.dumps({"order_id": "A17", "amount_cents": cents}).encode()
    return stored(number, type=message_type, body=body, execution_id=execution)


def answered(number, of, message_type="payments.charged", *, outcome="completed", day=0, execution="shop:1"):
    return stored(
        number,
        type=message_type,
        kind="reply",
        causation_id=f"m{of}",
        outcome=outcome,
        at_ms=T0 + day * DAY_MS,
        execution_id=execution,
    )


def test_what_was_charged_counts_on_the_day_of_the_answer():
    found = told(asked(1, 700), answered(2, 1), asked(3, 50, execution="shop:2"), answered(4, 3, execution="shop:2"))
    assert found == {"2023-11-14": {"cents": 750}}


def test_what_was_given_back_counts_against_the_day_on_which_it_was():
    back = (asked(3, 700, "payments.refund"), answered(4, 3, "payments.refunded", day=1))
    assert told(asked(1, 700), answered(2, 1), *back) == {"2023-11-14": {"cents": 700}, "2023-11-15": {"cents": -700}}


def test_a_refund_of_nothing_gives_nothing_back():
    found = told(asked(3, 700, "payments.refund"), answered(4, 3, "payments.refunded"))
    assert found == {"2023-11-14": {"cents": 0}}


def test_what_was_refused_or_not_answered_is_no_revenue():
    assert told(asked(1, 700), answered(2, 1, outcome="rejected"), asked(3, 50)) == {}
    assert told(answered(2, 1)) == {}
