"""Figures of a ledger in memory, counted one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from orchestrator.adapters.sql.figures import KINDS
from orchestrator.service.figures import Failing, Figures, Latency, Rate
from orchestrator.service.records import IN_FLIGHT, milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.service.figures import Span
    from orchestrator.service.records import ExecutionRow
    from tests.service_kit import FakeLedger


@dataclass
class MemoryFigures:
    """Implements `service.figures.FiguresReader`."""

    ledger: FakeLedger

    async def figures(self, span: Span, sagas: frozenset[str] | None = None) -> Figures:
        rows = [one.row for one in self.ledger.details.values() if sagas is None or one.row.saga in sagas]
        ends = [(row, milliseconds(row.ended)) for row in rows if row.ended]
        ended = [(row, end) for row, end in ends if span.start_ms <= end < span.end_ms]
        counts: dict[Rate, list[int]] = {rate: [0] * span.buckets for rate in get_args(Rate)}
        for row, end in ended:
            for rate in KINDS.get(row.status, ()):
                counts[rate][(end - span.start_ms) // span.width_ms] += 1
        for row in (*(row for row, _ in ended), *(row for row in rows if row.status in IN_FLIGHT)):
            place = (milliseconds(row.started) - span.start_ms) // span.width_ms
            if 0 <= place < span.buckets:
                counts["started"][place] += 1
        took = defaultdict[tuple[str, str, str], list[int]](list)
        for row, end in ended:
            took[row.saga, "", ""].append(end - milliseconds(row.started))
            for step, direction, length in self._answered(row):
                took[row.saga, step, direction].append(length)
        latencies = [
            _latency(saga, step, direction, took[saga, step, direction]) for saga, step, direction in sorted(took)
        ]
        return Figures(
            span=span,
            rates={rate: tuple(numbers) for rate, numbers in counts.items()},
            failing=_failing(span, rows),
            sagas=tuple(one for one in latencies if not one.step),
            steps=tuple(one for one in latencies if one.step),
            is_capped=False,
        )

    def _answered(self, row: ExecutionRow) -> Iterator[tuple[str, str, int]]:
        letters = self.ledger.letters.get(row.execution_id, ())
        sent = {(one.step, one.call, one.attempt): one.at_ms for one in letters if one.kind == "command"}
        for one in letters:
            if one.kind == "reply" and (one.step, one.call, one.attempt) in sent:
                yield one.step, one.call, one.at_ms - sent[one.step, one.call, one.attempt]


def _failing(span: Span, rows: list[ExecutionRow]) -> tuple[Failing, ...]:
    recent = [row for row in rows if row.failed_step and milliseconds(row.changed) >= span.start_ms]
    numbers = Counter((row.saga, row.failed_step, row.fingerprint) for row in recent)
    last = {(row.saga, row.failed_step, row.fingerprint): row for row in sorted(recent, key=_changed)}
    found = [
        Failing(saga=saga, step=step, fingerprint=kind, number=number, last_ms=_changed(one), error=one.error)
        for (saga, step, kind), number in numbers.items()
        for one in [last[saga, step, kind]]
    ]
    return tuple(sorted(found, key=lambda one: (one.number, one.last_ms), reverse=True)[:10])


def _changed(row: ExecutionRow) -> int:
    return milliseconds(row.changed)


def _latency(saga: str, step: str, direction: str, lengths: list[int]) -> Latency:
    def share(hundredths: int) -> int:
        place = -(-len(lengths) * hundredths // 100)  # rounded up
        return sorted(lengths)[place - 1]

    return Latency(
        saga=saga,
        step=step,
        direction=direction,
        number=len(lengths),
        p50_ms=share(50),
        p95_ms=share(95),
        p99_ms=share(99),
    )
