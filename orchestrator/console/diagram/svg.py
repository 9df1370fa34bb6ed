"""A saga as an SVG picture, drawn on the server: no script, no inline style, the same text for the same saga.

All geometry is in attributes and all looks are classes, so that it passes a Content-Security-Policy without `unsafe-*`.
Each box is a list item that can be focused and says everything in words; the sign in it differs per state, so that no
state is told by colour alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, assert_never

from orchestrator.console.diagram.geometry import DOT, HEIGHT, SLANT, Direction, Geometry, Point
from orchestrator.console.diagram.grid import TRIGGER, Cell, grid_of
from orchestrator.console.diagram.marks import IDLE, Mark, back_mark, forward_mark
from orchestrator.saga.lengths import length
from orchestrator.saga.plan import SleepPlan, StepPlan, WaitPlan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.console.diagram.grid import Arrow, Lane
    from orchestrator.saga.plan import CallPlan, Plan
    from orchestrator.service.records import StepRow

FOLD_ROOM = 25
"""Characters of what is told of folded boxes; where it is more, they are only said to be there."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an execution stands, as the picture needs it: its steps, whether it goes back, which end it reached."""

    steps: Mapping[str, StepRow]
    is_unwinding: bool = False
    has_completed: bool = False
    is_undone: bool = False


@dataclass(frozen=True, slots=True)
class _Box:
    """What is written in a box: two lines, and the whole of it in words."""

    title: str
    note: str
    label: str
    mark: Mark


def svg_of(
    plan: Plan,
    standing: Standing | None = None,
    *,
    direction: Direction = "right",
    with_styles: bool = False,
    has_links: bool = False,
) -> str:
    """The picture of a saga, or of one execution of it.

    Args:
        plan: what is drawn.
        standing: where an execution of it stands; None = the definition.
        direction: the way time goes.
        with_styles: carry the style sheet inside, for a file that is looked at alone.
        has_links: steps lead to `#step-NAME` of the page that the picture is on.
    """
    grid = grid_of(plan)
    geometry = Geometry(grid, direction)
    width, height = geometry.size
    name = escape(f"{plan.saga} version {plan.version}")
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="saga-diagram" width="{width}" height="{height}"'
    lines = [f'{head} viewBox="0 0 {width} {height}" role="list" aria-label="{name}">']
    if with_styles:
        lines.append(f"<style>{style_sheet()}</style>")
    head_id = _HEADS[direction]
    lines.append(_HEAD_OF_ARROWS.format(head_id))
    lines += [_arrow(geometry, arrow, head_id) for arrow in grid.arrows]
    boxes = [(cell, _box(plan, cell, standing)) for cell in grid.cells if cell.kind != "dot"]
    lines += [_item(geometry, cell, box, has_links=has_links) for cell, box in boxes]
    lines += [_dot(geometry.middle(cell), cell.lane) for cell in grid.cells if cell.kind == "dot"]
    return "\n".join([*lines, "</svg>"]) + "\n"


@cache
def style_sheet() -> str:
    """The style sheet of the pictures; the console's pages link it."""
    return files("orchestrator.console").joinpath("static", "diagram.css").read_text(encoding="utf-8")


_HEADS: dict[Direction, str] = {"right": "saga-arrow", "down": "saga-arrow-down"}
"""A page holds both pictures and hides one: what it defines does not show in the other."""
_HEAD_OF_ARROWS = (
    '<defs><marker id="{}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path class="arrow-head" d="M0 0L8 4L0 8z"/></marker></defs>'
)


def _arrow(geometry: Geometry, arrow: Arrow, head_id: str) -> str:
    return f'<path class="arrow {arrow.way}" d="{geometry.path(arrow)}" marker-end="url(#{head_id})"/>'


def _dot(middle: Point, lane: Lane) -> str:
    return f'<circle class="dot {lane}" cx="{middle.x:g}" cy="{middle.y:g}" r="{DOT}"/>'


def _item(geometry: Geometry, cell: Cell, box: _Box, *, has_links: bool) -> str:
    corner = geometry.corner(cell)
    sizes = geometry.measures
    x, first, second = corner.x + sizes.width / 2, corner.y + 22, corner.y + 39
    named = f' data-step="{escape(cell.leaf.id)}"' if cell.leaf is not None else ""
    group = f'<g class="box {cell.kind} {cell.lane} is-{box.mark.look}" role="listitem"{named}'
    label = f'aria-label="{escape(box.label)}"'
    shape = f"<title>{escape(box.label)}</title>{_shape(cell, corner, sizes.width)}"
    texts = (
        f'<text class="name" x="{x:g}" y="{first:g}">{escape(_short(box.title, sizes.room))}</text>'
        f'<text class="note" x="{x:g}" y="{second:g}">{escape(_short(box.note, sizes.small))}</text>'
    )
    if has_links and cell.leaf is not None:
        # The link is named by its title: a label of its own would have to repeat what is written in the box.
        return f'{group} {label}><a href="#step-{escape(cell.leaf.id)}">{shape}{texts}</a></g>'
    return f'{group} tabindex="0" {label}>{shape}{texts}</g>'


