"""Traces for a terminal and as a document. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from orchestrator.service.records import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from orchestrator.service.traced import Branch, TracedSpan, TraceTree

MS, SECOND = 1_000_000, 1_000_000_000
"""In nanoseconds."""
STYLES = {"rejected": "yellow", "unknown": "bold red", "refused": "yellow"}
COLUMNS: tuple[str, ...] = ("time", "span", "step", "direction", "attempt", "outcome", "duration")
NARROW: tuple[str, ...] = ("time", "span", "step", "dir", "no", "outcome", "took")
"""The same where there is no room for long heads."""
LEAST = (("span", 10), ("step", 4))
"""Columns that are cut where a terminal is narrow, in this order, and how wide they stay: the tree is the first to go,
since a line says its step and direction beside it."""
WIDE_GAP, NARROW_GAP = 2, 1


def picture(found: Sequence[TraceTree], note: str, link: Callable[[str], str], *, width: int) -> Group:
    """Each trace as a tree, one line a span.

    Args:
        found: the traces.
        note: what is to be said first.
        link: where a trace is to be seen elsewhere, empty = nowhere.
        width: of the terminal, characters.
    """
    parts: list[Any] = [Text(note, style="yellow")] if note else []
    for tree in found:
        parts.append(
            Text(f"{tree.execution_id}  trace {tree.trace_id}" if tree.trace_id else tree.execution_id, "bold")
        )
        parts.append(_table([_cells(guide, span) for guide, span in _lines(tree.branches)], width))
        if tree.trace_id and (address := link(tree.trace_id)):
            parts.append(Text(address, style="dim"))
    return Group(*parts)


def _table(rows: Sequence[Sequence[Text]], width: int) -> Table:
    room = [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]
    is_wide = _total(map(max, room, map(len, COLUMNS)), WIDE_GAP) <= width
    names = COLUMNS if is_wide else NARROW
    gap = WIDE_GAP if is_wide else NARROW_GAP
    widths = dict(zip(names, map(max, room, map(len, names)), strict=True))
    for name, least in LEAST:
        over = max(0, _total(widths.values(), gap) - width)
        widths[name] -= min(over, max(0, widths[name] - least))
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim")
    for name, given in widths.items():
        table.add_column(name, width=given, no_wrap=True, overflow="ellipsis")
    for row in rows:
        table.add_row(*row)
    return table


def _total(widths: Iterable[int], gap: int) -> int:
    return sum(widths) + gap * (len(COLUMNS) - 1)


def document(correlation_id: str, found: Sequence[TraceTree], note: str, link: Callable[[str], str]) -> dict[str, Any]:
    """The same for programs: `source` is `spans` or `journal`; spans in the order of the tree."""
    return {
        "correlation_id": correlation_id,
        "source": "journal" if note else "spans",
        "traces": [
            {
                "trace_id": tree.trace_id or None,
                "execution_id": tree.execution_id,
                "link": (link(tree.trace_id) if tree.trace_id else "") or None,
                "spans": [_document(span, guide) for guide, span in _lines(tree.branches)],
            }
            for tree in found
        ],
    }


def direction(span: TracedSpan) -> str:
    """`do` or `undo`: a probe asks after a `do`."""
    return "do" if span.direction == "probe" else span.direction


def _lines(branches: Sequence[Branch], before: str = "", *, is_top: bool = True) -> Iterator[tuple[str, TracedSpan]]:
    for number, branch in enumerate(branches):
        is_last = number == len(branches) - 1
        own = "" if is_top else "└─ " if is_last else "├─ "
        yield before + own, branch.span
        below = "" if is_top else "   " if is_last else "│  "
        yield from _lines(branch.below, before + below, is_top=False)


def _cells(guide: str, span: TracedSpan) -> tuple[Text, ...]:
    outcome = Text(span.outcome, STYLES.get(span.outcome, ""))
    return (
        Text(f"{moment(span.began_ns // MS):%H:%M:%S.%f}"[:-3]),
        Text(f"{guide}{span.name}"),
        Text(span.step),
        Text(direction(span)),
        Text(str(span.attempt or "")),
        outcome,
        Text(duration(span.ended_ns - span.began_ns), justify="right"),
    )


def duration(length_ns: int) -> str:
    """A length of time for people; nothing, if it is not known."""
    if length_ns <= 0:
        return "-"
    return f"{length_ns / MS:.1f} ms" if length_ns < SECOND else f"{length_ns / SECOND:.1f} s"


def _document(span: TracedSpan, guide: str) -> dict[str, Any]:
    return {
        "time": moment(span.began_ns // MS),
        "name": span.name,
        "depth": len(guide) // 3,
        "service": span.service,
        "step": span.step,
        "direction": direction(span),
        "attempt": span.attempt,
        "outcome": span.outcome,
        "error": span.error,
        "duration_ms": (span.ended_ns - span.began_ns) / MS,
        "trace_id": span.trace_id or None,
        "span_id": span.span_id or None,
        "parent_id": span.parent_id or None,
        "linked_traces": list(span.links),
        "ignored": span.ignored,
    }
