"""Windows of time stand still while a bucket lasts, and figures are for those who may read."""

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.service.access import Caller, Role
from orchestrator.service.figures import BUCKETS, FRESH, WINDOWS, Figuring, span_of
from orchestrator.service.records import milliseconds
from tests.figures_kit import MemoryFigures
from tests.service_kit import ADMIN, NOW, ServiceBench

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("window", WINDOWS)
def test_the_last_bucket_holds_this_moment(window) -> None:
    for now in (NOON, NOON + timedelta(milliseconds=1), NOON - timedelta(milliseconds=1)):
        span = span_of(window, now)
        assert span.end_ms - span.width_ms <= milliseconds(now) < span.end_ms
        assert span.width_ms * BUCKETS == WINDOWS[window] / timedelta(milliseconds=1)


def test_buckets_stand_still_until_the_next_begins() -> None:
    assert span_of("1h", NOON) == span_of("1h", NOON + timedelta(seconds=59))
    assert span_of("1h", NOON + timedelta(minutes=1)).start_ms - span_of("1h", NOON).start_ms == 60_000


async def test_a_caller_sees_the_sagas_that_he_may_read() -> None:
    bench = ServiceBench()
    bench.ledger.keep(bench.completed(), started_ms=milliseconds(NOW) - 5)
    figuring = Figuring(MemoryFigures(bench.ledger), bench.clock)
    assert sum((await figuring.look(ADMIN, "1h")).rates["completed"]) == 1
    bench.ledger.keep(bench.completed("t2"), started_ms=milliseconds(NOW) - 5)
    assert sum((await figuring.look(ADMIN, "1h")).rates["completed"]) == 1, "counted a moment ago"
    bench.clock.moment += FRESH
    assert sum((await figuring.look(ADMIN, "1h")).rates["completed"]) == 2
    other = Caller(actor="eve", role=Role.VIEWER, sagas=frozenset({"voyage"}))
    assert sum((await figuring.look(other, "1h")).rates["completed"]) == 0
