"""What the reconciler is told of executions: one whose worker does not answer in time does not end its pass."""

from typing import Any, cast

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from orchestrator.adapters.temporal.answers import NOBODY
from orchestrator.adapters.temporal.survey import TemporalSurvey
from orchestrator.errors import EngineUnavailableError
from orchestrator.service.runs import RunSeen
from tests.trip_kit import trip

SEEN = RunSeen(
    workflow_id="trip:t1",
    run_id="r1",
    run_ms=1,
    status="running",
    closed_ms=None,
    history=9,
    plan_hash=trip.plan.content_hash,
    correlation_id="c1",
)


class Asked:
    """A client whose queries end as they are told."""

    data_converter = None

    def __init__(self, status: RPCStatusCode) -> None:
        self._status = status

    def get_workflow_handle(self, *_: Any, **__: Any) -> "Asked":
        return self

    async def query(self, *_: Any, **__: Any) -> Any:
        raise RPCError("context canceled", self._status, b"")


def survey(status: RPCStatusCode) -> TemporalSurvey:
    return TemporalSurvey(cast("Client", Asked(status)), "queue")


@pytest.mark.parametrize("status", sorted(NOBODY))
async def test_a_worker_that_does_not_answer_in_time_leaves_one_execution_unknown(status) -> None:
    """With the patience of the caller over, the client says `CANCELLED`."""
    assert await survey(status).look(SEEN, trip.plan) is None


async def test_a_server_in_trouble_ends_the_pass() -> None:
    with pytest.raises(EngineUnavailableError):
        await survey(RPCStatusCode.UNAVAILABLE).look(SEEN, trip.plan)
