"""Where each part of a plan stands: columns follow time, rows are branches, undos lie below what they undo."""

from hypothesis import given

from orchestrator.console.diagram.grid import COMPENSATED, COMPLETED, FOLDED_FROM, TRIGGER, Grid, grid_of
from orchestrator.saga.plan import CallPlan, ParallelPlan, Plan, SequencePlan, StepPlan, TriggerPlan, leaves
from sagas import SAGAS
from tests.properties.plans import plans

UNDO = CallPlan(lane="brief", handler="ship.undo_it@1")


def step(name: str, *, undo: bool = True, after: tuple[str, ...] = ()) -> StepPlan:
    do = CallPlan(lane="brief", handler=f"ship.{name}@1")
    return StepPlan(id=name, do=do, undo=UNDO if undo else None, after=after)


def grid(*children) -> Grid:
    trigger = TriggerPlan(event="e", gives="placed", key="id")
    return grid_of(Plan(saga="ship", version=1, trigger=trigger, root=SequencePlan(children=children)))


def both(*names: str, undo: bool = True) -> ParallelPlan:
    return ParallelPlan(children=tuple(step(name, undo=undo) for name in names))


def places(drawn: Grid, lane: str) -> dict[str, tuple[int, float]]:
    return {cell.name: (cell.column, cell.row) for cell in drawn.cells if cell.lane == lane}


def ways(drawn: Grid, way: str) -> list[str]:
    return [f"{arrow.start[1]} {arrow.end[1]}" for arrow in drawn.arrows if arrow.way == way]


def test_steps_follow_each_other_and_their_undos_lie_below_them() -> None:
    drawn = grid(step("a"), step("b", undo=False), step("c"))
    assert places(drawn, "do") == {TRIGGER: (0, 0), "a": (1, 0), "b": (2, 0), "c": (3, 0), COMPLETED: (4, 0)}
    assert places(drawn, "undo") == {"a": (1, 0), "c": (3, 0), COMPENSATED: (0, 0)}
    assert ways(drawn, "forward") == ["(trigger) a", "a b", "b c", "c (completed)"]
    assert ways(drawn, "back") == ["c a", "a (compensated)"]


def test_branches_take_a_row_each_and_what_stands_before_them_their_middle() -> None:
    drawn = grid(step("a"), both("b", "c"), step("d"))
    assert (drawn.columns, drawn.rows) == (5, 2)
    assert places(drawn, "do")["a"] == (1, 0.5)
    assert (places(drawn, "do")["b"], places(drawn, "do")["c"]) == ((2, 0), (2, 1))
    assert ways(drawn, "back") == ["d b", "d c", "b a", "c a", "a (compensated)"]


def test_a_long_branch_beside_a_short_one() -> None:
    drawn = grid(ParallelPlan(children=(SequencePlan(children=(step("a"), both("b", "c"))), step("d"))), step("e"))
    assert places(drawn, "do")["d"] == (1, 2)
    assert places(drawn, "do")["e"] == (3, 1)


def test_branches_behind_branches_meet_in_a_dot_both_ways() -> None:
    drawn = grid(both("a", "b"), both("c", "d"))
    assert [cell.column for cell in drawn.cells if cell.kind == "dot"] == [2, 2]
    assert ways(drawn, "forward")[2:6] == ["a (dot 2)", "b (dot 2)", "(dot 2) c", "(dot 2) d"]
    assert ways(drawn, "back")[:2] == ["c (dot 2 0.5)", "d (dot 2 0.5)"]


def test_without_any_undo_there_is_no_way_back() -> None:
    drawn = grid(step("a", undo=False))
    assert not drawn.has_undo
    assert ways(drawn, "back") == []


def test_a_fact_that_comes_from_another_branch_is_an_arrow_of_its_own() -> None:
    drawn = grid(ParallelPlan(children=(step("a"), step("b", after=("a",)))))
    assert ways(drawn, "fact") == ["a b"]


def test_many_branches_are_one_box_each_way() -> None:
    names = [f"s{number}" for number in range(FOLDED_FROM)]
    drawn = grid(both(*names), step("last"))
    (fold,) = [cell for cell in drawn.cells if cell.kind == "fold" and cell.lane == "do"]
    assert [leaf.id for leaf in fold.folded] == names
    assert drawn.rows == 1
    assert ways(drawn, "back") == ["last (s0 and others)", "(s0 and others) (compensated)"]
    assert len(grid(both(*names[1:])).cells) > FOLDED_FROM


def test_a_fold_of_which_nothing_is_undone_is_passed_by_on_the_way_back() -> None:
    names = [f"s{number}" for number in range(FOLDED_FROM)]
    assert ways(grid(step("a"), both(*names, undo=False), step("b")), "back") == ["b a", "a (compensated)"]


@given(plans())
def test_no_box_lies_on_another_and_every_leaf_is_drawn_once(plan) -> None:
    drawn = grid_of(plan)
    taken = [(cell.lane, cell.column, cell.row) for cell in drawn.cells]
    assert len(taken) == len(set(taken))
    shown = [cell.name for cell in drawn.cells if cell.lane == "do" and cell.leaf is not None]
    assert sorted(shown) == sorted(leaf.id for leaf in leaves(plan.root))
    assert all(0 <= cell.row <= drawn.rows - 1 and cell.column < drawn.columns for cell in drawn.cells)


@given(plans())
def test_arrows_forward_go_right_and_arrows_back_go_left(plan) -> None:
    drawn = grid_of(plan)
    for arrow in drawn.arrows:
        start, end = drawn.cell(*arrow.start), drawn.cell(*arrow.end)
        if arrow.way == "forward":
            assert start.column < end.column
        if arrow.way == "back":
            assert start.column > end.column


def test_every_saga_of_the_project_can_be_drawn() -> None:
    assert all(grid_of(saga.plan).has_undo for saga in SAGAS)
