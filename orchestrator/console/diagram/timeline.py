"""Attempts and waits of an execution on a line of time, as SVG: a row for each step, long idle gaps folded. Pure.

The same rules as for the picture of a saga: geometry in attributes, looks in classes, everything said in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from orchestrator.service.attempts import Attempt
    from orchestrator.service.waits import Wait

NAMES, WIDTH, ROW, MARGIN = 180, 720, 26, 14
"""Room for names, length of the time line, height of a row and free space around, pixels."""
NAME_ROOM = 24
"""Characters that a name has room for; the whole name is in the labels."""
FOLDED = 34
"""Width of a folded gap, pixels."""
LEAST = 3
"""A bar is never narrower, pixels."""
GAP_FACTOR, LEAST_GAP = 2.0, 1.0
"""A gap is folded if it is longer than so many times all busy time, and than so many seconds."""
PEOPLE, WAIT = "people", "wait"
HATCH = (
    '<defs><pattern id="waiting" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="hatch" width="2" height="6"/></pattern></defs>'
)
"""What waits are filled with: by an attribute, since a style sheet's addresses begin at its own place."""
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
ENDS = {"": "under way", "ok": "done", "rejected": "refused", "unknown": "no verdict", "not_begun": "not begun"}
LOOKS = {"": "active", "ok": "done", "rejected": "refused", "unknown": "doubtful", "not_begun": "left"}


