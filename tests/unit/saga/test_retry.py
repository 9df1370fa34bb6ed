"""A retry policy says when the next attempt is made, and refuses what cannot be meant."""

from datetime import timedelta

import pytest

from orchestrator import Retry
from orchestrator.saga.plan import RetryPlan


def test_the_first_attempt_does_not_wait_and_pauses_grow_up_to_a_limit() -> None:
    retry = Retry(first_delay=timedelta(seconds=2), backoff=3.0, max_delay=timedelta(seconds=10))
    assert [retry.delay(attempt).total_seconds() for attempt in (1, 2, 3, 4, 400)] == [0, 2, 6, 10, 10]


def test_it_compiles_to_milliseconds() -> None:
    compiled = Retry(attempts=None, first_delay=timedelta(milliseconds=250)).compiled()
    assert compiled == RetryPlan(attempts=None, first_delay_ms=250, backoff=2.0, max_delay_ms=60_000)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"attempts": 0}, "at least 1"),
        ({"backoff": 0.5}, "may not shrink"),
        ({"first_delay": timedelta(seconds=-1)}, "not negative"),
        ({"max_delay": timedelta(seconds=-1)}, "not negative"),
    ],
)
def test_what_cannot_be_meant_is_refused(options, complaint) -> None:
    with pytest.raises(ValueError, match=complaint):
        Retry(**options)
