"""After a run: the invariants over what the surviving journal says, and over what was really done and undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.engine.states import Phase
from orchestrator.errors import InvariantBrokenError
from orchestrator.testing.simulation.invariants import INVARIANTS, SEEN, check
from orchestrator.testing.simulation.outside import key_of
from orchestrator.testing.simulation.people import SKIPPED
from orchestrator.testing.simulation.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.engine.execution import Execution
    from orchestrator.engine.signals import Signal
    from orchestrator.saga.plan import Plan

RESTS = ("Stuck", "Parked", "Suspended")


def refold(plan: Plan, execution_id: str, journal: list[tuple[int, Signal]], *, with_twins: bool) -> Execution:
    """Fold the journal that survived, and hold each beat of it against the invariants.

    Raises:
        InvariantBrokenError: one is broken.
    """
    record = Record.begin(plan, execution_id)
    for at_ms, signal in journal:
        record.tell(signal, at_ms=at_ms)
        check(record, INVARIANTS if with_twins else SEEN)
    return record.execution


def complaints_of(plan: Plan, execution: Execution, lines: list[tuple[int, str, str]]) -> Iterator[str]:
    """What is wrong between the state that is known and what was really done, in the order `lines`."""
    told = _Told(plan, execution, lines)
    yield from told.doubles()
    yield from told.unknown_keys()
    yield from told.order()
    if execution.state.ended:
        yield from told.leftovers()
        yield from told.conservation()


class _Told:
    def __init__(self, plan: Plan, execution: Execution, lines: list[tuple[int, str, str]]) -> None:
        record = Record(plan, execution)
        self._execution = execution
        self._steps, self._before = record.steps, record.before
        self._keys = {self._key(name): name for name in self._steps}
        self._at: dict[tuple[str, str], list[int]] = {}
        for number, what, key in sorted(lines):
            self._at.setdefault((what, key), []).append(number)

    def _key(self, step: str) -> str:
        return key_of(self._execution.state.execution_id, step, self._execution.step(step).edition)

    def _places(self, what: str, step: str) -> list[int]:
        return self._at.get((what, self._key(step)), [])

    def doubles(self) -> Iterator[str]:
        """No effective do or undo twice for one key."""
        for (what, key), places in self._at.items():
            if what != "publish" and len(places) > 1:
                yield f"{what} of {key} had its effect {len(places)} times"

    def unknown_keys(self) -> Iterator[str]:
        """No undo of what was never done, none before it."""
        for name in self._steps:
            do, undo = self._places("do", name), self._places("undo", name)
            if undo and (not do or undo[0] < do[0]):
                yield f"{name} was undone before it was done"

    def order(self) -> Iterator[str]:
        """Forward in the order of the flow, back in its reverse."""
        for name in self._steps:
            for earlier in self._before[name]:
                if earlier not in self._steps:
                    continue
                undone, first = self._places("undo", earlier), self._places("undo", name)
                # What a person has left is nobody's any more: a copy of its undo may still be on its way.
                is_left = self._execution.step(name).phase is Phase.LEFT
                if undone and first and undone[0] < first[0] and not is_left:
                    yield f"{earlier} was undone before {name}, which came after it"
                do, later = self._places("do", earlier), self._places("do", name)
                if do and later and later[0] < do[0]:
                    yield f"{name} was done before {earlier}, which comes before it"

    def leftovers(self) -> Iterator[str]:
        """Completed: everything stands. Compensated or aborted: nothing is left."""
        is_complete = self._execution.word == "Completed"
        for name, plan in self._steps.items():
            state = self._execution.step(name)
            stands = bool(self._places("do", name)) and not self._places("undo", name)
            is_by_hand = name in self._skipped or state.undo_error.startswith("done by hand")
            if is_by_hand or plan.do.lane == "publish" or not self._is_in_scope(name):
                continue
            if is_complete and not stands and state.outcome == "ok":
                yield f"Completed, but the effect of {name} does not stand"
            if not is_complete and plan.undo is not None and stands and state.phase is not Phase.LEFT:
                yield f"{self._execution.word}, but the effect of {name} is left over ({state.phase})"
            if plan.phase == "pivot" and stands and self._is_turned_back:
                yield f"{self._execution.word}, but the point of no return, {name}, was passed"

    @property
    def _is_turned_back(self) -> bool:
        """Whether it has turned back by itself, or for a cancel; a person with the right may undo past the pivot."""
        cause = self._execution.state.abort
        return cause is not None and cause.reason != "operator"

    def _is_in_scope(self, name: str) -> bool:
        """Whether the step is to be undone if anything is; a person may have asked for a part only."""
        scope = self._execution.state.scope
        return scope is None or name in scope

    @property
    def _skipped(self) -> frozenset[str]:
        results: Mapping[str, Any] = self._execution.state.facts
        return frozenset(n for n, p in self._steps.items() if results.get(p.do.gives or "") == SKIPPED)

    def conservation(self) -> Iterator[str]:
        """22. What was done less what was undone is what the steps that count as done hold."""
        held = sum(len(p) for (what, _), p in self._at.items() if what == "do")
        held -= sum(len(p) for (what, _), p in self._at.items() if what == "undo")
        standing = [n for n in self._steps if self._places("do", n) and not self._places("undo", n)]
        if held != len(standing):
            yield f"{held} effects are held by {standing}"


def violation_of(error: InvariantBrokenError) -> str:
    """One line for a broken invariant."""
    return f"invariant {error.number}: {error.complaint}"
