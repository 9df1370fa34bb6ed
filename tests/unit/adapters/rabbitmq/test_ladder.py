from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.adapters.rabbitmq.ladder import RETRIES, SETTLED, SINCE, Trail, copy_of, next_step, read_trail
from orchestrator.adapters.rabbitmq.names import RETRY_STEPS, Names
from tests.rabbitmq_kit import incoming

NAMES = Names("saga")
NOW = datetime(2026, 1, 2, tzinfo=UTC)
TRAIL = Trail(retries=2, since=NOW, exchange="saga.events", routing_key="order.placed", settled=("a:1", "b,2"))


def test_a_message_that_never_was_in_the_ladder_has_a_fresh_trail():
    found = read_trail(incoming(), NAMES, NOW)
    assert found == Trail(retries=0, since=NOW, exchange="saga.events", routing_key="order.placed")


def test_a_trail_survives_the_ladder():
    message = incoming(headers=TRAIL.to_headers(), exchange=NAMES.retry_back, routing_key="1s.saga.ingress")
    assert read_trail(message, NAMES, NOW + timedelta(hours=1)) == TRAIL


def test_a_trail_from_outside_is_not_believed():
    message = incoming(headers=TRAIL.to_headers())
    assert read_trail(message, NAMES, NOW).retries == 0


@pytest.mark.parametrize("changes", [{RETRIES: "x"}, {SINCE: "x"}, {SETTLED: "x"}, {SETTLED: "1"}])
def test_a_broken_trail_is_begun_anew(changes):
    message = incoming(headers={**TRAIL.to_headers(), **changes}, exchange=NAMES.retry_back)
    assert read_trail(message, NAMES, NOW).retries == 0


def trips(patience):
    """Delays of all trips until patience is lost."""
    delays, now, trail = [], NOW, Trail(retries=0, since=NOW, exchange="", routing_key="")
    while (step := next_step(trail, now=now, patience=patience)) is not None:
        delays.append(step.delay)
        now += step.delay
        trail = Trail(retries=trail.retries + 1, since=NOW, exchange="", routing_key="")
    return delays


def test_five_minutes_of_patience_are_climbed_rung_by_rung():
    assert [int(delay.total_seconds()) for delay in trips(timedelta(minutes=5))][:5] == [1, 5, 30, 120, 120]


@given(st.integers(1, 7200).map(lambda seconds: timedelta(seconds=seconds)))
def test_patience_is_kept_to_within_the_shortest_rung(patience):
    waited = sum(trips(patience), timedelta())
    assert patience <= waited <= patience + RETRY_STEPS[0].delay


def test_without_a_limit_the_longest_rung_repeats():
    old = Trail(retries=1000, since=NOW - timedelta(days=365), exchange="", routing_key="")
    assert next_step(old, now=NOW, patience=None) == RETRY_STEPS[-1]


def test_a_copy_keeps_bytes_and_properties_but_neither_ttl_nor_user():
    original = incoming(
        b"\xff\x00",
        {"ce-id": "m1", "x-death": []},
        message_id="m1",
        type="order.placed",
        correlation_id="c",
        reply_to="w1",
        content_type="text/plain",
        expiration=5,
        user_id="guest",
        app_id="shop",
        timestamp=NOW,
    )
    copy = copy_of(original, {"saga-relay-retries": "1"})
    assert copy.body == b"\xff\x00"
    assert copy.headers == {"ce-id": "m1", "saga-relay-retries": "1"}
    properties = copy.properties
    assert (properties.message_id, properties.message_type, properties.correlation_id) == ("m1", "order.placed", "c")
    assert (properties.reply_to, properties.content_type, properties.app_id) == ("w1", "text/plain", "shop")
    assert (properties.timestamp, properties.delivery_mode) == (NOW, 2)
    assert (properties.expiration, properties.user_id) == (None, None)
