"""Spans that were recorded, put together again: which are of one correlation, and what hangs from what. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.service.attempts import NOT_BEGUN
from orchestrator.service.records import milliseconds
from orchestrator.service.spans import MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from orchestrator.service.attempts import Attempt
    from orchestrator.service.records import ExecutionRow

ATTEMPTS = ("do", "undo", "probe")


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedSpan:
    """A span as it was recorded; what it did not say is empty.

    Attributes:
        links: traces that led to it.
        service: which process made it.
        began_ns, ended_ns: since the epoch.
    """

    trace_id: str
    span_id: str
    name: str
    began_ns: int
    ended_ns: int
    parent_id: str = ""
    links: tuple[str, ...] = ()
    service: str = ""
    execution_id: str = ""
    correlation_id: str = ""
    step: str = ""
    direction: str = ""
    attempt: int = 0
    outcome: str = ""
    error: str = ""
    revision: int = 0
    rank: int = 0
    ignored: str = ""

    @property
    def is_attempt(self) -> bool:
        """Whether it is an attempt as the journal has it, not a message of one."""
        return bool(self.revision) and self.attempt > 0 and self.direction in ATTEMPTS


@dataclass(frozen=True, slots=True)
class Branch:
    """A span with what hangs from it. One whose parent was not recorded hangs from nothing."""

    span: TracedSpan
    below: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class TraceTree:
    """One trace. `execution_id`: whose."""

    trace_id: str
    execution_id: str
    branches: tuple[Branch, ...]
    spans: tuple[TracedSpan, ...]


def trees(spans: Iterable[TracedSpan], wanted: str) -> tuple[TraceTree, ...]:
    """The traces in which a correlation or execution id occurs, or that have this id; whole, as they began."""
    by_trace: dict[str, list[TracedSpan]] = {}
    for span in spans:
        by_trace.setdefault(span.trace_id, []).append(span)
    found = [
        _tree(trace_id, once(ones))
        for trace_id, ones in by_trace.items()
        if wanted == trace_id or _speaks_of(ones, wanted)
    ]
    return tuple(sorted(found, key=lambda tree: min(span.began_ns for span in tree.spans)))


def of_attempts(row: ExecutionRow, attempts: Sequence[Attempt]) -> TraceTree:
    """What the journal knows of an execution, in the same shape; what is under way has no outcome yet."""
    began = milliseconds(row.started) * MS
    root = TracedSpan(
        trace_id="",
        span_id="root",
        name=row.saga,
        began_ns=began,
        ended_ns=began,
        execution_id=row.execution_id,
        correlation_id=row.correlation_id,
        outcome=row.status,
    )
    spans = [_attempted(root, place, one) for place, one in enumerate(attempts, start=1) if one.end != NOT_BEGUN]
    return _tree("", (root, *spans))


def _attempted(root: TracedSpan, place: int, one: Attempt) -> TracedSpan:
    ends = [_ns(then) for then in (one.began, one.ended) if then is not None] or [root.began_ns]
    return replace(
        root,
        span_id=str(place),
        parent_id=root.span_id,
        name=f"{one.direction} {one.step}",
        began_ns=min(ends),
        ended_ns=max(ends),
        step=one.step,
        direction=one.direction,
        attempt=one.attempt,
        outcome=one.end,
        error=one.code,
        revision=place,
        ignored=one.ignored,
    )


def _ns(then: datetime) -> int:
    return milliseconds(then) * MS


def once(spans: Iterable[TracedSpan]) -> tuple[TracedSpan, ...]:
    """Each span once: a crash makes processes tell the same twice.

    Of several tellings of one attempt that counts which the engine took notice of; of those, the one of the highest
    rank, and of these the latest: a lost task and its repeat may be at one length of the history. Who tells of what
    another process performed does not know its times: they are taken from whoever does.
    """
    tellings: dict[tuple[str, str], list[TracedSpan]] = {}
    for span in spans:
        tellings.setdefault((span.trace_id, span.span_id), []).append(span)
    return tuple(map(_true_one, tellings.values()))


def _true_one(tellings: Sequence[TracedSpan]) -> TracedSpan:
    best = max(tellings, key=lambda span: (not span.ignored, span.rank, span.ended_ns, span.revision))
    alike = [one for one in tellings if (one.revision, one.outcome) == (best.revision, best.outcome)]
    timed = max(alike, key=lambda span: span.ended_ns - span.began_ns)
    return replace(best, began_ns=timed.began_ns, ended_ns=timed.ended_ns)


def _speaks_of(spans: Sequence[TracedSpan], wanted: str) -> bool:
    return any(wanted in (span.correlation_id, span.execution_id) for span in spans)


def _tree(trace_id: str, spans: tuple[TracedSpan, ...]) -> TraceTree:
    known = {span.span_id for span in spans}
    below: dict[str, list[TracedSpan]] = {}
    for span in spans:
        below.setdefault(span.parent_id if span.parent_id in known else "", []).append(span)

    def branches(parent_id: str) -> tuple[Branch, ...]:
        return tuple(Branch(span, branches(span.span_id)) for span in _in_order(below.get(parent_id, ())))

    execution_id = next((span.execution_id for span in spans if span.execution_id), "")
    return TraceTree(trace_id, execution_id, branches(""), spans)


def _in_order(siblings: Iterable[TracedSpan]) -> list[TracedSpan]:
    """By the journal where it speaks, since a clock of another machine may be off; the others by time between these."""
    by_journal = sorted(siblings, key=lambda span: span.revision)
    latest, place = 0, dict[str, int]()
    for span in by_journal:
        if span.revision:
            latest = max(latest, span.began_ns)
        place[span.span_id] = latest if span.revision else span.began_ns
    return sorted(by_journal, key=lambda span: place[span.span_id])
