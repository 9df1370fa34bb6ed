"""The model server's normal activities: handed to workers, given up after their time, tried again by policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.testing.simulation.activation import cancellation, from_payload, time_out
from orchestrator.testing.simulation.history import Event, Kind
from orchestrator.testing.simulation.loop import EPOCH

if TYPE_CHECKING:
    import asyncio
    from datetime import datetime

    from temporalio.bridge.proto.activity_result import ActivityResolution

    from orchestrator.testing.simulation.runs import Run
    from orchestrator.testing.simulation.server import Server

END_OF = {"completed": Kind.ACTIVITY_COMPLETED, "failed": Kind.ACTIVITY_FAILED, "cancelled": Kind.ACTIVITY_CANCELED}


@dataclass(eq=False, slots=True)
class Activity:
    """One normal activity. `attempt` is the one under way, given to a worker at `started_at`; no other may report."""

    run: Run
    seq: int
    id: str
    type: str
    argument: Any
    limit_s: float
    heartbeat_s: float
    attempts: int
    pause_s: float
    attempt: int = 0
    started_at: datetime = EPOCH
    beat_at: float = 0.0
    is_started: bool = False
    is_cancelled: bool = False
    timer: asyncio.TimerHandle | None = None


class ActivityBoard:
    """All activities that are open."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._open: dict[tuple[str, int], Activity] = {}

    @property
    def are_open(self) -> bool:
        """Whether any is."""
        return bool(self._open)

    def schedule(self, run: Run, asked: Any) -> None:
        """A workflow task asked for one."""
        made = Activity(
            run=run,
            seq=asked.seq,
            id=asked.activity_id,
            type=asked.activity_type,
            argument=from_payload(asked.arguments[0]),
            limit_s=asked.start_to_close_timeout.ToTimedelta().total_seconds(),
            heartbeat_s=asked.heartbeat_timeout.ToTimedelta().total_seconds(),
            attempts=asked.retry_policy.maximum_attempts,
            pause_s=asked.retry_policy.initial_interval.ToTimedelta().total_seconds() or 1.0,
        )
        self._open[(run.id, made.seq)] = made
        # Mostly started eagerly, with the answer to the workflow task.
        is_eager = self._server.dice.chance(0.8)
        self._server.loop.after(0.0005 if is_eager else self._server.dice.between(0.005, 0.05), self._offer, made)

    def _offer(self, one: Activity) -> None:
        if not self._is_open(one) or one.is_started:
            return
        polling = [worker for worker in self._server.world.workers if worker.process.is_running]
        if not polling:
            self._server.loop.after(0.05, self._offer, one)
            return
        one.attempt, one.is_started = one.attempt + 1, True
        one.beat_at, one.started_at = self._server.loop.time(), self._server.process.now()
        self._watch(one, one.attempt, self._server.loop.time() + one.limit_s)
        self._server.dice.one_of(polling).attempt(one, one.attempt)

    def _is_open(self, one: Activity) -> bool:
        return self._open.get((one.run.id, one.seq)) is one

    def _watch(self, one: Activity, attempt: int, ends: float) -> None:
        due = min(ends, one.beat_at + one.heartbeat_s) if one.heartbeat_s else ends
        one.timer = self._server.loop.after(due - self._server.loop.time(), self._look_at, one, attempt, ends)

    def _look_at(self, one: Activity, attempt: int, ends: float) -> None:
        if not self._is_open(one) or one.attempt != attempt or not one.is_started:
            return
        now = self._server.loop.time()
        if now < ends and now < one.beat_at + one.heartbeat_s:
            self._watch(one, attempt, ends)
            return
        self._server.dice.count("activity timed out")
        if self._again(one):
            return
        ended = time_out("no end was reported in time", is_silent=now < ends)
        self._end(one, Kind.ACTIVITY_TIMED_OUT, ended)

    def _again(self, one: Activity) -> bool:
        """Try once more, if its policy lets it."""
        if one.is_cancelled or (one.attempts and one.attempt >= one.attempts):
            return False
        one.is_started = False
        self._server.dice.count("activity repeated")
        self._server.loop.after(one.pause_s, self._offer, one)
        return True

    def heartbeat(self, one: Activity, attempt: int) -> bool:
        """A sign of life; says whether the attempt is to stop."""
        if not self._is_open(one) or one.attempt != attempt:
            return True
        one.beat_at = self._server.loop.time()
        return one.is_cancelled

    def is_given_up(self, token: bytes) -> bool:
        """Whether the attempt of this token need not go on; a question is a sign of life."""
        run_id, seq, attempt = token.decode().split("/")
        one = self._open.get((run_id, int(seq)))
        return one is None or self.heartbeat(one, int(attempt))

    def report(self, one: Activity, attempt: int, result: ActivityResolution) -> None:
        """How an attempt ended; refused if the server waits for another one, or for none."""
        if not self._is_open(one) or one.attempt != attempt or not one.is_started:
            self._server.dice.count("late activity report refused")
            return
        status = result.WhichOneof("status") or ""
        if status == "failed" and self._again(one):
            return
        self._end(one, END_OF[status], result)

    def cancel(self, run: Run, seq: int) -> None:
        """The workflow asks for its end; a started one hears of it with its next sign of life."""
        one = self._open.get((run.id, seq))
        if one is None:
            return
        one.is_cancelled = True
        if not one.is_started:
            self._end(one, Kind.ACTIVITY_CANCELED, cancellation())

    def drop(self, run: Run) -> None:
        """The run has ended: nobody waits for its activities any more."""
        for key in [key for key in self._open if key[0] == run.id]:
            self._open.pop(key)

    def _end(self, one: Activity, kind: Kind, result: ActivityResolution) -> None:
        self._open.pop((one.run.id, one.seq), None)
        if one.timer is not None:
            one.timer.cancel()
        more = {"seq": one.seq, "result": result, "what": one.type}
        self._server.loop.after(0.0, self._server.add, one.run, Event(kind, more=more))
