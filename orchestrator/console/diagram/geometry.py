"""Pixels of a grid: from left to right on a wide screen, from top to bottom on a narrow one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from orchestrator.console.diagram.grid import Arrow, Cell, Grid

Direction: TypeAlias = Literal["right", "down"]

WIDTH, HEIGHT = 172, 52
"""Of a box, pixels."""
ALONG, ACROSS, LANES, MARGIN = 36, 20, 28, 14
"""Free pixels between boxes that follow each other, between branches, between the lanes, and around everything."""
DOT = 4
"""Radius of a dot."""
SLANT = 12
"""Pixels by which the corners of hexagons, tags and slanted boxes are cut."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the picture."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where everything of one grid is drawn."""

    grid: Grid
    direction: Direction = "right"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        along = self.grid.columns * self._pitch[0] - ALONG + 2 * MARGIN
        across = self._lane * (2 if self.grid.has_undo else 1) + 2 * MARGIN
        across += LANES if self.grid.has_undo else 0
        return (round(along), round(across)) if self.direction == "right" else (round(across), round(along))

    @property
    def _pitch(self) -> tuple[int, int]:
        """Pixels from one column to the next, from one row to the next."""
        box = (WIDTH, HEIGHT) if self.direction == "right" else (HEIGHT, WIDTH)
        return box[0] + ALONG, box[1] + ACROSS

    @property
    def _lane(self) -> int:
        return self.grid.rows * self._pitch[1] - ACROSS

    def corner(self, cell: Cell) -> Point:
        """The upper left corner of a box, or of the room in which a dot lies."""
        along = MARGIN + cell.column * self._pitch[0]
        across = MARGIN + cell.row * self._pitch[1] + (self._lane + LANES if cell.lane == "undo" else 0)
        return Point(along, across) if self.direction == "right" else Point(across, along)

    def middle(self, cell: Cell) -> Point:
        """The middle of a box or dot."""
        corner = self.corner(cell)
        return Point(corner.x + WIDTH / 2, corner.y + HEIGHT / 2)

    def path(self, arrow: Arrow) -> str:
        """The line of an arrow, as the `d` of an SVG path."""
        start, end = self.grid.cell(*arrow.start), self.grid.cell(*arrow.end)
        if arrow.way == "fact" and start.column >= end.column:
            return self._straight(self.middle(start), self.middle(end))
        ahead = 1 if arrow.way != "back" else -1
        return self._curve(self._side(start, ahead), self._side(end, -ahead))

    def _side(self, cell: Cell, ahead: int) -> Point:
        middle = self.middle(cell)
        if cell.kind == "dot":
            reach = DOT
        elif self.direction == "down":
            reach = HEIGHT // 2
        else:
            reach = (WIDTH - SLANT) // 2 if cell.kind in ("wait", "sleep") else WIDTH // 2
        return self._moved(middle, ahead * reach)

    def _moved(self, point: Point, along: float) -> Point:
        return Point(point.x + along, point.y) if self.direction == "right" else Point(point.x, point.y + along)

    def _curve(self, start: Point, end: Point) -> str:
        if self.direction == "right":
            if start.y == end.y:
                return self._straight(start, end)
            bend = (start.x + end.x) / 2
            return f"M{start.x:g} {start.y:g}C{bend:g} {start.y:g} {bend:g} {end.y:g} {end.x:g} {end.y:g}"
        if start.x == end.x:
            return self._straight(start, end)
        bend = (start.y + end.y) / 2
        return f"M{start.x:g} {start.y:g}C{start.x:g} {bend:g} {end.x:g} {bend:g} {end.x:g} {end.y:g}"

    @staticmethod
    def _straight(start: Point, end: Point) -> str:
        return f"M{start.x:g} {start.y:g}L{end.x:g} {end.y:g}"
