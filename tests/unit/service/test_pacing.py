"""Nobody asks for so much that others wait."""

from datetime import timedelta

import pytest

from orchestrator.errors import TooManyRequestsError
from orchestrator.service.access import Role
from orchestrator.service.pacing import Pacing
from tests.api_kit import ROLES, ApiBench, is_problem
from tests.service_kit import OPERATOR, VIEWER, ManualClock


def test_each_caller_has_a_minute_of_their_own() -> None:
    clock = ManualClock()
    pacing = Pacing(clock, 2)
    for _ in range(2):
        pacing.take(VIEWER)
    with pytest.raises(TooManyRequestsError) as refused:
        pacing.take(VIEWER)
    assert refused.value.seconds == 60
    pacing.take(OPERATOR)
    clock.moment += timedelta(minutes=1)
    pacing.take(VIEWER)


def test_without_a_limit_everybody_asks_as_they_like() -> None:
    pacing = Pacing(ManualClock())
    for _ in range(10_000):
        pacing.take(VIEWER)


async def test_who_asks_too_often_is_told_when_to_come_back_and_others_are_served() -> None:
    bench = ApiBench(a_minute=3)
    async with bench.asking(ROLES[Role.VIEWER]) as busy, bench.asking(ROLES[Role.OPERATOR]) as calm:
        for _ in range(3):
            assert (await busy.get("/executions")).status_code == 200
        refused = await busy.get("/executions")
        assert is_problem(refused, 429, "too-many-requests")
        assert (refused.headers["retry-after"], refused.json()["retryable"]) == ("60", True)
        assert (await calm.get("/executions")).status_code == 200
        assert (await busy.http.get("/healthz")).status_code == 200
