"""Performs a whole run of brief calls: each as soon as what it waits for has succeeded, within one budget.

Rule 5 of express.md: it never raises, begins nothing later than the budget after it was scheduled, stops every call
hard, and begins nothing more once any call did not succeed. What has no answer by then is reported as pending. A result
that would make the report too large for its marker fails its step.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestrator.adapters.temporal.given import Call, Report, Request, RunReport
from orchestrator.adapters.temporal.performing import Scene, Stage, Watch, perform, report
from orchestrator.adapters.temporal.room import MAX_KNOWN_BYTES, fitting, size_of
from orchestrator.together import stop
from orchestrator.wallclock import now

if TYPE_CHECKING:
    from collections.abc import Mapping

BRIEF_LIMIT_S = 1.0
"""Hard limit of one brief action, and of the look for a command's reply, seconds."""


class Run:
    """One run under way."""

    def __init__(self, stage: Stage, request: Request, workflow_id: str, watch: Watch) -> None:
        self._stage = stage
        self._request = request
        self._workflow_id = workflow_id
        self._watch = watch
        self._budget = request.budget_ms / 1000
        self._waiting = list(request.calls)
        self._facts: dict[str, Any] = {}
        self._open: dict[asyncio.Task[Report], Call] = {}
        self._reports: list[Report] = []
        self._succeeded: set[str] = set()
        self._is_stopped = False
        self._room = MAX_KNOWN_BYTES if request.room is None else request.room

    async def perform(self) -> RunReport:
        """Perform what can be performed, and report it in the order in which it ended."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            while (ready := self._take_ready()) or self._open:
                if len(ready) == 1 and not self._open:
                    # Nothing goes on beside it, so it needs no task of its own.
                    self._end(ready[0], await self._one(ready[0]))
                else:
                    await self._side_by_side(ready)
        except (Exception, asyncio.CancelledError):
            # Not where nobody goes on with this coroutine at all, as in a process that was killed (GeneratorExit).
            await stop(*self._open)
            raise
        took_ms = int((loop.time() - began) * 1000)
        return RunReport(reports=self._reports, elapsed_ms=int(self._watch.elapsed() * 1000), took_ms=took_ms)

    async def _side_by_side(self, ready: list[Call]) -> None:
        """Begin these beside what is open; until something has ended."""
        for call in ready:
            self._open[asyncio.create_task(self._one(call))] = call
        ended, _ = await asyncio.wait(self._open, return_when=asyncio.FIRST_COMPLETED)
        for task in sorted(ended, key=lambda task: self._request.calls.index(self._open[task])):
            self._end(self._open.pop(task), task.result())

    def _take_ready(self) -> list[Call]:
        """What may begin now; nothing once the budget is spent or a call did not succeed."""
        if self._watch.elapsed() >= self._budget:
            self._is_stopped = True
        if self._is_stopped:
            return []
        ready = [call for call in self._waiting if self._succeeded.issuperset(call.after)]
        self._waiting = [call for call in self._waiting if call not in ready]
        return ready

    async def _one(self, call: Call) -> Report:
        is_copy = bool(call.deadline_ms)
        if call.call.lane == "command" and not is_copy:
            call = replace(call, deadline_ms=int(now().timestamp() * 1000) + call.within_ms)
        patience = max(0.05, self._budget - self._watch.elapsed())
        scene = Scene(
            execution_id=self._request.execution_id,
            workflow_id=self._workflow_id,
            thread=self._request.thread,
            call=call,
            facts={**self._known(call), **call.facts},
            patience=patience,
            is_copy=is_copy,
        )
        try:
            async with asyncio.timeout(max(patience, BRIEF_LIMIT_S)):
                return await perform(self._stage, scene)
        except TimeoutError:
            return late(call)
        except asyncio.CancelledError as error:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            # Nobody asked for it: an author's code raised it, or a task of its own was cancelled.
            return report(call, "failed", reason=f"{type(error).__name__} out of the call", retryable=True)

    def _known(self, call: Call) -> Mapping[str, Any]:
        wanted = {need.fact for need in call.call.needs}
        return {name: value for name, value in self._facts.items() if name in wanted}

    def _end(self, call: Call, made: Report) -> None:
        made = fitting(made, self._room)
        self._room -= size_of(made.result)
        self._reports.append(made)
        if made.kind != "ok":
            self._is_stopped = True
            return
        self._succeeded.add(call.step)
        if call.gives is not None:
            self._facts[call.gives] = made.result


def late(call: Call) -> Report:
    """A call that was stopped at its hard limit: a command is sent again, an action tried again by policy."""
    if call.call.lane == "command":
        return report(call, "pending", deadline_ms=call.deadline_ms, reason="not sent in time")
    return report(call, "failed", reason=f"not done within {BRIEF_LIMIT_S:g} s", retryable=True)
