"""How a simulated worker performs activities: the real ones, in the SDK's own environment for them, in virtual time."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from dataclasses import replace
from functools import cache
from math import inf
from typing import TYPE_CHECKING, Any

from temporalio.activity import _ActivityCancellationDetailsHolder, _Context  # pyright: ignore[reportPrivateUsage]
from temporalio.common import MetricMeter, _CompositeEvent  # pyright: ignore[reportPrivateUsage]
from temporalio.converter import DataConverter
from temporalio.testing import ActivityEnvironment

from orchestrator.adapters.temporal import given as names
from orchestrator.errors import PublishError
from orchestrator.testing.simulation.activation import cancellation, failure, from_payload, success, time_out

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from temporalio.activity import Info
    from temporalio.bridge.proto.activity_result import ActivityResolution

    from orchestrator.adapters.temporal.activities import Activities as SagaActivities
    from orchestrator.testing.simulation.activities import Activity
    from orchestrator.testing.simulation.worker import Worker
    from orchestrator.testing.simulation.world import World


ANSWER_S = 0.002
"""How long the answer to a sign of life takes."""
BEGINS_UNTIL: ContextVar[float] = ContextVar("BEGINS_UNTIL", default=inf)
"""Of the run to which code belongs: it begins no step later (express.md, 5), in seconds since the start."""


@cache
def _plain_info() -> Info:
    return ActivityEnvironment.default_info()


class Hands:
    """Performs activities for one worker."""

    def __init__(self, world: World, worker: Worker, activities: SagaActivities) -> None:
        self._world = world
        self._worker = worker
        self._functions: dict[str, Callable[..., Any]] = {
            names.RUN: activities.run,
            names.ATTEMPT: activities.attempt,
            names.BOUNDARY: activities.boundary,
            names.ANNOUNCE: activities.announce,
            names.PARK: activities.park,
        }

    def _info(self, **info: Any) -> Info:
        return replace(
            _plain_info(),
            workflow_id=self._world.execution_id,
            current_attempt_scheduled_time=self._worker.process.now(),
            **info,
        )

    def _spawn(self, activity: str, argument: Any, info: Info, beat: Callable[..., None]) -> asyncio.Task[Any]:
        """Run an activity in a context of its own, as the SDK's worker does."""
        _Context.set(_context(info, beat))  # pyright: ignore[reportUnknownMemberType]
        return asyncio.create_task(self._functions[activity](argument))

    async def local(self, asked: Any) -> ActivityResolution:
        """Perform a local activity within its limit; the core gives it up at the limit, whatever it does."""
        info = self._info(is_local=True, activity_id=asked.activity_id)
        argument = from_payload(asked.arguments[0])
        if asked.activity_type == names.RUN:
            BEGINS_UNTIL.set(self._world.loop.time() + argument["budget_ms"] / 1000)
        limit = asked.schedule_to_close_timeout.ToTimedelta().total_seconds()
        work = self._spawn(asked.activity_type, argument, info, _no_beat)
        try:
            done, _ = await asyncio.wait({work}, timeout=limit)
        except asyncio.CancelledError:
            work.cancel()
            raise
        if not done:
            work.cancel()
            self._world.dice.count("run gave no report")
            return time_out("it took too long")
        return success(work.result())

    def begin(self, one: Activity, attempt: int, started_at: datetime) -> None:
        """Begin an attempt of a normal activity, which the server has given to this worker at `started_at`."""
        self._worker.process.spawn(self._normal(one, attempt, started_at))

    async def _normal(self, one: Activity, attempt: int, started_at: datetime) -> None:
        server = self._world.server

        def beat(*_: Any) -> None:
            # A heartbeat is sent in the background; its answer may ask the activity to stop.
            if server.activities.heartbeat(one, attempt):
                self._worker.process.call(work.cancel, delay=ANSWER_S)

        info = self._info(
            activity_id=one.id,
            workflow_run_id=one.run.id,
            started_time=started_at,
            task_token=f"{one.run.id}/{one.seq}/{attempt}".encode(),
        )
        work = self._spawn(one.type, one.argument, info, beat)
        result = await self._outcome(work, one)
        await asyncio.sleep(self._world.dice.between(0.0005, 0.003))
        self._world.faults.around_report(self._worker)
        await asyncio.sleep(0)
        if not self._world.dice.fault("activity report lost", 0.02):
            server.activities.report(one, attempt, result)

    async def _outcome(self, work: asyncio.Task[Any], one: Activity) -> ActivityResolution:
        # The core gives a timed-out activity five seconds more.
        done, _ = await asyncio.wait({work}, timeout=one.limit_s + 5)
        if not done:
            work.cancel()
            return time_out("it took too long")
        if work.cancelled():
            return cancellation()
        error = work.exception()
        if error is None:
            return success(work.result())
        if not isinstance(error, PublishError):
            self._world.fail(f"activity {one.type} raised {error!r}")
        return failure(str(error))


def _no_beat(*_: Any) -> None:
    """A local activity has no heartbeat."""


def _context(info: Info, beat: Callable[..., None]) -> _Context:
    return _Context(
        info=lambda: info,
        heartbeat=beat,
        cancelled_event=_CompositeEvent(thread_event=threading.Event(), async_event=None),
        worker_shutdown_event=_CompositeEvent(thread_event=threading.Event(), async_event=None),
        shield_thread_cancel_exception=None,
        payload_converter_class_or_instance=DataConverter.default.payload_converter,
        runtime_metric_meter=MetricMeter.noop,
        client=None,
        cancellation_details=_ActivityCancellationDetailsHolder(),
    )
