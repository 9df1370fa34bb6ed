"""The interpreter's hands: activities of either lane, boundaries, notices."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    FailureError,
    TimeoutType,
    is_cancelled_exception,
)
from temporalio.exceptions import TimeoutError as OutOfTimeError

from orchestrator.adapters.temporal import given as names
from orchestrator.adapters.temporal.given import Call, Given, Notice, Report, Request, RunReport, from_json, to_json
from orchestrator.adapters.temporal.room import MAX_ASKED_BYTES, MAX_KNOWN_BYTES, size_of
from orchestrator.adapters.temporal.running import BRIEF_LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Sequence

    from orchestrator.adapters.temporal.pending import Pending
    from orchestrator.engine.effects import Alert, CancelAttempt, Park, Perform
    from orchestrator.engine.execution import Execution
    from orchestrator.engine.lookahead import RunItem

ONCE = RetryPolicy(maximum_attempts=1)
PATIENT = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=20))
HEARTBEAT = timedelta(seconds=4)
"""A durable attempt that was not heard of for so long is lost: sagas wait for that when their worker is killed."""
SLACK_MS = 1_000
"""An action's own deadline is so much earlier than the server's (express.md, 13)."""
STATUS = SearchAttributeKey.for_keyword("SagaStatus")
SHOWN = frozenset({"Stuck", "Parked", "Suspended"})


class Calls:
    """Starts what an interpreter asks for and keeps track of what is open."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._attempts: dict[tuple[str, str, int], asyncio.Task[Any]] = {}
        self._handles: dict[tuple[str, str, int], workflow.ActivityHandle[Any]] = {}
        self._notices: set[asyncio.Task[None]] = set()
        self._shown = ""
        self._asked = 0

    @property
    def are_open(self) -> bool:
        """Whether a normal activity is under way."""
        return bool(self._attempts or self._notices)

    async def run(
        self, execution: Execution, items: Sequence[RunItem], resends: Sequence[Pending], *, room: int
    ) -> RunReport | None:
        """Perform a run as one local activity, with results of at most `room` bytes; None if it came to no report."""
        calls = [self._call(execution, item.perform, item) for item in items]
        calls += [self._call(execution, one.perform, deadline_ms=one.deadline_ms) for one in resends]
        budget_ms = self._given.limits.run_budget_ms
        request = self._request(calls, budget_ms, room)
        limit = timedelta(milliseconds=budget_ms, seconds=BRIEF_LIMIT_S + 0.2)
        try:
            made = await workflow.execute_local_activity(
                names.RUN, to_json(request), schedule_to_close_timeout=limit, retry_policy=ONCE, result_type=dict
            )
        except FailureError as error:
            # A local activity that raised comes as its bare error, one that ran out of time as an ActivityError.
            if is_cancelled_exception(error):
                raise
            return None
        return from_json(RunReport, made)

    def begin(self, perform: Perform, execution: Execution, tell: Callable[[Perform, Report], None]) -> bool:
        """Begin a durable attempt; `tell` gets its report. False: this workflow task has asked for too much already."""
        call = self._call(execution, perform)
        way = (perform.step, perform.direction, perform.attempt)
        limit_ms = self._given.limits.resend_first_ms if call.call.lane == "command" else call.within_ms
        argument = to_json(self._request([call], limit_ms, MAX_KNOWN_BYTES))
        if not self._asks(size_of(argument)):
            return False
        task = asyncio.create_task(self._attempt(way, call, argument, limit_ms))
        self._attempts[way] = task

        def told(ended: asyncio.Task[Report]) -> None:
            self._attempts.pop(way, None)
            self._handles.pop(way, None)
            if not ended.cancelled() and ended.exception() is None:
                tell(perform, ended.result())

        task.add_done_callback(told)
        return True

    def _asks(self, size: int) -> bool:
        """Count what one more request takes of the message that ends this workflow task; whether it has room for it."""
        if self._asked and self._asked + size > MAX_ASKED_BYTES:
            return False
        self._asked += size
        return True

    def recorded(self) -> None:
        """What was asked for so far is the server's: the next message is empty."""
        self._asked = 0

    async def _attempt(self, way: tuple[str, str, int], call: Call, argument: Any, limit_ms: int) -> Report:
        handle = self._handles[way] = workflow.start_activity(
            names.ATTEMPT,
            argument,
            start_to_close_timeout=timedelta(milliseconds=limit_ms + SLACK_MS),
            heartbeat_timeout=HEARTBEAT,
            retry_policy=ONCE,
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=f"{call.direction} {call.step}",
            result_type=dict,
        )
        try:
            return from_json(Report, await handle)
        except ActivityError as error:
            return _no_verdict(call, error, _still_performed_ms(error, limit_ms))

    def cancel(self, effect: CancelAttempt) -> None:
        """Ask a durable attempt to stop; a brief one is over before anybody could ask."""
        handle = self._handles.get((effect.step, effect.direction, effect.attempt))
        if handle is not None:
            handle.cancel()

    async def boundary(self, *, since: int = 0) -> bool:
        """Have the server record this workflow task; given a place, say whether an attempt was lost since."""
        made: bool = await workflow.execute_activity(
            names.BOUNDARY,
            since,
            start_to_close_timeout=timedelta(seconds=10),
            retry_policy=PATIENT,
            summary="boundary",
            result_type=bool,
        )
        self.recorded()
        return made

    def alert(self, effect: Alert, execution: Execution) -> None:
        """Publish `saga.execution.<what>`; errors of both directions travel in it, payloads do not."""
        step = execution.step(effect.step)
        body = {
            "execution": execution.state.execution_id,
            "step": effect.step,
            "reason": effect.reason,
            "error": step.error,
            "undo_error": step.undo_error,
        }
        identity = f"{effect.what}:{effect.step}:{execution.state.revision}"
        message_type = f"saga.execution.{effect.what}"
        self._notify(names.ANNOUNCE, type=message_type, body=body, reason=effect.reason, identity=identity)

    def park(self, effect: Park) -> None:
        """Put an event that cannot be used into parking."""
        event = effect.event
        self._notify(
            names.PARK,
            type=event.type,
            body=event.payload,
            reason=f"{effect.code}: {effect.reason}",
            identity=event.message_id,
            source=event.source,
            sequence=event.sequence,
            version=event.version,
        )

    def _notify(self, activity: str, **told: Any) -> None:
        notice = to_json(Notice(execution_id=self._given.execution_id, thread=self._given.thread, **told))
        # One that this workflow task has no room for waits until those before it are told.
        behind = () if self._asks(size_of(notice)) else tuple(self._notices)
        task = asyncio.create_task(_tell(activity, notice, behind))
        self._notices.add(task)
        task.add_done_callback(self._notices.discard)

    def take_up(self, word: str) -> None:
        """An earlier run of this execution has shown this word."""
        self._shown = word if word in SHOWN else ""

    def show_status(self, word: str) -> None:
        """Keep the search attribute: it is written only when people are needed, and when they are not any more."""
        if word != self._shown and (word in SHOWN or self._shown):
            workflow.upsert_search_attributes([STATUS.value_set(word)])  # pyright: ignore[reportUnknownMemberType]
            self._shown = word

    async def finish(self) -> None:
        """Wait for notices; stop attempts whose outcome came another way."""
        while self._notices:
            await workflow.wait(list(self._notices))
        for handle in self._handles.values():
            handle.cancel()

    def _call(
        self, execution: Execution, perform: Perform, item: RunItem | None = None, *, deadline_ms: int = 0
    ) -> Call:
        step, direction = perform.step, perform.direction
        return Call(
            step=step,
            direction=direction,
            attempt=perform.attempt,
            call=perform.call,
            key=execution.key(step, direction),
            undoes="" if direction == "do" else execution.key(step, "do"),
            after=list(item.after) if item else [],
            facts=item.facts if item else execution.facts_for(step, perform.call),
            gives=None if direction == "undo" else execution.gives(step),
            within_ms=execution.within_ms(step),
            deadline_ms=deadline_ms,
        )

    def _request(self, calls: list[Call], budget_ms: int, room: int) -> Request:
        given = self._given
        return Request(
            execution_id=given.execution_id, thread=given.thread, calls=calls, budget_ms=budget_ms, room=room
        )


