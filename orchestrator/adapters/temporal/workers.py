"""The workers of a task queue, as Temporal has seen them of late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.service import RPCError

from orchestrator.adapters.temporal.answers import unavailable
from orchestrator.adapters.temporal.reaching import in_time
from orchestrator.errors import EngineUnavailableError

if TYPE_CHECKING:
    from temporalio.client import Client

    from orchestrator.settings import Settings


async def count_workers(client: Client, settings: Settings) -> int:
    """How many processes ask for workflow tasks; Temporal remembers each for five minutes after it asked last.

    Raises:
        EngineUnavailableError: Temporal is away.
    """
    request = DescribeTaskQueueRequest(
        namespace=settings.temporal_namespace,
        task_queue=TaskQueue(name=settings.task_queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    async with in_time():
        try:
            found = await client.workflow_service.describe_task_queue(request)
        except RPCError as error:
            raise unavailable(error) from error
    return len({poller.identity for poller in found.pollers})


async def tell_workers(client: Client, settings: Settings) -> str:
    """How many workers there are, in a sentence.

    Raises:
        EngineUnavailableError: Temporal is away, or there is none.
    """
    number = await count_workers(client, settings)
    if number == 0:
        raise EngineUnavailableError(f"task queue {settings.task_queue!r} has no worker: start `saga worker`")
    return f"{number} of task queue {settings.task_queue!r} within the last five minutes"
