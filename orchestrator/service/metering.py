"""Numbers about executions, from what was news to the ledger. Nothing is counted while history is replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.service import metrics
from orchestrator.service.attempts import NOT_BEGUN, end_of
from orchestrator.service.spans import MS, AttemptId, command_of
from orchestrator.service.timing import AttemptTimes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.service.changes import Change
    from orchestrator.service.journal import JournalEntry
    from orchestrator.service.meters import Meter

S = 1_000_000_000
"""Nanoseconds in a second."""


class Metering:
    """Counts executions and attempts into a meter."""

    def __init__(self, meter: Meter) -> None:
        self.times = AttemptTimes()
        self._meter = meter

    def take(self, changes: Sequence[Change]) -> None:
        """Count what a write into the ledger changed."""
        for change in changes:
            if change.before is None:
                self._meter.add(metrics.EXECUTIONS_STARTED, 1, change.saga)
            if change.is_end:
                self._meter.add(metrics.EXECUTIONS_ENDED, 1, change.saga, change.status)
                self._meter.record(metrics.EXECUTION_DURATION, change.lasted_ms / 1000, change.saga, change.status)
            for entry in change.entries:
                self._take_entry(change, entry)

    def _take_entry(self, change: Change, entry: JournalEntry) -> None:
        if entry.command_id:
            outcome = "refused" if entry.ignored else "ok"
            self._meter.add(metrics.COMMANDS_OF_PEOPLE, 1, change.saga, command_of(entry), outcome)
        elif entry.kind == "Lost":
            self._meter.add(metrics.RUNS_LOST, 1, change.saga)
        elif end_of(entry) not in ("", NOT_BEGUN) and not entry.ignored:
            self._take_attempt(change, entry)

    def _take_attempt(self, change: Change, entry: JournalEntry) -> None:
        way = (change.saga, entry.step, entry.direction)
        self._meter.add(metrics.ATTEMPTS, 1, *way, end_of(entry))
        if entry.attempt > 1:
            self._meter.add(metrics.ATTEMPTS_REPEATED, 1, *way)
        times = self.times.take(AttemptId(change.execution_id, entry.step, entry.direction, entry.attempt))
        if times is not None:
            taken = times.until(entry.at_ms * MS) - times.began_ns
            self._meter.record(metrics.ATTEMPT_DURATION, taken / S, *way)
