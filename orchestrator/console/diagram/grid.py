"""Where each part of a plan stands in its picture: columns follow time, rows are branches. Pure, and knows no pixels.

A saga is series-parallel, so that its longest path and its order of definition give every place; nothing is searched.
The way back lies in a lane of its own, each undo in the column and row of what it undoes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, assert_never

from orchestrator.saga.plan import ParallelPlan, SequencePlan, SleepPlan, StepPlan, WaitPlan, leaves

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.saga.plan import Leaf, Node, Plan

Lane: TypeAlias = Literal["do", "undo"]
Kind: TypeAlias = Literal["trigger", "step", "pivot", "wait", "sleep", "publish", "fold", "dot", "end"]
Way: TypeAlias = Literal["forward", "back", "fact"]

FOLDED_FROM = 31
"""Parallels of so many branches are drawn as one box that says how many."""

TRIGGER, COMPLETED, COMPENSATED = "(trigger)", "(completed)", "(compensated)"
"""Names of the boxes that are no step: no step's name has brackets."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One box, or a dot that joins arrows.

    Attributes:
        name: what arrows call it, unique within its lane; of a step, its id.
        column, row: its place; rows may be halves, when one box stands before two branches.
        leaf: the leaf it shows; None for trigger, ends, folds and dots.
        folded: the leaves that a fold stands for.
    """

    name: str
    kind: Kind
    lane: Lane
    column: int
    row: float
    leaf: Leaf | None = None
    folded: tuple[Leaf, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one box to another; `fact`: the second uses what the first made."""

    start: tuple[Lane, str]
    end: tuple[Lane, str]
    way: Way


@dataclass(slots=True)
class Grid:
    """All boxes and arrows of a picture. `columns` and `rows`: how many there are in a lane."""

    cells: list[Cell] = field(default_factory=list[Cell])
    arrows: list[Arrow] = field(default_factory=list[Arrow])
    columns: int = 0
    rows: int = 1

    @property
    def has_undo(self) -> bool:
        """Whether there is a way back."""
        return any(cell.lane == "undo" for cell in self.cells)

    @property
    def last_undo(self) -> int:
        """The column in which the way back begins."""
        return max((cell.column for cell in self.cells if cell.lane == "undo"), default=0)

    def cell(self, lane: Lane, name: str) -> Cell:
        """The box of a name."""
        return next(cell for cell in self.cells if (cell.lane, cell.name) == (lane, name))


def grid_of(plan: Plan) -> Grid:
    """The picture of a plan: trigger, flow and end above; the way back below, if anything can be undone."""
    size = _size(plan.root)
    grid = Grid(columns=size[0] + 2, rows=size[1])
    middle = (size[1] - 1) / 2
    grid.cells.append(Cell(TRIGGER, "trigger", "do", 0, middle))
    forward = _Forward(grid)
    last = forward.place(plan.root, 1, middle, [TRIGGER])
    grid.cells.append(Cell(COMPLETED, "end", "do", grid.columns - 1, middle))
    forward.link(last, COMPLETED)
    back = _Back(grid)
    last = back.place(plan.root, [])
    if last:
        grid.cells.append(Cell(COMPENSATED, "end", "undo", 0, middle))
        back.link(last, COMPENSATED)
    return grid


def _is_folded(node: Node) -> bool:
    return isinstance(node, ParallelPlan) and len(node.children) >= FOLDED_FROM


def _needs_dot(before: Node | None, node: Node) -> bool:
    """Whether several ends would meet several beginnings: they go through one dot."""
    return before is not None and _ends(before, last=True) > 1 and _ends(node, last=False) > 1


def _ends(node: Node, *, last: bool) -> int:
    match node:
        case ParallelPlan() if not _is_folded(node):
            return sum(_ends(child, last=last) for child in node.children)
        case SequencePlan() if node.children:
            return _ends(node.children[-1 if last else 0], last=last)
        case SequencePlan():
            return 0
        case _:
            return 1


def _pairs(children: Sequence[Node]) -> Iterator[tuple[Node | None, Node]]:
    return zip((None, *children), children, strict=False)


def _size(node: Node) -> tuple[int, int]:
    """Columns and rows that a part of the flow takes."""
    match node:
        case ParallelPlan() if not _is_folded(node):
            sizes = [_size(child) for child in node.children]
            return max((one[0] for one in sizes), default=0), max(1, sum(one[1] for one in sizes))
        case SequencePlan():
            sizes = [_size(child) for child in node.children]
            dots = sum(_needs_dot(before, child) for before, child in _pairs(node.children))
            return sum(one[0] for one in sizes) + dots, max((one[1] for one in sizes), default=1)
        case _:
            return 1, 1