async def _tell(activity: str, notice: Any, behind: Collection[asyncio.Task[None]]) -> None:
    if behind:
        await workflow.wait(list(behind))
    coroutine: Coroutine[Any, Any, Any] = workflow.execute_activity(
        activity, notice, start_to_close_timeout=timedelta(seconds=30), retry_policy=PATIENT
    )
    await coroutine


def _still_performed_ms(error: ActivityError, limit_ms: int) -> int:
    """How long from now a slow worker may still perform an attempt that ended so, milliseconds.

    It counts from when the server gave it the attempt, which may be long after we asked for it. Whoever reported its
    end performs it no longer.
    """
    match error.cause:
        case CancelledError() | ApplicationError() | OutOfTimeError(type=TimeoutType.START_TO_CLOSE):
            return 0
        case OutOfTimeError(type=TimeoutType.HEARTBEAT):
            return max(0, limit_ms + SLACK_MS - HEARTBEAT // timedelta(milliseconds=1))
        case _:
            return limit_ms + SLACK_MS


def _no_verdict(call: Call, error: ActivityError, fence_ms: int) -> Report:
    reason = str(error.cause or error)
    return Report(
        step=call.step,
        direction=call.direction,
        attempt=call.attempt,
        kind="failed",
        reason=reason,
        retryable=True,
        fence_ms=fence_ms,
    )
