"""How often something may be tried."""

from datetime import timedelta

import pytest

from orchestrator.errors import TooManyTriesError
from orchestrator.service.throttle import KEPT_KEYS, Pace, Throttle
from tests.service_kit import NOW

PACE = Pace(2, timedelta(seconds=10))


def test_more_than_so_many_wait_until_the_oldest_is_over() -> None:
    throttle = Throttle()
    for seconds in (0, 4):
        throttle.take(NOW + timedelta(seconds=seconds), [("a", PACE)])
    with pytest.raises(TooManyTriesError) as caught:
        throttle.take(NOW + timedelta(seconds=5), [("a", PACE)])
    assert caught.value.seconds == 5
    throttle.take(NOW + timedelta(seconds=10), [("a", PACE)])
    with pytest.raises(TooManyTriesError):
        throttle.take(NOW + timedelta(seconds=13), [("a", PACE)])


def test_a_refused_try_counts_for_nobody() -> None:
    throttle = Throttle()
    for _ in range(2):
        throttle.take(NOW, [("a", PACE)])
    for _ in range(3):
        with pytest.raises(TooManyTriesError):
            throttle.take(NOW, [("b", PACE), ("a", PACE)])
    throttle.take(NOW, [("b", PACE)])
    throttle.take(NOW, [("b", PACE)])


def test_what_is_forgotten_begins_anew() -> None:
    throttle = Throttle()
    for _ in range(5):
        throttle.take(NOW, [("a", PACE)])
        throttle.forget("a")


def test_only_so_many_keys_are_remembered() -> None:
    throttle = Throttle()
    for number in range(KEPT_KEYS + 5):
        throttle.take(NOW, [(str(number), PACE)])
    assert len(throttle._tries) == KEPT_KEYS
