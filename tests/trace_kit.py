"""What tests of traces on real servers share: the spans that were recorded, held against the journals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.adapters.telemetry.reading import read
from orchestrator.service.traced import once

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from orchestrator.service.journal import JournalEntry
    from orchestrator.service.traced import TracedSpan

WORDS = {"Succeeded": "ok", "Refused": "rejected", "Failed": "unknown", "Elapsed": "unknown"}


def recorded(folder: Path) -> dict[str, list[TracedSpan]]:
    """Each span once, by execution."""
    found: dict[str, list[TracedSpan]] = {}
    for span in once(read(folder)):
        found.setdefault(span.execution_id, []).append(span)
    return found


def of_journal(journal: Iterable[JournalEntry]) -> list[tuple[str, str, int, str]]:
    """Step, direction, number and outcome of each attempt that counted, in the order of the journal."""
    return [
        (entry.step, entry.direction, entry.attempt, WORDS[entry.kind])
        for entry in journal
        if entry.kind in WORDS and entry.attempt and not entry.ignored
    ]


def last_ends(journal: Sequence[tuple[str, str, int, str]]) -> list[tuple[str, str, int, str]]:
    """Each attempt at its last end: one whose time was up may have succeeded later, and has one span."""
    ends = {act[:3]: place for place, act in enumerate(journal)}
    return [act for place, act in enumerate(journal) if ends[act[:3]] == place]


def of_spans(spans: Sequence[TracedSpan]) -> list[tuple[str, str, int, str]]:
    """The same of the attempts' spans."""
    attempts = sorted((span for span in spans if span.is_attempt and not span.ignored), key=lambda span: span.revision)
    return [(span.step, span.direction, span.attempt, span.outcome) for span in attempts]
