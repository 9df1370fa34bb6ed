"""Attempts of steps, read off what an execution was told and what it sent. Pure.

The journal says how each attempt ended; the command that made it says when it began, which an action's attempt does
not tell. An attempt without an end is under way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from orchestrator.engine.states import Phase
from orchestrator.saga.plan import StepPlan, leaves
from orchestrator.service.records import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from orchestrator.engine.signals import Direction
    from orchestrator.engine.states import State
    from orchestrator.saga.plan import Plan
    from orchestrator.service.journal import JournalEntry
    from orchestrator.service.records import MessageRecord, StepRow

AttemptEnd: TypeAlias = Literal["", "ok", "rejected", "unknown", "not_begun"]
"""How an attempt ended; empty = it is under way. `unknown`: without a verdict. `not_begun`: no code, or withdrawn."""
ENDS: Mapping[str, AttemptEnd] = MappingProxyType(
    {
        "Succeeded": "ok",
        "Refused": "rejected",
        "Failed": "unknown",
        "Stalled": "not_begun",
        "Withdrawn": "not_begun",
        "Elapsed": "unknown",
    }
)
"""What each kind of journal entry says of its attempt, if it speaks of one: most timers do not."""
NOT_BEGUN: AttemptEnd = "not_begun"
ANSWERED: tuple[AttemptEnd, ...] = ("ok", "rejected")
"""Ends that a reply tells of."""
Name: TypeAlias = tuple[str, str, int]
"""An attempt: its step, direction and number."""
_UNDER_WAY: Mapping[str, Direction] = MappingProxyType(
    {Phase.DOING.value: "do", Phase.PROBING.value: "probe", Phase.UNDOING.value: "undo"}
)
_RESTING: Mapping[Phase, Direction] = MappingProxyType({Phase.RESTING: "do", Phase.UNDO_RESTING: "undo"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt of one call of a step.

    Attributes:
        direction: do, undo or probe. `attempt`: the first is 1.
        began: when its command was sent; None for actions, whose begin is not told.
        ended: when the execution was told; None while it is under way.
        code, reason: what was said of a refusal or a failure. `ignored`: why the outcome changed nothing.
        frames: where in the code it failed, outermost call first.
    """

    step: str
    direction: Direction
    attempt: int
    began: datetime | None = None
    ended: datetime | None = None
    end: AttemptEnd = ""
    code: str = ""
    reason: str = ""
    ignored: str = ""
    frames: tuple[str, ...] = ()


def attempts(
    journal: Iterable[JournalEntry], sent: Iterable[MessageRecord], steps: Iterable[StepRow]
) -> tuple[Attempt, ...]:
    """Every attempt: those that ended in the order in which the execution was told, then those under way."""
    messages = tuple(sent)
    began, answered = _first(messages, "command"), _first(messages, "reply")
    ended = [_ended(entry) for entry in journal if end_of(entry)]
    known = {(one.step, one.direction, one.attempt) for one in ended}
    waiting = [one for one in _under_way(steps) if (one.step, one.direction, one.attempt) not in known]
    return tuple(_timed(one, began, answered) for one in (*ended, *waiting))


def _first(messages: Iterable[MessageRecord], kind: str) -> dict[Name, datetime]:
    """When each attempt's first message of this kind went by: a command is sent again until it is answered."""
    times: dict[Name, datetime] = {}
    for one in messages:
        if one.kind == kind:
            name, at = (one.step, one.call, one.attempt), moment(one.at_ms)
            times[name] = min(at, times.get(name, at))
    return times


def _timed(one: Attempt, began: Mapping[Name, datetime], answered: Mapping[Name, datetime]) -> Attempt:
    """The attempt with its times in their order.

    The journal's clock is Temporal's and stands still within a run, so it may show an end before the command went out.
    A reply has the true time, unless the attempt ended without it.
    """
    name = (one.step, one.direction, one.attempt)
    start, answer = began.get(name), answered.get(name) if one.end in ANSWERED else None
    ended = None if one.ended is None else max(filter(None, (one.ended, answer, start)))
    return replace(one, began=start, ended=ended)


def next_tries(plan: Plan, state: State, made: Iterable[Attempt]) -> dict[str, Attempt]:
    """By step, the attempt that will be made by itself: it begins when the pause of its policy is over."""
    ended = {(one.step, one.direction, one.attempt): one.ended for one in made if one.ended is not None}
    leaves_by_id = {leaf.id: leaf for leaf in leaves(plan.root) if isinstance(leaf, StepPlan)}
    found: dict[str, Attempt] = {}
    for name, step in state.steps.items():
        leaf, direction = leaves_by_id.get(name), _RESTING.get(step.phase)
        if leaf is None or direction is None:
            continue
        is_undo = direction == "undo"
        number, granted = (step.undo_attempt, step.undo_granted) if is_undo else (step.attempt, step.granted)
        policy, last = leaf.undo_retry if is_undo else leaf.retry, ended.get((name, direction, number))
        if last is not None:
            pause = timedelta(milliseconds=policy.delay_ms(number - granted + 1))
            found[name] = Attempt(step=name, direction=direction, attempt=number + 1, began=last + pause)
    return found


def end_of(entry: JournalEntry) -> AttemptEnd:
    """How the attempt ended that an entry speaks of; empty, if it speaks of none."""
    return ENDS.get(entry.kind, "") if entry.attempt else ""


def _ended(entry: JournalEntry) -> Attempt:
    return Attempt(
        step=entry.step,
        direction=cast("Direction", entry.direction),
        attempt=entry.attempt,
        ended=moment(entry.at_ms),
        end=ENDS[entry.kind],
        code=entry.code,
        reason=entry.reason,
        ignored=entry.ignored,
        frames=entry.frames,
    )


def _under_way(steps: Iterable[StepRow]) -> Iterator[Attempt]:
    for row in steps:
        direction = _UNDER_WAY.get(row.phase)
        if direction is not None:
            number = row.undo_attempt if direction == "undo" else row.attempt
            yield Attempt(step=row.step, direction=direction, attempt=number)
