"""How much one execution may know. Its facts and the events it holds travel whole: as input, result and marker.

Temporal takes 2 MiB in one payload and 4 MiB in one message, and fails a workflow task that has more without end. So
what would be too much is never taken: a result fails its step, an event is parked.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestrator.engine.effects import Park
from orchestrator.engine.signals import Arrived, Failed, RetryRequested, SkipRequested, Succeeded

if TYPE_CHECKING:
    from orchestrator.adapters.temporal.given import Report
    from orchestrator.engine.execution import Execution
    from orchestrator.engine.signals import Signal
    from orchestrator.saga.plan import Plan

MAX_KNOWN_BYTES = 1_500_000
"""What one execution may know in all, bytes as the SDK encodes it: what is not ASCII takes six or more."""
MAX_WITH_PLAN_BYTES = 1_850_000
"""The same with its plan, beside which it travels into a new run."""
MAX_ASKED_BYTES = 1_000_000
"""What one workflow task asks of the server beside its runs, bytes; a single request may be larger."""
OVERHEAD = 500
"""What one piece of news adds beside its content, bytes: names, hashes, the state of a step."""
REMEDY = "keep large content elsewhere, and its address in the saga"


def size_of(value: Any) -> int:
    """Bytes of a JSON value as the SDK encodes it."""
    return len(json.dumps(value, separators=(",", ":")))


def too_large(size: int, room: int) -> str:
    """Why a result cannot be taken."""
    return (
        f"its result takes {size} bytes, {max(room, 0)} are left of the {MAX_KNOWN_BYTES} that an execution may know"
        f" (what is not ASCII takes six or more): {REMEDY}"
    )


def fitting(made: Report, room: int) -> Report:
    """A report whose result fits into `room`, bytes; else the step has failed, and a repeat would make the same."""
    if made.kind != "ok" or made.result is None or (size := size_of(made.result)) <= room:
        return made
    return replace(made, kind="failed", result=None, reason=too_large(size, room), retryable=False)


class Room:
    """What is left to one execution. Asked before each piece of news is taken.

    It adds up what was taken, and looks at the whole state only where that sum says that it might be too much. So what
    it decides follows from the state alone, as a replay must.
    """

    def __init__(self, execution: Execution, taken: int) -> None:
        self._execution = execution
        self._at_most = taken + OVERHEAD

    @property
    def left(self) -> int:
        """Bytes that may still be taken, at least."""
        return allowed(self._execution.plan) - self._at_most

    def fit(self, signal: Signal) -> Signal | Park:
        """The signal, if what it brings can be taken; else what comes instead of it."""
        self._at_most += OVERHEAD
        match signal:
            case Succeeded(result=result) if result is not None and signal.direction != "undo":
                size = size_of(result)
                return signal if self._takes(size) else _failed(signal, too_large(size, self.left))
            case Arrived(event=event) if event.identity not in self._execution.state.seen:
                size = size_of(event.payload)
                text = f"it takes {size} bytes, {max(self.left, 0)} are left of what the execution may know"
                return signal if self._takes(size) else Park(event, "no-room", text)
            case SkipRequested(result=brought) | RetryRequested(edited=brought):
                self._at_most += size_of(brought)  # there was no objection to it
                return signal
            case _:
                return signal

    def objection(self, command: dict[str, Any]) -> str:
        """Why a person's command cannot be taken, for what it brings; empty if it can. Changes nothing."""
        size = size_of(command)
        if size <= self.left:
            return ""
        left = allowed(self._execution.plan) - size_of(self._execution.dump())
        return "" if size <= left else f"the input is too large: {too_large(size, left)}"

    def _takes(self, size: int) -> bool:
        if size > self.left:
            self._at_most = size_of(self._execution.dump())
        if size > self.left:
            return False
        self._at_most += size
        return True


_allowed: dict[str, int] = {}
CACHED_PLANS = 256


def allowed(plan: Plan) -> int:
    """What an execution of this plan may know, bytes: a pure function of the plan, from a small cache."""
    known = _allowed.get(plan.content_hash)
    if known is None:
        if len(_allowed) >= CACHED_PLANS:
            _allowed.clear()
        known = _allowed[plan.content_hash] = min(MAX_KNOWN_BYTES, MAX_WITH_PLAN_BYTES - size_of(plan.document))
    return known


def _failed(signal: Succeeded, reason: str) -> Failed:
    return Failed(step=signal.step, direction=signal.direction, attempt=signal.attempt, reason=reason, retryable=False)