class _Forward:
    """Places the way forward, from left to right."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid

    def place(self, node: Node, column: int, row: float, entries: list[str]) -> list[str]:
        """Place `node` from `column` on, its middle at `row`, behind `entries`; returns what ends it."""
        match node:
            case SequencePlan():
                for before, child in _pairs(node.children):
                    if _needs_dot(before, child):
                        entries = [self._box(Cell(f"(dot {column})", "dot", "do", column, row), entries)]
                        column += 1
                    entries = self.place(child, column, row, entries)
                    column += _size(child)[0]
                return entries
            case ParallelPlan() if not _is_folded(node):
                return self._branches(node, column, row, entries)
            case ParallelPlan():
                inside = tuple(leaves(node))
                return [self._box(Cell(_fold_name(inside), "fold", "do", column, row, folded=inside), entries)]
            case _:
                return [self._leaf(node, column, row, entries)]

    def link(self, entries: list[str], name: str) -> None:
        """An arrow from each entry."""
        self._grid.arrows += [Arrow(("do", entry), ("do", name), "forward") for entry in entries]

    def _branches(self, node: ParallelPlan, column: int, row: float, entries: list[str]) -> list[str]:
        top, ends = row - (_size(node)[1] - 1) / 2, list[str]()
        for child in node.children:
            height = _size(child)[1]
            ends += self.place(child, column, top + (height - 1) / 2, entries)
            top += height
        return ends or entries

    def _leaf(self, leaf: Leaf, column: int, row: float, entries: list[str]) -> str:
        name = self._box(Cell(leaf.id, _kind(leaf), "do", column, row, leaf), entries)
        makers = leaf.after if isinstance(leaf, StepPlan) else ()
        shown = {cell.name for cell in self._grid.cells if cell.lane == "do"}
        self._grid.arrows += [Arrow(("do", maker), ("do", name), "fact") for maker in makers if maker in shown]
        return name

    def _box(self, cell: Cell, entries: list[str]) -> str:
        self._grid.cells.append(cell)
        self.link(entries, cell.name)
        return cell.name


class _Back:
    """Places the way back, from right to left, below what it undoes."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._places = {cell.name: cell for cell in grid.cells if cell.lane == "do"}

    def place(self, node: Node, entries: list[str]) -> list[str]:
        """Place the undos in `node`, which follow those in `entries`; returns those that come last on the way back."""
        match node:
            case SequencePlan():
                for child in reversed(node.children):
                    entries = self.place(child, entries)
                return entries
            case ParallelPlan() if not _is_folded(node):
                branches = [child for child in node.children if _undone_in(child)]
                entries = self._joined(node, entries) if len(branches) > 1 else entries
                return [end for child in branches for end in self.place(child, entries)] or entries
            case ParallelPlan():
                undone = _undone_in(node)
                return [self._box(_fold_name(tuple(leaves(node))), "fold", entries, undone)] if undone else entries
            case StepPlan(undo=undo) if undo is not None:
                return [self._box(node.id, "step", entries, (node,))]
            case _:
                return entries

    def link(self, entries: list[str], name: str) -> None:
        """An arrow from each entry."""
        self._grid.arrows += [Arrow(("undo", entry), ("undo", name), "back") for entry in entries]

    def _joined(self, node: ParallelPlan, entries: list[str]) -> list[str]:
        """One entry for several: a dot right behind the branches, where the way forward has no undo either."""
        if len(entries) <= 1:
            return entries
        inside = [self._places[leaf.id] for leaf in leaves(node) if leaf.id in self._places]
        column = max(cell.column for cell in inside) + 1
        row = (min(cell.row for cell in inside) + max(cell.row for cell in inside)) / 2
        name = f"(dot {column} {row})"
        self._grid.cells.append(Cell(name, "dot", "undo", column, row))
        self.link(entries, name)
        return [name]

    def _box(self, name: str, kind: Kind, entries: list[str], undone: tuple[StepPlan, ...]) -> str:
        place = self._places[name]
        leaf, folded = (None, undone) if kind == "fold" else (undone[0], ())
        self._grid.cells.append(Cell(name, kind, "undo", place.column, place.row, leaf, folded))
        self.link(entries, name)
        return name


def _undone_in(node: Node) -> tuple[StepPlan, ...]:
    return tuple(leaf for leaf in leaves(node) if isinstance(leaf, StepPlan) and leaf.undo is not None)


def _fold_name(inside: tuple[Leaf, ...]) -> str:
    return f"({inside[0].id} and others)"


def _kind(leaf: Leaf) -> Kind:
    match leaf:
        case StepPlan(phase="pivot"):
            return "pivot"
        case StepPlan(do=call):
            return "publish" if call.lane == "publish" else "step"
        case WaitPlan():
            return "wait"
        case SleepPlan():
            return "sleep"
        case _:
            assert_never(leaf)
