"""How many workers Temporal has seen, in a sentence."""

from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.api.taskqueue.v1 import PollerInfo
from temporalio.api.workflowservice.v1 import DescribeTaskQueueResponse
from temporalio.service import RPCError, RPCStatusCode

from orchestrator.adapters.temporal.workers import count_workers, tell_workers
from orchestrator.errors import EngineUnavailableError
from tests.temporal_kit import settings

HERE = settings(task_queue="trips")


def client(*identities: str, error: Exception | None = None) -> Any:
    async def describe(request: Any) -> DescribeTaskQueueResponse:
        assert request.task_queue.name == "trips"
        if error is not None:
            raise error
        return DescribeTaskQueueResponse(pollers=[PollerInfo(identity=name) for name in identities])

    return SimpleNamespace(workflow_service=SimpleNamespace(describe_task_queue=describe))


async def test_a_worker_that_asks_by_several_pollers_is_one() -> None:
    assert await count_workers(client("1@a", "1@a", "2@a"), HERE) == 2
    assert (await tell_workers(client("1@a"), HERE)).startswith("1 of task queue 'trips'")


async def test_no_worker_is_told_with_what_to_do() -> None:
    with pytest.raises(EngineUnavailableError, match="'trips' has no worker: start `saga worker`"):
        await tell_workers(client(), HERE)


async def test_that_temporal_is_away_is_told() -> None:
    with pytest.raises(EngineUnavailableError):
        await tell_workers(client(error=RPCError("gone", RPCStatusCode.UNAVAILABLE, b"")), HERE)
