"""A retry policy says when the next attempt is made, and tells what cannot be meant."""

import re
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
    ("options", "fault"),
    [
        ({"attempts": 0}, "attempts=0: the first attempt counts"),
        ({"attempts": "3"}, "attempts='3': the first attempt counts"),
        ({"attempts": True}, "attempts=True: the first attempt counts"),
        ({"backoff": 0.5}, "backoff=0.5: a pause may not shrink"),
        ({"backoff": float("inf")}, "backoff=inf: a pause may not shrink"),
        ({"backoff": "2"}, "backoff='2': a pause may not shrink"),
        ({"first_delay": timedelta(seconds=-1)}, "first_delay=.*not negative"),
        ({"max_delay": timedelta(seconds=-1)}, "max_delay=.*not negative"),
        ({"max_delay": 60}, "max_delay=60: write a length of time"),
    ],
)
def test_what_cannot_be_meant_is_told(options, fault) -> None:
    (told,) = Retry(**options).faults()
    assert re.match(fault, told)


def test_what_can_be_meant_has_no_faults() -> None:
    assert list(Retry(attempts=None, backoff=1).faults()) == []