def _short(text: str, room: int) -> str:
    """A text as far as there is room for it; the whole of it is in the label."""
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _shape(cell: Cell, corner: Point, width: int) -> str:
    left, top, right, bottom = corner.x, corner.y, corner.x + width, corner.y + HEIGHT
    middle = corner.y + HEIGHT / 2
    match cell.kind:
        case "pivot":
            ends = [(left, middle), (left + SLANT, top), (right - SLANT, top)]
            ends += [(right, middle), (right - SLANT, bottom), (left + SLANT, bottom)]
        case "publish":
            ends = [(left, top), (right - SLANT, top), (right, middle), (right - SLANT, bottom), (left, bottom)]
        case "wait" | "sleep":
            ends = [(left + SLANT, top), (right, top), (right - SLANT, bottom), (left, bottom)]
        case "step" | "dot" | "fold" | "trigger" | "end":
            radius = HEIGHT / 2 if cell.kind in ("trigger", "end") else 6
            return f'<rect x="{left:g}" y="{top:g}" width="{width}" height="{HEIGHT}" rx="{radius:g}"/>'
        case _:
            assert_never(cell.kind)
    return f'<polygon points="{" ".join(f"{x:g},{y:g}" for x, y in ends)}"/>'


def _box(plan: Plan, cell: Cell, standing: Standing | None) -> _Box:
    if cell.folded:
        return _fold(cell, standing)
    if cell.leaf is None:
        return _end(plan, cell, standing)
    mark = _mark(cell.leaf.id, cell.lane, standing)
    match cell.leaf:
        case StepPlan(undo=call) if cell.lane == "undo" and call is not None:
            name, note = _function(call), f"undoes {cell.leaf.id}"
        case StepPlan(do=call):
            name, note = cell.leaf.id, _carried(call)
        case WaitPlan(event=event, within_ms=within_ms):
            name, note = event, f"wait, at most {length(within_ms)}"
        case SleepPlan(duration_ms=duration_ms):
            name, note = cell.leaf.id, f"sleep {length(duration_ms)}"
        case _:
            assert_never(cell.leaf)
    return _written(name, note, mark, " (point of no return)" if cell.kind == "pivot" else "")


def _written(name: str, note: str, mark: Mark, more: str = "") -> _Box:
    said = f"{mark.sign} {mark.words}".strip()
    label = ", ".join(part for part in (f"{name}{more}", note, mark.words) if part)
    return _Box(name, said or note, label, mark)


def _mark(step: str, lane: Lane, standing: Standing | None) -> Mark:
    if standing is None:
        return IDLE
    row = standing.steps.get(step)
    return forward_mark(row) if lane == "do" else back_mark(row, is_unwinding=standing.is_unwinding)


def _fold(cell: Cell, standing: Standing | None) -> _Box:
    marks = [_mark(leaf.id, cell.lane, standing) for leaf in cell.folded]
    worst = max(marks, key=lambda mark: _WEIGHTS.index(mark.look))
    counts = Counter(mark.words for mark in marks if mark.words)
    told = ", ".join(f"{number} {words}" for words, number in sorted(counts.items()))
    what = "undos" if cell.lane == "undo" else "steps"
    name = f"{len(cell.folded)} {what}"
    note = told if told and len(told) <= FOLD_ROOM else "at the same time"
    return _Box(name, note, ", ".join(part for part in (name, told) if part), Mark(worst.look))


_WEIGHTS: Sequence[str] = ("idle", "done", "left", "refused", "unknown", "active", "doubtful", "attention")
"""The look of a fold is the weightiest in it."""


def _end(plan: Plan, cell: Cell, standing: Standing | None) -> _Box:
    if cell.name == TRIGGER:
        return _written(plan.trigger.event, "starts it", IDLE if standing is None else Mark("done"))
    is_there = standing is not None and (standing.is_undone if cell.lane == "undo" else standing.has_completed)
    words = "compensated" if cell.lane == "undo" else "completed"
    return _written(plan.saga, words, Mark("done") if is_there else IDLE)


def _carried(call: CallPlan) -> str:
    match call.lane:
        case "command":
            return f"→ {call.participant}"
        case "publish":
            return f"publish {call.message_type}"
        case "brief":
            return "brief action"
        case "durable":
            return "action"
        case _:
            assert_never(call.lane)


def _function(call: CallPlan) -> str:
    return call.handler.partition(".")[2].partition("@")[0]
