"""Invariant 24: what simulated workers tell of their journals as spans, and whether that is the journal.

The real port tells them, behind a pause like the ledger's: what a process holds back when it is killed is lost.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from temporalio import workflow

from orchestrator.engine.signals import Elapsed, Failed, Refused, Succeeded
from orchestrator.engine.turn import timer_kind
from orchestrator.service.buffering import PAUSE, merged
from orchestrator.service.spans import Traces
from orchestrator.service.traced import TracedSpan, once
from orchestrator.service.tracing import Exchanges, Tracing, TracingLedger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from orchestrator.engine.execution import Entry
    from orchestrator.engine.signals import Signal
    from orchestrator.service.records import Snapshot
    from orchestrator.service.spans import Span
    from orchestrator.testing.simulation.loop import Process
    from orchestrator.testing.simulation.world import World

Attempt = tuple[str, str, int, str]
"""Step, direction, number and outcome."""
OUTCOMES: dict[type, str] = {Succeeded: "ok", Refused: "rejected", Failed: "unknown"}
SHARED = [one.name for one in fields(TracedSpan) if one.name not in ("links", "service")]


@dataclass(slots=True)
class Handed:
    """A snapshot that was handed over.

    Attributes:
        is_recorded: the server has accepted the task in which it was.
        is_told: it was told as spans.
    """

    snapshot: Snapshot
    is_recorded: bool = False
    is_told: bool = False


@dataclass(slots=True)
class Told:
    """What all workers of a world have handed over and told.

    Attributes:
        recorded: id, rank, revision and outcome of the spans that were told of tasks which the server had accepted.
    """

    handed: list[Handed] = field(default_factory=list[Handed])
    spans: list[Span] = field(default_factory=list["Span"])
    recorded: set[tuple[str, int, int, str]] = field(default_factory=set[tuple[str, int, int, str]])


class _Nowhere:
    """A ledger that is not looked at."""

    async def write(self, snapshots: Any, messages: Any = ()) -> int:  # noqa: ARG002 - as the port has it
        """Nothing is kept."""
        return len(snapshots)

    async def mark_stale(self, since: Any, until: Any) -> None:
        """No ledger."""


class Telling:
    """What one worker process tells. Gives `give` to its workflows."""

    def __init__(self, world: World, process: Process) -> None:
        self._world = world
        self._process = process
        self._told = world.told
        self._waiting: list[Handed] = []
        self._open: list[Handed] = []
        self._is_recorded = False
        tracing: Any = Tracing(self, Traces("simulated"), Exchanges("", "", ""))  # type: ignore[arg-type]
        self._ledger = TracingLedger(_Nowhere(), tracing)

    def give(self, snapshot: Snapshot) -> None:
        """Take a snapshot; it is told after a pause, unless the process is killed before."""
        if workflow.unsafe.is_replaying():
            self._world.fail("invariant 24: a snapshot was handed over while history was replayed")
        one = Handed(snapshot)
        self._told.handed.append(one)
        self._open.append(one)
        if not self._waiting:
            self._process.call(self._tell, delay=PAUSE.total_seconds())
        self._waiting.append(one)

    def recorded(self, run_id: str) -> None:
        """The server has accepted the task of this run in which the last ones were handed over."""
        for one in self._open:
            one.is_recorded |= one.snapshot.position.run_id == run_id
        self.lost(run_id)

    def lost(self, run_id: str) -> None:
        """What this run has handed over and not recorded never will be."""
        self._open = [one for one in self._open if one.snapshot.position.run_id != run_id]

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        runs: dict[str, Snapshot] = {}
        for one in waiting:
            before = runs.get(one.snapshot.position.run_id)
            runs[one.snapshot.position.run_id] = merged(before, one.snapshot) if before else one.snapshot
            one.is_told = True
        self._is_recorded = all(one.is_recorded for one in waiting)
        writing = self._ledger.write(list(runs.values()))
        with suppress(StopIteration):  # it is at its end: nothing in it waits
            writing.send(None)

    async def store(self, spans: Sequence[Span]) -> None:
        """Keep them. A lost attempt and its repeat may tell the same; of what the server has, each is told once."""
        self._told.spans += spans
        for span in spans if self._is_recorded else ():
            telling = _telling(span)
            if telling in self._told.recorded:
                self._world.fail(f"invariant 24: {span.name} {span.attempt} is told twice at one position")
            self._told.recorded.add(telling)


def complaints_of_spans(told: Told, journal: Sequence[Entry]) -> Iterator[str]:
    """24. Span truth.

    Every do and undo attempt has one span with the outcome; the trace's tree equals the journal's order.

    Missing may be what only killed processes were handed; beyond the journal is only what a lost attempt told.
    """
    expected = _of_journal(journal)
    traced = [TracedSpan(**{name: getattr(span, name) for name in SHARED}) for span in told.spans]
    shown = {one.span_id: one for one in once(traced) if one.is_attempt and not one.ignored}
    found = [_attempt(one) for one in sorted(shown.values(), key=_place)]
    revisions = {attempt: revision for revision, attempt in expected}
    for revision, attempt in expected:
        if attempt in found:
            continue
        handed = [one for one in told.handed if any(entry.revision == revision for entry in one.snapshot.told)]
        if not handed:
            yield f"{attempt} was never handed over"
        elif any(one.is_told and one.is_recorded for one in handed):
            yield f"{attempt} was told, and there is no such span among {found}"
    # A later end of an attempt may be missing as any other: then its span shows the one before.
    known = {_end_of(entry.signal) for entry in journal if not entry.ignored}
    beyond = [attempt for attempt in found if attempt not in known]
    if beyond and all(one.is_recorded for one in told.handed):
        yield f"{beyond} are told, and the journal does not have them"
    acts = [attempt[:3] for attempt in found]
    if len(set(acts)) < len(acts):
        yield f"an attempt has several spans: {found}"
    # A lost attempt's span stands where that attempt had it, until somebody tells it anew.
    true = [_attempt(one) for one in sorted(shown.values(), key=_place) if _telling(one) in told.recorded]
    order = [revisions[attempt] for attempt in true if attempt in revisions]
    if order != sorted(order):
        yield f"spans come in the order {found}, the journal's is {[attempt for _, attempt in expected]}"


def _attempt(span: TracedSpan) -> Attempt:
    return (span.step, span.direction, span.attempt, span.outcome)


def _telling(span: Span | TracedSpan) -> tuple[str, int, int, str]:
    return (span.span_id, span.rank, span.revision, span.outcome)


def _place(span: TracedSpan) -> int:
    return span.revision


def _of_journal(journal: Iterable[Entry]) -> list[tuple[int, Attempt]]:
    """Each attempt that counted, at its last end: its place and what came of it."""
    ends: dict[tuple[str, str, int], tuple[int, str]] = {}
    for entry in journal:
        end = None if entry.ignored else _end_of(entry.signal)
        if end is not None:
            ends[end[:3]] = (entry.revision, end[3])
    return sorted((revision, (*act, outcome)) for act, (revision, outcome) in ends.items())


def _end_of(signal: Signal) -> Attempt | None:
    if isinstance(signal, Elapsed):
        if timer_kind(signal.timer) != "limit":
            return None
        _, direction, attempt, step = signal.timer.split(":", 3)
        return (step, direction, int(attempt), "unknown")
    if isinstance(signal, Succeeded | Refused | Failed):
        return (signal.step, signal.direction, signal.attempt, OUTCOMES[type(signal)])
    return None
