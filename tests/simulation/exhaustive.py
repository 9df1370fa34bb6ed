"""Breadth-first search over every schedule of one plan with few faults, on the real engine.

A point is a record and what the world still has in store: events that have not come, attempts whose limit passed and
whose answer may yet come, faults not yet spent. Points are the same if the engine's state, the books and the store are;
times do not tell them apart, since any message may take any time. From each point everything that can happen next is
tried, and every invariant is held against each signal told.

What costs a fault: a refusal, a failure with or without a further attempt, a limit that passes, a wait that nothing
ends, a missing handler, a lost attempt of the workflow's task, a late answer, each command of a person. What is free:
successes, events, pauses and fences that end, answers that come after their limit, and what a person must do about a
stuck or parked step. Crashes and copies cost nothing either: invariants 13 and 14 try both at every signal.
"""

from collections import deque
from dataclasses import dataclass, field, replace

from orchestrator.engine.lookahead import maybe_begun
from orchestrator.engine.signals import (
    AbandonRequested,
    Arrived,
    CancelRequested,
    CompensateRequested,
    Elapsed,
    Failed,
    Lost,
    MarkDoneRequested,
    ReceivedEvent,
    Refused,
    ResumeRequested,
    RetryRequested,
    SkipRequested,
    Stalled,
    Started,
    Succeeded,
    SuspendRequested,
)
from orchestrator.engine.states import Phase
from orchestrator.engine.turn import timer_kind
from orchestrator.saga.plan import WaitPlan, leaves
from orchestrator.testing.simulation.invariants import INVARIANTS, check
from orchestrator.testing.simulation.record import WAITING, Record
from tests.engine_kit import PERSON, TRIGGER

FAULTS = 2
FENCE_MS = 5


@dataclass(frozen=True)
class Point:
    record: Record
    faults: int
    unsent: frozenset[str]
    overdue: frozenset[tuple[str, str, int]] = field(default_factory=frozenset)
    persons: int = 0

    @property
    def state(self):
        return self.record.execution.state

    def identity(self):
        """What tells this point from others: no times, no counters, no marks of repeats."""
        return (essential(self.state), booked(self.record.books), self.faults, self.unsent, self.overdue)


def essential(state):
    steps = tuple(
        (name, s.phase, s.outcome, s.earlier, s.attempt, s.undo_attempt, s.granted, s.undo_granted, s.order, s.edition,
         s.refused_upto)
        for name, s in sorted(state.steps.items())
    )  # fmt: skip
    return (
        steps, state.abort, state.waiting_abort, state.compensating, tuple(state.scope or ("all",)), state.suspended,
        state.abandoned, tuple(event.identity for event in state.held), frozenset(state.timers), frozenset(state.facts),
        state.completed, state.ended,
    )  # fmt: skip


def booked(books):
    accounts = tuple(
        (name, a.outcome, a.earlier, a.place, a.edition, a.edited_after, tuple(sorted(a.verdicts.items())),
         tuple(sorted(a.newest.items())), tuple(sorted(a.tries.items())), a.is_skipped, a.is_left, a.undone,
         a.undo_begun)
        for name, a in sorted(books.steps.items())
    )  # fmt: skip
    return accounts, frozenset(books.open), books.was_overridden


def start(plan):
    record = Record.begin(plan, "s:1")
    events = frozenset(leaf.event for leaf in leaves(plan.root) if isinstance(leaf, WaitPlan))
    return tell(Point(record, FAULTS, events), Started(TRIGGER))


def tell(point, *signals, cost=0, **changes):
    """The point after these signals; every invariant is checked after each."""
    record = point.record.fork()
    for signal in signals:
        due = record.books.timers.get(getattr(signal, "timer", ""), 0)
        at_ms = max(record.beats[-1].at_ms if record.beats else 0, due)
        record.tell(signal, at_ms=at_ms)
        check(record, CHECKED)
    return replace(point, record=record, faults=point.faults - cost, **changes)


