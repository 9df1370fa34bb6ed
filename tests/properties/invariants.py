"""The invariants of the engine as named checks over a recorded run: what was begun, what came of it, in which order."""

from dataclasses import dataclass, field

from orchestrator.engine.execution import Execution
from orchestrator.engine.states import Phase
from orchestrator.engine.topology import topology_of
from orchestrator.saga.plan import Plan, StepPlan


@dataclass
class Record:
    """What a run did: `acts` are (what, step, direction, attempt) in order; what = begin | ok | refused | failed."""

    plan: Plan
    execution: Execution
    acts: list[tuple[str, str, str, int]] = field(default_factory=list)
    aborted_at: int | None = None
    pivot_ok_at: int | None = None
    ends: int = 0

    def first(self, what, step, direction):
        for place, act in enumerate(self.acts):
            if act[:3] == (what, step, direction):
                return place
        return None


def steps(record):
    return [leaf for leaf in topology_of(record.plan).leaves.values() if isinstance(leaf, StepPlan)]


def inv_01_no_orphan_undo(record):
    for step in steps(record):
        undo = record.first("begin", step.id, "undo")
        counted = record.execution.step(step.id).order > 0
        assert undo is None or counted, f"{step.id} was undone and never begun"


def inv_02_refused_needs_none(record):
    for step in steps(record):
        if record.execution.step(step.id).outcome == "rejected":
            assert record.first("begin", step.id, "undo") is None, f"{step.id} was refused and undone"


def inv_03_in_doubt_is_undone(record):
    if record.execution.word in ("Compensated", "Aborted"):
        for step in steps(record):
            state = record.execution.step(step.id)
            if step.undo is not None and state.outcome == "unknown":
                assert state.phase is Phase.UNDONE, f"{step.id} is in doubt and was not undone"


def inv_04_completeness(record):
    if record.execution.word != "Compensated":
        return
    for step in steps(record):
        state = record.execution.step(step.id)
        if step.undo is not None and state.outcome in ("ok", "unknown"):
            assert state.phase is Phase.UNDONE, f"Compensated, but {step.id} is {state.phase}"


def inv_05_reverse_order(record):
    order = topology_of(record.plan)
    for step in steps(record):
        begun = record.first("begin", step.id, "undo")
        if begun is None:
            continue
        for later in order.dependents[step.id]:
            undone = record.first("ok", later, "undo")
            started = record.first("begin", later, "undo")
            assert started is None or undone is None or undone < begun, f"{later} was undone after {step.id}"
            assert started is None or started < begun, f"the undo of {later} began after that of {step.id}"


def inv_06_no_start_after_abort(record):
    if record.aborted_at is not None:
        late = [a for a in record.acts[record.aborted_at :] if a[0] == "begin" and a[2] == "do"]
        assert not late, f"begun after the abort: {late}"


def inv_07_point_of_no_return(record):
    if record.pivot_ok_at is not None:
        undone = [a for a in record.acts[record.pivot_ok_at :] if a[0] == "begin" and a[2] == "undo"]
        assert not undone, f"undone behind the pivot: {undone}"


def inv_08_forward_order(record):
    order = topology_of(record.plan)
    for step in steps(record):
        begun = record.first("begin", step.id, "do")
        for earlier in order.before[step.id] if begun is not None else ():
            if isinstance(order.leaves[earlier], StepPlan):
                done = record.first("ok", earlier, "do")
                done = done if done is not None else record.first("ok", earlier, "probe")
                assert done is not None, f"{step.id} began and {earlier} was never ok"
                assert done < begun, f"{step.id} began before {earlier} was ok"


def inv_16_bounded_attempts(record):
    for step in steps(record):
        state = record.execution.step(step.id)
        assert state.attempt - state.granted <= step.retry.attempts
        assert state.undo_attempt - state.undo_granted <= step.undo_retry.attempts


def inv_17_terminal_is_final(record):
    assert record.ends <= 1, "it ended twice"


ALL = [check for name, check in sorted(globals().items()) if name.startswith("inv_")]


def check_all(record):
    """Every invariant, after every transition."""
    for check in ALL:
        check(record)
