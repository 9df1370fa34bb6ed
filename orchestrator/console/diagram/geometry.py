"""Pixels of a grid: from left to right on a wide screen, from top to bottom on a narrow one. Pure.

On a wide screen the way back lies below the way forward, and each undo below what it undoes. On a narrow one there is
no room beside it: the way back comes behind the way forward, and goes on downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.console.diagram.grid import Arrow, Cell, Grid

Direction: TypeAlias = Literal["right", "down"]

HEIGHT = 52
"""Of a box, pixels."""
ALONG, ACROSS = 36, 20
"""Free pixels between boxes that follow each other, and between branches."""
DOT = 4
"""Radius of a dot."""
SLANT = 12
"""Pixels by which the corners of hexagons, tags and slanted boxes are cut."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What one direction has room for.

    Attributes:
        width: of a box; `lanes`: free between the lanes; `margin`: free around everything; all in pixels.
        room: characters that a box has room for in its first line; `small`: in its second.
    """

    width: int
    lanes: int
    margin: int
    room: int
    small: int


MEASURES: Mapping[Direction, Measures] = MappingProxyType(
    {"right": Measures(172, 28, 14, 21, 30), "down": Measures(130, 56, 4, 15, 19)}
)
"""Downwards two branches are seen side by side on a screen of 320 pixels."""


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
    def measures(self) -> Measures:
        """What it has room for."""
        return MEASURES[self.direction]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        pitch, around = self._pitch[0], 2 * self.measures.margin
        along, across = self.grid.columns * pitch - ALONG + around, self._lane + around
        if not self.grid.has_undo:
            back = 0, 0
        elif self.direction == "right":
            back = 0, self._lane + self.measures.lanes
        else:
            back = self.measures.lanes + (self.grid.last_undo + 1) * pitch - ALONG, 0
        along, across = along + back[0], across + back[1]
        return (along, across) if self.direction == "right" else (across, along)

    @property
    def _pitch(self) -> tuple[int, int]:
        """Pixels from one column to the next, from one row to the next."""
        width = self.measures.width
        box = (width, HEIGHT) if self.direction == "right" else (HEIGHT, width)
        return box[0] + ALONG, box[1] + ACROSS

    @property
    def _lane(self) -> int:
        return self.grid.rows * self._pitch[1] - ACROSS

    def corner(self, cell: Cell) -> Point:
        """The upper left corner of a box, or of the room in which a dot lies."""
        margin, lanes, pitch = self.measures.margin, self.measures.lanes, self._pitch
        along, across = margin + cell.column * pitch[0], margin + cell.row * pitch[1]
        if cell.lane == "undo" and self.direction == "right":
            across += self._lane + lanes
        elif cell.lane == "undo":
            along = margin + (self.grid.columns + self.grid.last_undo - cell.column) * pitch[0] - ALONG + lanes
        return Point(along, across) if self.direction == "right" else Point(across, along)

    def middle(self, cell: Cell) -> Point:
        """The middle of a box or dot."""
        corner = self.corner(cell)
        return Point(corner.x + self.measures.width / 2, corner.y + HEIGHT / 2)

    def path(self, arrow: Arrow) -> str:
        """The line of an arrow, as the `d` of an SVG path."""
        start, end = self.grid.cell(*arrow.start), self.grid.cell(*arrow.end)
        if arrow.way == "fact" and start.column >= end.column:
            return self._straight(self.middle(start), self.middle(end))
        ahead = -1 if arrow.way == "back" and self.direction == "right" else 1
        return self._curve(self._side(start, ahead), self._side(end, -ahead))

    def _side(self, cell: Cell, ahead: int) -> Point:
        middle = self.middle(cell)
        if cell.kind == "dot":
            reach = DOT
        elif self.direction == "down":
            reach = HEIGHT // 2
        else:
            width = self.measures.width
            reach = (width - SLANT) // 2 if cell.kind in ("wait", "sleep") else width // 2
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