CHECKED = {number: invariant for number, invariant in INVARIANTS.items() if number != 12}
"""Without 12: nothing crashes here, so the live execution is itself the fold of its journal."""


def nexts(point):
    """Everything that can happen next."""
    for step, direction, attempt in sorted(point.record.books.open):
        yield from answers(point, {"step": step, "direction": direction, "attempt": attempt})
    for step, direction, attempt in sorted(point.overdue):
        left = {"overdue": point.overdue - {(step, direction, attempt)}}
        common = {"step": step, "direction": direction, "attempt": attempt}
        yield tell(point, Succeeded(**common), **left)
        yield tell(point, Refused(reason="no", **common), **left)
    for timer in sorted(point.record.books.timers):
        yield from elapse(point, timer)
    for event in sorted(point.unsent):
        told = Arrived(ReceivedEvent(identity=event, body_hash=event, type=event, payload=1))
        yield tell(point, told, unsent=point.unsent - {event})
    yield from ways_out(point)
    if point.faults:
        yield from bad_luck(point)
        yield from whims(point)


def answers(point, common):
    yield tell(point, Succeeded(**common))
    if not point.faults:
        return
    yield tell(point, Refused(reason="no", **common), cost=1)
    yield tell(point, Failed(reason="broke", **common), cost=1)
    yield tell(point, Failed(reason="gone", retryable=False, fence_ms=FENCE_MS, **common), cost=1)
    yield tell(point, Stalled(reason="nobody has it", **common), cost=1)


def elapse(point, timer):
    kind = timer_kind(timer)
    if kind == "limit" and point.faults:
        _, direction, attempt, step = timer.split(":", 3)
        overdue = point.overdue | {(step, direction, int(attempt))}
        yield tell(point, Elapsed(timer), cost=1, overdue=overdue)
    elif kind == "wait" and point.faults:
        yield tell(point, Elapsed(timer), cost=1)
    elif kind in ("retry", "fence"):
        yield tell(point, Elapsed(timer))


def bad_luck(point):
    """A lost attempt may have begun what follows; as the interpreter does it, the abort that asked comes next."""
    steps = maybe_begun(point.record.execution, point.record.execution, TRIGGER)
    if steps and not point.state.is_unwinding and not point.state.ended:
        yield tell(point, Lost(steps, FENCE_MS), command(point, CancelRequested), cost=1, persons=point.persons + 1)


def whims(point):
    """What a person may do without need."""
    kinds = [(CancelRequested, {}), (SuspendRequested, {}), (CompensateRequested, {"override": True})]
    kinds += [(CompensateRequested, {"from_step": name, "override": True}) for name in point.record.steps]
    for kind, more in kinds:
        yield person(point, kind, cost=1, **more)


def ways_out(point):
    """What a person may do about what waits for one."""
    waiting = [name for name, step in point.state.steps.items() if step.phase in WAITING]
    for name in waiting:
        yield person(point, RetryRequested, step=name, edited={"start": 2})
        yield person(point, SkipRequested, step=name, result=1)
        if point.state.steps[name].phase is Phase.STUCK:
            yield person(point, MarkDoneRequested, step=name, evidence="seen")
    if waiting or point.state.suspended:
        yield person(point, ResumeRequested)
    if any(point.state.steps[name].phase is Phase.STUCK for name in waiting):
        yield person(point, AbandonRequested)


def command(point, kind, **more):
    return kind(**{"command_id": f"c{point.persons}", **PERSON, **more})


def person(point, kind, *, cost=0, **more):
    return tell(point, command(point, kind, **more), cost=cost, persons=point.persons + 1)


def search(plan):
    """How many points and signals there are; every one of them keeps the invariants, and none is a dead end."""
    first = start(plan)
    seen, queue, signals = {first.identity()}, deque([first]), 0
    while queue:
        point = queue.popleft()
        for following in nexts(point):
            signals += 1
            identity = following.identity()
            if identity not in seen:
                seen.add(identity)
                queue.append(following)
    return len(seen), signals
