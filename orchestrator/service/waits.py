"""What an execution waited for, and waits for: events, sleeps, pauses between attempts. Pure.

The journal says when a wait ended; it began when the flow came to it, that is when all before it had passed and nobody
had suspended it. What an earlier run was told may be gone: a wait that it began has no begin here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from orchestrator.engine.states import Phase
from orchestrator.engine.turn import SAGA_TIMER, retry_timer, wait_timer
from orchestrator.saga.plan import ParallelPlan, SequencePlan, SleepPlan, StepPlan, WaitPlan, leaves
from orchestrator.service.attempts import next_tries
from orchestrator.service.records import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from orchestrator.engine.states import State
    from orchestrator.saga.plan import Node, Plan
    from orchestrator.service.attempts import Attempt
    from orchestrator.service.journal import JournalEntry

WaitKind: TypeAlias = Literal["event", "sleep", "pause"]
PASSING = frozenset({"Succeeded", "SkipRequested"})
"""What lets the flow go on behind a step."""
TURNING: Mapping[str, str] = MappingProxyType({"cancel": "CancelRequested", "operator": "CompensateRequested"})
"""What an execution was told when it turned back for a reason that is no step's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One wait.

    Attributes:
        reason: what for, in words.
        began: None = nobody knows any more.
        ended: None = it goes on.
        until: when it ends by itself at the latest; None if its begin is not known.
    """

    step: str
    kind: WaitKind
    reason: str
    began: datetime | None
    ended: datetime | None
    until: datetime | None


def waits(plan: Plan, state: State, journal: Sequence[JournalEntry], made: Sequence[Attempt]) -> tuple[Wait, ...]:
    """Every one: events and sleeps in the order of the flow, then pauses in the order of the attempts before them."""
    told = tuple(entry for entry in journal if not entry.ignored)
    way = _Way(state, told)
    begun = next((entry for entry in told if entry.kind == "Started"), None)
    if begun is not None:
        way.walk(plan.root, moment(begun.at_ms))
    flow = [leaf for leaf in leaves(plan.root) if isinstance(leaf, WaitPlan | SleepPlan)]
    return (*filter(None, map(way.wait, flow)), *_pauses(plan, state, told, made))


@dataclass
class _Way:
    """When the flow came to each wait and passed it, as the journal has it."""

    state: State
    told: tuple[JournalEntry, ...]
    reached: dict[str, datetime] = field(default_factory=dict[str, "datetime"])
    passed: dict[str, datetime] = field(default_factory=dict[str, "datetime"])
    taken: set[int] = field(default_factory=set[int])

    def walk(self, node: Node, begun: datetime) -> datetime | None:
        """Note both for the waits below; when the flow had passed all of it, None if it has not."""
        match node:
            case SequencePlan():
                passed: datetime | None = begun
                for child in node.children:
                    passed = None if passed is None else self.walk(child, passed)
                return passed
            case ParallelPlan():
                ends = [self.walk(child, begun) for child in node.children]
                known = [end for end in ends if end is not None]
                return max(known, default=begun) if len(known) == len(ends) else None
            case StepPlan():
                return self._last(lambda one: one.step == node.id and one.kind in PASSING and one.direction != "undo")
            case _:
                return self._pass(node, _resumed(self.told, begun))

    def _pass(self, leaf: WaitPlan | SleepPlan, reached: datetime) -> datetime | None:
        self.reached[leaf.id] = reached
        ended = _timers(self.told).get(wait_timer(leaf.id)) or self._came(leaf)
        if ended is not None:
            self.passed[leaf.id] = max(ended, reached)
        return self.passed.get(leaf.id)

    def _came(self, leaf: WaitPlan | SleepPlan) -> datetime | None:
        """When the event came that a wait took: of several of a type each has one, in the order of the flow."""
        step = self.state.steps.get(leaf.id)
        if not isinstance(leaf, WaitPlan) or step is None or step.phase is not Phase.DONE:
            return None
        for entry in self.told:
            if (entry.kind, entry.message_type) == ("Arrived", leaf.event) and entry.revision not in self.taken:
                self.taken.add(entry.revision)
                return moment(entry.at_ms)
        return None

    def wait(self, leaf: WaitPlan | SleepPlan) -> Wait | None:
        """The wait of a leaf; None if it was not begun, or if what it waits for had come before."""
        step = self.state.steps.get(leaf.id)
        if step is None or step.phase is Phase.IDLE:
            return None
        began, goes_on = self.reached.get(leaf.id), step.phase is Phase.DOING
        ended = None if goes_on else self.passed.get(leaf.id) or self._turned_back()
        if not goes_on and (began is None or ended is None or ended <= began):
            return None
        kind, reason, length_ms = _told_of(leaf)
        until = None if began is None else began + timedelta(milliseconds=length_ms)
        return Wait(step=leaf.id, kind=kind, reason=reason, began=began, ended=ended, until=until)

    def _turned_back(self) -> datetime | None:
        abort = self.state.abort
        if abort is None:
            return None
        if abort.reason == "deadline":
            return _timers(self.told).get(SAGA_TIMER)
        kind = TURNING.get(abort.reason)
        return self._last(lambda one: one.kind == kind if kind else bool(one.attempt) and one.step == abort.step)

    def _last(self, is_it: Callable[[JournalEntry], bool]) -> datetime | None:
        found = [one.at_ms for one in self.told if is_it(one)]
        return moment(max(found)) if found else None


def _told_of(leaf: WaitPlan | SleepPlan) -> tuple[WaitKind, str, int]:
    if isinstance(leaf, WaitPlan):
        return "event", f"waits for the event {leaf.event}", leaf.within_ms
    return "sleep", "sleeps", leaf.duration_ms


def _timers(told: Sequence[JournalEntry]) -> dict[str, datetime]:
    """When each timer ran out that ended no attempt."""
    return {one.said["timer"]: moment(one.at_ms) for one in told if one.said and "timer" in one.said}


def _resumed(told: Sequence[JournalEntry], at: datetime) -> datetime:
    """The moment itself, or when somebody resumed the execution if it was suspended then: nothing begins meanwhile."""
    is_suspended = False
    for entry in told:
        is_later = moment(entry.at_ms) > at
        if is_later and not is_suspended:
            return at
        if is_later and entry.kind == "ResumeRequested":
            return moment(entry.at_ms)
        is_suspended = {"SuspendRequested": True, "ResumeRequested": False}.get(entry.kind, is_suspended)
    return at


def _pauses(plan: Plan, state: State, told: Sequence[JournalEntry], made: Sequence[Attempt]) -> Iterator[Wait]:
    """Pauses that ran out, and those that go on: one that somebody cut short leaves no trace but the next attempt."""
    timers, coming = _timers(told), next_tries(plan, state, made)
    for one in made:
        ended = timers.get(retry_timer(one.step, one.direction, one.attempt))
        following = coming.get(one.step)
        rests = following is not None and (following.direction, following.attempt) == (one.direction, one.attempt + 1)
        if one.ended is not None and (ended or rests):
            yield Wait(
                step=one.step,
                kind="pause",
                reason=f"pauses before {one.direction} {one.attempt + 1}",
                began=one.ended,
                ended=ended,
                until=ended or (following.began if following else None),
            )
