"""A plan as a picture: the way forward, the way back, the pivot; the same for the same plan."""

from orchestrator.saga.drawing import draw
from orchestrator.saga.plan import (
    CallPlan,
    ParallelPlan,
    Plan,
    SequencePlan,
    SleepPlan,
    StepPlan,
    TriggerPlan,
    WaitPlan,
)

UNDO = CallPlan(lane="command", handler="ship.undo_it@1", participant="stock", message_type="x")


def step(
    name: str, *, undo: CallPlan | None = None, phase: str = "compensatable", after: tuple[str, ...] = ()
) -> StepPlan:
    do = CallPlan(lane="durable", handler=f"ship.{name}@1")
    return StepPlan(id=name, do=do, undo=undo, phase=phase, after=after)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def picture(*children, event: str = "order.placed") -> list[str]:
    trigger = TriggerPlan(event=event, gives="placed", key="id")
    drawn = draw(Plan(saga="ship", version=1, trigger=trigger, root=SequencePlan(children=children)))
    return [line.strip() for line in drawn.splitlines()]


def test_a_saga_in_one_line_with_its_way_back() -> None:
    assert picture(step("first", undo=UNDO), step("second", undo=UNDO), step("third", phase="pivot")) == [
        "flowchart TD",
        'start(["order.placed"])',
        's_first["first"]',
        "start --> s_first",
        's_second["second"]',
        "s_first --> s_second",
        's_third{{"third"}}:::pivot',
        "s_second --> s_third",
        "s_third --> done",
        'done(["ship completed"])',
        'u_second["undo_it → stock"]:::undo',
        "s_second -. undo .-> u_second",
        'u_first["undo_it → stock"]:::undo',
        "s_first -. undo .-> u_first",
        "u_second -.-> u_first",
        "u_first -.-> undone",
        'undone(["ship compensated"])',
        "classDef pivot stroke-width:4px",
        "classDef undo stroke-dasharray:4 3",
    ]


def test_branches_stand_side_by_side_in_both_directions() -> None:
    drawn = picture(
        step("first", undo=UNDO),
        ParallelPlan(children=(step("left", undo=UNDO), step("right", undo=UNDO))),
        step("last"),
    )
    for line in ("s_first --> s_left", "s_first --> s_right", "s_left --> s_last", "s_right --> s_last"):
        assert line in drawn
    for line in ("u_left -.-> u_first", "u_right -.-> u_first"):
        assert line in drawn


def test_a_branch_without_an_undo_is_left_out_of_the_way_back() -> None:
    drawn = picture(
        step("first", undo=UNDO), ParallelPlan(children=(step("left"), step("right"))), step("last", undo=UNDO)
    )
    assert "u_last -.-> u_first" in drawn
    assert not any("u_left" in line or "u_right" in line for line in drawn)


def test_two_parallels_in_a_row_meet_in_one_point() -> None:
    first = ParallelPlan(children=(step("a", undo=UNDO), step("b", undo=UNDO)))
    second = ParallelPlan(children=(step("c", undo=UNDO), step("d", undo=UNDO)))
    drawn = picture(first, second)
    assert {"s_a --> join1", "s_b --> join1", "join1 --> s_c", "join1 --> s_d"} <= set(drawn)
    assert {"u_c -.-> join2", "u_d -.-> join2", "join2 -.-> u_a", "join2 -.-> u_b"} <= set(drawn)


def test_a_saga_with_nothing_to_undo_has_no_way_back() -> None:
    assert not any("undone" in line for line in picture(step("only")))


def test_waits_sleeps_publishes_and_facts_are_shown() -> None:
    wait = WaitPlan(id="paid", event="payment.settled", key="id", gives="paid", within_ms=900_000)
    late = WaitPlan(id="seen", event="seen", key="id", gives="seen", within_ms=1_500, on_timeout="continue")
    told = StepPlan(id="told", do=CallPlan(lane="publish", handler="ship.told@1", message_type="order.done"))
    both = ParallelPlan(children=(step("left"), step("right", after=("left",))))
    drawn = picture(wait, late, SleepPlan(id="rest", duration_ms=7_200_000), told, both)
    assert 's_paid[/"wait for payment.settled (at most 15 min)"/]' in drawn
    assert 's_seen[/"wait for seen (at most 1500 ms, else go on)"/]' in drawn
    assert 's_rest[/"sleep 2 h"/]' in drawn
    assert 's_told["publish order.done"]' in drawn
    assert "s_left -- fact --> s_right" in drawn


def test_labels_cannot_break_the_picture() -> None:
    assert 'start(["a#quot;]#lt;b#gt;#35;1"])' in picture(step("end"), event='a"]<b>#1')
