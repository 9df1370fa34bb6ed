"""What would follow if all went well: a run of the express lane, and what a lost attempt of one may have begun.

Pure: everything is tried on a copy (express.md, rules 4, 8 and 10).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.engine.effects import Perform
from orchestrator.engine.signals import (
    CancelRequested,
    CompensateRequested,
    Elapsed,
    Failed,
    Refused,
    ReleaseRequested,
    Started,
    Succeeded,
)
from orchestrator.engine.states import Move, Phase, was_not_begun_here
from orchestrator.engine.turn import Turn, wait_timer
from orchestrator.saga.plan import SleepPlan, StepPlan, WaitPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.engine.effects import Effect
    from orchestrator.engine.execution import Execution
    from orchestrator.engine.signals import ReceivedEvent, Signal
    from orchestrator.engine.states import Abort

MAX_RUN = 50
"""Calls in one run at most: its outcomes travel in one marker."""


MAY_TURN_BACK = (Refused, Failed, Elapsed, CancelRequested, CompensateRequested)
"""Signals that may begin an abort."""

LATER = object()
"""Stands for a result that the run itself will make."""


@dataclass(frozen=True, slots=True)
class RunItem:
    """One call of a run.

    Attributes:
        after: steps of this run whose success it waits for.
        facts: the facts it takes, as far as they are known before the run; the run's own results complete them.
    """

    perform: Perform
    after: tuple[str, ...]
    facts: dict[str, Any]


def lookahead(execution: Execution, ready: Sequence[Perform]) -> tuple[RunItem, ...]:
    """The longest run of brief calls that begins with `ready` and would follow if each succeeded.

    It ends before anything that needs the server, and before a pivot. Calls of parallel branches stand side by side;
    `after` says what must have succeeded first.
    """
    twin = execution.copy()
    queue = deque(perform for perform in ready if perform.is_brief)
    items: list[RunItem] = []
    while queue and len(items) < MAX_RUN:
        perform = queue.popleft()
        earlier = {item.perform.step for item in items}
        known = twin.facts_for(perform.step, perform.call)
        facts = {name: value for name, value in known.items() if value is not LATER}
        items.append(RunItem(perform, _waits_for(twin, perform, earlier), facts))
        if perform.direction == "probe" and twin.state.is_unwinding:
            continue  # what it says decides whether there is anything to undo
        effects = twin.receive(_success(perform))
        queue.extend(effect for effect in effects if isinstance(effect, Perform) and effect.is_brief)
    return tuple(items)


def _waits_for(twin: Execution, perform: Perform, earlier: set[str]) -> tuple[str, ...]:
    turn = Turn(twin.plan, twin.state)
    if perform.direction == "undo" and twin.plan.unwind == "serial":
        return tuple(sorted(earlier))
    order = turn.topology.dependents if perform.direction == "undo" else turn.topology.before
    return tuple(sorted(order[perform.step] & earlier))


def _success(perform: Perform) -> Succeeded:
    return Succeeded(step=perform.step, direction=perform.direction, attempt=perform.attempt, result=LATER)


def changes_the_way(execution: Execution, news: Signal) -> bool:
    """Whether a repeat may go another way than a lost attempt went, which did not know of this news (express.md, 8).

    It turns back; or it has no event any more with which the lost attempt went on behind a wait.
    """
    if isinstance(news, ReleaseRequested):
        return True
    turns_back = isinstance(news, MAY_TURN_BACK) and abort_after(execution, news) is not None
    return turns_back and not is_stable_refusal(execution, news)


def abort_after(execution: Execution, signal: Signal) -> Abort | None:
    """The abort that this signal would begin, None if it would begin none."""
    if execution.state.is_unwinding:
        return None
    twin = execution.copy()
    twin.receive(signal)
    return twin.state.abort or twin.state.waiting_abort


def is_stable_refusal(execution: Execution, signal: Signal) -> bool:
    """Whether an abort caused by this signal comes out the same in every repeat of the run (express.md, 8).

    True for a participant's own refusal while no other branch is open: its inbox keeps the verdict.
    """
    if not isinstance(signal, Refused) or signal.direction != "do" or signal.code in LOST_ATTEMPT_CODES:
        return False
    turn = Turn(execution.plan, execution.state)
    if turn.topology.step(signal.step).do.lane != "command":
        return False
    rivals = turn.topology.rivals[signal.step]
    return all(turn.phase(name) is Phase.DONE for name in rivals)


LOST_ATTEMPT_CODES = frozenset({"undone", "conflict", "expired"})
"""Refusals that tell of an earlier copy of the command, of its undo, or of the clock, and so may differ on a repeat."""


def leaves_nothing_open(execution: Execution) -> bool:
    """Whether no brief step is begun and without its end: then a lost attempt can have begun nothing that is unknown.

    What was lost before went on, at most, to where its repeat went on too; a suspended one is held back where the
    lost attempt, which did not know of it yet, was not.
    """
    if execution.state.suspended:
        return False
    turn = Turn(execution.plan, execution.state)
    return not any(_is_open(turn, name, step.phase) for name, step in execution.state.steps.items())


_UNSURE = frozenset({Phase.IDLE, Phase.RESTING})
"""Not begun, or begun once and perhaps once more, as far as the lost attempt is concerned."""

_OPEN = frozenset({Phase.RESTING, Phase.PROBING, Phase.PARKED})


def _is_open(turn: Turn, name: str, phase: Phase) -> bool:
    leaf = turn.leaf(name)
    if not isinstance(leaf, StepPlan):
        return False
    return phase in _OPEN or (phase is Phase.DOING and leaf.do.lane != "durable" and leaf.phase != "pivot")


def maybe_begun(
    recorded: Execution, now: Execution, trigger: ReceivedEvent, unbegun: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """Brief steps that a lost attempt may have begun and that `now` has not: they count as begun (express.md, 10).

    `recorded` is the state before it took the last things that came through the server. Each effect in flight there is
    taken to have succeeded, then everything brief that follows, up to what needs the server or a pivot.

    Args:
        recorded: see above.
        now: the state as it is.
        trigger: what started it.
        unbegun: steps that `now` takes for begun, though this attempt has not performed them yet.
    """
    twin = recorded.copy()
    twin.state.suspended = False
    effects: list[Effect] = []
    if not twin.state.started:
        effects += twin.receive(Started(trigger))
    effects += [effect for signal in _all_in_flight(twin) for effect in twin.receive(signal)]
    effects += twin.conclude()
    # Asked for and not yet performed: the lost attempt may have come to it.
    asked = [perform.step for perform in recorded.pending() if perform.is_brief and perform.direction == "do"]
    uncoded = [name for name in recorded.state.steps if was_not_begun_here(recorded.step(name))]
    reached = dict.fromkeys([*asked, *uncoded, *_follow(twin, now, effects)])
    unsure = {name for name in reached if now.step(name).phase in _UNSURE or was_not_begun_here(now.step(name))}
    return tuple(name for name in reached if name in unsure or name in unbegun)


def _all_in_flight(twin: Execution) -> Iterable[Signal]:
    """A success of each call in flight, and the end of each pause.

    Waits that they lead to are passed too: the event may lie unread in a mailbox, and an undo in vain does no harm.
    """
    for perform in twin.pending():
        yield _success(perform)
    turn = Turn(twin.plan, twin.state)
    for name, step in list(twin.state.steps.items()):
        leaf = turn.leaf(name)
        if step.phase is Phase.RESTING:
            yield Elapsed(turn.pause(name, "do"))
        elif step.phase is Phase.PARKED and isinstance(leaf, StepPlan) and leaf.phase != "pivot":
            yield Succeeded(step=name, attempt=step.attempt, result=LATER)
        elif step.phase is Phase.DOING and isinstance(leaf, SleepPlan):
            yield Elapsed(wait_timer(name))
        elif step.phase is Phase.DOING and isinstance(leaf, WaitPlan):
            _let_pass(turn, name)


def _let_pass(turn: Turn, name: str) -> None:
    turn.move(name, Move.OK).outcome = "ok"
    turn.clear_timer(wait_timer(name))


def _follow(twin: Execution, now: Execution, effects: Iterable[Effect]) -> list[str]:
    queue = deque(effect for effect in effects if isinstance(effect, Perform))
    reached: list[str] = []
    while queue:
        perform = queue.popleft()
        if perform.is_brief and perform.direction == "do":
            reached.append(perform.step)
            queue.extend(effect for effect in twin.receive(_success(perform)) if isinstance(effect, Perform))
        queue.extend(_pass_arrived(twin, now))
    return reached


def _pass_arrived(twin: Execution, now: Execution) -> list[Perform]:
    """Go on behind waits whose event has come by now: the lost attempt may have had it too."""
    found: list[Perform] = []
    turn = Turn(twin.plan, twin.state)
    for name, step in list(twin.state.steps.items()):
        leaf = turn.leaf(name)
        if step.phase is not Phase.DOING or not isinstance(leaf, WaitPlan):
            continue
        event = _arrived_for(now, leaf)
        if event:
            _let_pass(turn, name)
            found += [effect for effect in twin.conclude() if isinstance(effect, Perform)]
    return found


def _arrived_for(now: Execution, leaf: WaitPlan) -> bool:
    return now.step(leaf.id).phase is Phase.DONE or any(event.type == leaf.event for event in now.state.held)
