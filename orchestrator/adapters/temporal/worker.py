"""A Temporal worker that runs sagas, and the plugin that adds sagas to a worker somebody else has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from temporalio.plugin import SimplePlugin
from temporalio.worker import Interceptor, Worker

from orchestrator.adapters.temporal.activities import HEARTBEAT_EVERY_S, Activities
from orchestrator.adapters.temporal.handing import HandingOver
from orchestrator.adapters.temporal.workflow import SagaWorkflow

if TYPE_CHECKING:
    from temporalio.client import Client

    from orchestrator.adapters.temporal.handing import Sink
    from orchestrator.adapters.temporal.performing import Stage
    from orchestrator.settings import Settings

WORKFLOW_THREADS = 2
"""Threads for workflow tasks. They share one core with all else, so more of them only wait for each other; two, that
one which hangs does not stop the rest before the SDK interrupts it."""
FAN_OUT = 10
"""Durable actions of one workflow task that may start without a trip through the server."""


def saga_worker(client: Client, stage: Stage, settings: Settings, sink: Sink | None = None) -> Worker:
    """A worker for the saga workflow and its activities, on the client that also starts executions (eager start).

    `sink` takes the snapshots of its executions.
    """
    return Worker(
        client,
        task_queue=settings.task_queue,
        workflows=[SagaWorkflow],
        activities=Activities(stage, client).all(),
        interceptors=_interceptors(sink),
        workflow_task_executor=ThreadPoolExecutor(WORKFLOW_THREADS, thread_name_prefix="saga-workflow"),
        max_cached_workflows=settings.executions_in_memory,
        max_concurrent_activities=500,
        # One run a task; twice as many, because a run whose task is lost goes on to its own limit.
        max_concurrent_local_activities=2 * settings.tasks_at_once,
        max_concurrent_workflow_tasks=settings.tasks_at_once,
        # Nothing of ours lies in an external storage; the SDK would make a task for each payload to look.
        max_workflow_task_external_storage_concurrency=1,
        max_eager_activity_reservations_per_workflow_task=FAN_OUT,
        sticky_queue_schedule_to_start_timeout=settings.sticky_timeout,
        graceful_shutdown_timeout=settings.drain_timeout,
        max_heartbeat_throttle_interval=timedelta(seconds=HEARTBEAT_EVERY_S),
        default_heartbeat_throttle_interval=timedelta(seconds=HEARTBEAT_EVERY_S),
    )


class SagaPlugin(SimplePlugin):
    """Adds sagas to an existing worker: `Worker(client, ..., plugins=[plugin])`; made by `workers.saga_worker`.

    `sink` takes the snapshots of its executions, as the `give` of a `LedgerBuffer`.
    """

    def __init__(self, stage: Stage, client: Client, sink: Sink | None = None) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            "saga-orchestrator",
            workflows=[SagaWorkflow],
            activities=list(Activities(stage, client).all()),
            interceptors=_interceptors(sink),
        )


def _interceptors(sink: Sink | None) -> list[Interceptor]:
    return [] if sink is None else [HandingOver(sink)]
