"""Pixels of a grid, from left to right and from top to bottom."""

import pytest

from orchestrator.console.diagram.geometry import ACROSS, ALONG, HEIGHT, MEASURES, SLANT, Geometry, Point
from orchestrator.console.diagram.grid import Arrow, Cell, Grid, grid_of
from sagas import SAGAS

FIRST = Cell("a", "step", "do", 0, 0)
WIDTH, MARGIN = MEASURES["right"].width, MEASURES["right"].margin


def geometry(*cells: Cell, direction: str = "right") -> Geometry:
    grid = Grid([FIRST, *cells], [], columns=3, rows=2)
    return Geometry(grid, direction)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def line(drawn: Geometry, name: str, way: str = "forward") -> str:
    start, end = ("do", "a"), (drawn.grid.cells[-1].lane, name)
    if way == "back":
        start, end = end, start
    return drawn.path(Arrow(start, end, way))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_box_begins_at_its_column_and_row() -> None:
    drawn = geometry(Cell("b", "step", "do", 1, 0.5))
    assert drawn.corner(FIRST) == Point(MARGIN, MARGIN)
    assert drawn.corner(drawn.grid.cells[1]) == Point(MARGIN + WIDTH + ALONG, MARGIN + (HEIGHT + ACROSS) / 2)


def test_downwards_columns_are_below_each_other() -> None:
    drawn = geometry(Cell("b", "step", "do", 1, 0), direction="down")
    margin = MEASURES["down"].margin
    assert drawn.corner(drawn.grid.cells[1]) == Point(margin, margin + HEIGHT + ALONG)


def test_the_way_back_lies_below_the_way_forward_and_all_is_within_the_picture() -> None:
    undo = Cell("a", "step", "undo", 2, 1)
    drawn = geometry(undo)
    corner, (width, height) = drawn.corner(undo), drawn.size
    assert corner == Point(width - MARGIN - WIDTH, height - MARGIN - HEIGHT)
    assert geometry().size[0] == width
    assert geometry().size[1] < height


def test_downwards_the_way_back_comes_behind_the_way_forward_and_goes_on_downwards() -> None:
    undos = Cell("b", "step", "undo", 1, 0), Cell("a", "step", "undo", 0, 0)
    drawn = geometry(*undos, direction="down")
    (one, two), (width, height), sizes = map(drawn.corner, undos), drawn.size, drawn.measures
    assert one == Point(sizes.margin, geometry(direction="down").size[1] - sizes.margin + sizes.lanes)
    assert two == Point(sizes.margin, one.y + HEIGHT + ALONG)
    assert height == two.y + HEIGHT + sizes.margin
    assert width == geometry(direction="down").size[0]
    x = sizes.margin + sizes.width / 2
    back = drawn.path(Arrow(("undo", "b"), ("undo", "a"), "back"))
    assert back == f"M{x:g} {one.y + HEIGHT:g}L{x:g} {two.y:g}"


def test_an_arrow_goes_from_side_to_side() -> None:
    y = MARGIN + HEIGHT / 2
    end = MARGIN + WIDTH + ALONG
    assert line(geometry(Cell("b", "step", "do", 1, 0)), "b") == f"M{MARGIN + WIDTH} {y:g}L{end} {y:g}"
    assert line(geometry(Cell("b", "step", "do", 1, 0)), "b", "back") == f"M{end} {y:g}L{MARGIN + WIDTH} {y:g}"
    assert line(geometry(Cell("b", "wait", "do", 1, 0)), "b").endswith(f"L{end + SLANT / 2:g} {y:g}")
    assert line(geometry(Cell("b", "dot", "do", 1, 0)), "b").endswith(f"L{end + WIDTH / 2 - 4:g} {y:g}")


@pytest.mark.parametrize("direction", ["right", "down"])
def test_an_arrow_to_another_row_bends(direction) -> None:
    assert "C" in line(geometry(Cell("b", "step", "do", 1, 1), direction=direction), "b")


def test_a_fact_for_a_step_in_the_same_column_is_a_straight_line() -> None:
    assert "L" in line(geometry(Cell("b", "step", "do", 0, 1)), "b", "fact")


def test_the_order_saga_is_narrower_and_taller_downwards() -> None:
    (plan,) = [saga.plan for saga in SAGAS if saga.name == "fulfil-order"]
    wide, tall = Geometry(grid_of(plan)).size, Geometry(grid_of(plan), "down").size
    assert wide[0] > tall[0]
    assert tall[1] > wide[1]


def test_downwards_two_branches_and_their_undos_are_seen_on_the_narrowest_screen() -> None:
    assert geometry(Cell("a", "step", "undo", 0, 1), direction="down").size[0] <= 320 - 2 * 16