@dataclass(frozen=True, slots=True)
class Bar:
    """One attempt or wait: seconds since the first moment. `start` equals `end` if its begin is not known."""

    row: int
    start: float
    end: float
    look: str
    direction: str
    label: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of time and where it is drawn. `is_gap`: nothing happened in it, and it is folded."""

    start: float
    end: float
    x: float
    width: float
    is_gap: bool


@dataclass(frozen=True, slots=True)
class Act:
    """Something that a person did, in words."""

    at: datetime
    label: str


def timeline_of(
    attempts: Sequence[Attempt], acts: Sequence[Act] = (), waits: Sequence[Wait] = (), *, now: datetime
) -> str:
    """The picture; empty if there is neither attempt nor wait. What people did has a row of its own below.

    Times in words are told in the zone of `now`.
    """
    both: list[Attempt | Wait] = [*attempts, *waits]
    steps = list(dict.fromkeys(one.step for one in both))
    known = [moment for one in both for moment in (one.began, one.ended) if moment is not None]
    if not known:
        return ""
    first = min([*known, *(act.at for act in acts)])
    bars = [*_waiting(waits, steps, now, first), *_bars(attempts, steps, now, first)]
    if acts:
        bars += [_act(act, len(steps), first) for act in acts]
        steps.append(PEOPLE)
    return _drawn(bars, steps)


def _drawn(bars: Sequence[Bar], steps: Sequence[str]) -> str:
    stretches = fold(bars)
    width, height = NAMES + WIDTH + 2 * MARGIN, len(steps) * ROW + 2 * MARGIN + ROW
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="saga-timeline" width="{width}" height="{height}"'
    lines = [f'{head} viewBox="0 0 {width} {height}" role="list" aria-label="attempts in time">', HATCH]
    lines += [_name(step, row) for row, step in enumerate(steps)]
    lines += [_gap(stretch, len(steps)) for stretch in stretches if stretch.is_gap]
    lines += [_bar(bar, stretches) for bar in bars]
    lines.append(_scale(stretches, len(steps)))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _waiting(waits: Iterable[Wait], steps: list[str], now: datetime, first: datetime) -> Iterable[Bar]:
    for one in waits:
        end = one.ended or now
        start = one.began or end
        until = "" if one.ended or not one.until else f", until {one.until.astimezone(now.tzinfo):%Y-%m-%d %H:%M:%S %Z}"
        length = f", {_length((end - start).total_seconds())}{'' if one.ended else ' by now'}" if one.began else ""
        yield Bar(
            row=steps.index(one.step),
            start=(start - first).total_seconds(),
            end=(end - first).total_seconds(),
            look="left" if one.ended else "active",
            direction=WAIT,
            label=f"{one.step} {one.reason}{length}{until}",
        )


def _act(act: Act, row: int, first: datetime) -> Bar:
    second = (act.at - first).total_seconds()
    return Bar(row=row, start=second, end=second, look="active", direction="person", label=act.label)


def _bars(attempts: Iterable[Attempt], steps: list[str], now: datetime, first: datetime) -> Iterable[Bar]:
    for one in attempts:
        end = one.ended or now
        start = one.began or end
        told = f"{one.step}, {one.direction} {one.attempt}: {ENDS.get(one.end, one.end)}"
        length = f", {_length((end - start).total_seconds())}" if one.began else ""
        reason = f", {one.reason}" if one.reason else ""
        yield Bar(
            row=steps.index(one.step),
            start=(start - first).total_seconds(),
            end=(end - first).total_seconds(),
            look=LOOKS.get(one.end, "unknown"),
            direction=one.direction,
            label=f"{told}{length}{reason}",
        )


def fold(bars: Sequence[Bar]) -> list[Stretch]:
    """Time cut into pieces: those in which something happened share the width, long gaps are folded to one width.

    While it only waited, nothing happened.
    """
    cuts = sorted({0.0, *(bar.start for bar in bars), *(bar.end for bar in bars)})
    pieces = list(pairwise(cuts))
    working = [bar for bar in bars if bar.direction != WAIT]
    busy = [any(bar.start <= start and end <= bar.end for bar in working) for start, end in pieces]
    busy_time = sum(end - start for (start, end), is_busy in zip(pieces, busy, strict=True) if is_busy)
    longest = max(LEAST_GAP, GAP_FACTOR * busy_time)
    gaps = [not is_busy and end - start > longest for (start, end), is_busy in zip(pieces, busy, strict=True)]
    shown = sum(end - start for (start, end), is_gap in zip(pieces, gaps, strict=True) if not is_gap)
    room = max(WIDTH - FOLDED * sum(gaps), WIDTH / 4) if shown else 0.0
    folded = (WIDTH - room) / max(sum(gaps), 1)
    found: list[Stretch] = []
    x = float(NAMES + MARGIN)
    for (start, end), is_gap in zip(pieces, gaps, strict=True):
        width = folded if is_gap else room * (end - start) / (shown or 1)
        found.append(Stretch(start, end, x, width, is_gap))
        x += width
    return found


def _at(second: float, stretches: Sequence[Stretch]) -> float:
    for stretch in stretches:
        if second <= stretch.end:
            length = stretch.end - stretch.start
            return stretch.x + stretch.width * (second - stretch.start) / (length or 1)
    return stretches[-1].x + stretches[-1].width if stretches else NAMES + MARGIN


def _bar(bar: Bar, stretches: Sequence[Stretch]) -> str:
    x = _at(bar.start, stretches)
    width = max(_at(bar.end, stretches) - x, LEAST)
    y = MARGIN + bar.row * ROW + 4
    label = escape(bar.label)
    kind, fill = (WAIT, ' fill="url(#waiting)"') if bar.direction == WAIT else (f"attempt {bar.direction}", "")
    return (
        f'<g class="{kind} is-{bar.look}" role="listitem" tabindex="0" aria-label="{label}">'
        f'<title>{label}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 8}" rx="2"{fill}/></g>'
    )


def _name(step: str, row: int) -> str:
    shown = step if len(step) <= NAME_ROOM else f"{step[: NAME_ROOM - 1]}…"
    return f'<text class="name" x="{MARGIN}" y="{MARGIN + row * ROW + 17}">{escape(shown)}</text>'


def _gap(stretch: Stretch, rows: int) -> str:
    length = _length(stretch.end - stretch.start)
    middle = stretch.x + stretch.width / 2
    return (
        f'<g class="gap" role="listitem" aria-label="nothing for {length}"><title>nothing for {length}</title>'
        f'<rect x="{stretch.x:.1f}" y="{MARGIN}" width="{stretch.width:.1f}" height="{rows * ROW}"/>'
        f'<text x="{middle:.1f}" y="{MARGIN - 3}">{length}</text></g>'
    )


def _scale(stretches: Sequence[Stretch], rows: int) -> str:
    if not stretches:
        return ""
    whole = _length(stretches[-1].end)
    y = MARGIN + rows * ROW + 14
    begin, end = (
        f'class="scale{more}" x="{x}" y="{y}"' for more, x in (("", NAMES + MARGIN), (" end", NAMES + MARGIN + WIDTH))
    )
    return f"<text {begin}>0</text><text {end}>{whole}</text>"


def _length(seconds: float) -> str:
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    for size, word in UNITS:
        if seconds >= size:
            return f"{seconds / size:.3g} {word}"
    return "0 s"
