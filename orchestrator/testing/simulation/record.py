"""A recorded run of the engine, as seen from outside: each signal told, what came of it, and when.

The invariants read it. Who drives an execution calls `tell`, or `note` after a `receive` that somebody else made.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from orchestrator.engine.effects import Alert, Perform
from orchestrator.engine.execution import Execution
from orchestrator.engine.states import Phase
from orchestrator.saga.plan import StepPlan, leaves
from orchestrator.testing.simulation.accounts import Account, Books
from orchestrator.testing.simulation.order import predecessors

if TYPE_CHECKING:
    from orchestrator.engine.effects import Effect
    from orchestrator.engine.execution import Entry
    from orchestrator.engine.signals import Signal
    from orchestrator.engine.states import State
    from orchestrator.saga.plan import Plan

WAITING = frozenset({Phase.PARKED, Phase.STUCK})


@dataclass(frozen=True, slots=True)
class Beat:
    """One signal, and what came of it.

    Attributes:
        at_ms: time that had truly passed since the start, milliseconds, whatever any clock showed.
        entry: the journal's line for it.
        effects: what the engine asked for, in order.
        keys: idempotency key of each `Perform` among the effects, in order.
        before, after: the whole state on either side; never change them.
        word: the status in lists after it.
        due_ms: if a timer elapsed, when it was due; None if no such timer was set.
    """

    at_ms: int
    entry: Entry
    effects: tuple[Effect, ...]
    keys: tuple[str, ...]
    before: State
    after: State
    word: str
    due_ms: int | None = None

    @property
    def signal(self) -> Signal:
        """What was told."""
        return self.entry.signal

    @property
    def was_taken(self) -> bool:
        """Whether it was taken, not ignored."""
        return not self.entry.ignored

    @property
    def performs(self) -> tuple[Perform, ...]:
        """The attempts that it began."""
        return tuple(effect for effect in self.effects if isinstance(effect, Perform))

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """What people were told."""
        return tuple(effect for effect in self.effects if isinstance(effect, Alert))


@dataclass
class Record:
    """One run. It grows by a beat for each signal.

    Attributes:
        plan: the plan it began with.
        execution: the live one, as it was handed over last; after a crash the restored one.
        beats: everything so far.
        books: what the signals and effects tell of each step.
        keys: what each idempotency key was used for, as (step, direction, edition).
        fold: a second execution that is told the same and never crashes, for invariant 12.
        calm_since_ms: when the last fault was; None while faults go on. The driver sets it, for invariant 18.
    """

    plan: Plan
    execution: Execution
    beats: list[Beat] = field(default_factory=list[Beat])
    books: Books = field(init=False)
    fold: Execution = field(init=False)
    keys: dict[str, set[tuple[str, str, int]]] = field(default_factory=dict[str, set[tuple[str, str, int]]])
    calm_since_ms: int | None = None

    def __post_init__(self) -> None:
        """Open an account for each step, and keep the state that the first signal will meet."""
        self.books = Books({name: Account() for name in self.steps})
        self._met = self.execution.state.copied()
        self.fold = self.execution.copy()

    @classmethod
    def begin(cls, plan: Plan, execution_id: str) -> Record:
        """A record of a fresh execution."""
        return cls(plan, Execution.begin(plan, execution_id))

    def fork(self) -> Record:
        """A record that goes on from here by itself; the beats so far are shared."""
        twin = copy(self)
        twin.execution, twin.fold = self.execution.copy(), self.fold.copy()
        twin.beats, twin.books = list(self.beats), self.books.copied()
        twin.keys = {key: set(uses) for key, uses in self.keys.items()}
        return twin

    def tell(self, signal: Signal, *, at_ms: int) -> tuple[Effect, ...]:
        """Hand a signal to the live execution and keep what came of it."""
        effects = self.execution.receive(signal)
        self.note(self.execution, effects, at_ms=at_ms)
        return effects

    def note(self, execution: Execution, effects: tuple[Effect, ...], *, at_ms: int) -> None:
        """Keep what came of the signal that `execution` received last."""
        self.execution = execution
        entry, before, after = execution.journal[-1], self._met, execution.state.copied()
        performs = [effect for effect in effects if isinstance(effect, Perform)]
        keys = tuple(execution.key(perform.step, perform.direction) for perform in performs)
        due_ms = self.books.timers.get(getattr(entry.signal, "timer", ""))
        beat = Beat(at_ms, entry, effects, keys, before, after, execution.word, due_ms)
        self._met = after
        self.beats.append(beat)
        self.books.waiting = {name for name, step in before.steps.items() if step.phase in WAITING}
        self.books.enter(beat.signal, effects, was_taken=beat.was_taken, at_ms=at_ms)
        for name in (name for name, step in after.steps.items() if after.abandoned and step.phase is Phase.LEFT):
            self.books.steps[name].is_left = True
        for perform, key in zip(performs, keys, strict=True):
            use = (perform.step, perform.direction, self.books.steps[perform.step].edition)
            self.keys.setdefault(key, set()).add(use)

    def restart(self) -> None:
        """A crash between two signals: what goes on is what a dump gives back."""
        journal = self.execution.journal
        self.execution = Execution.restore(self.plan, self.execution.dump())
        self.execution.journal = journal

    @property
    def last(self) -> Beat:
        """The newest beat."""
        return self.beats[-1]

    @cached_property
    def steps(self) -> dict[str, StepPlan]:
        """The plan's steps by id."""
        return {leaf.id: leaf for leaf in leaves(self.plan.root) if isinstance(leaf, StepPlan)}

    @cached_property
    def before(self) -> dict[str, frozenset[str]]:
        """For each leaf those that must have passed before it begins: the order D."""
        return predecessors(self.plan)

    def account(self, name: str) -> Account:
        """What is known of a step."""
        return self.books.steps[name]

    def must_be_undone(self, name: str) -> bool:
        """Whether the step has an undo, made an effect or may have, and lies in the scope of the compensation."""
        scope = self.last.after.scope
        return self.steps[name].undo is not None and self.account(name).has_effect and (scope is None or name in scope)

    def is_settled(self, name: str) -> bool:
        """Whether nothing more is to be undone at this step: it was undone, or a person left it."""
        account = self.account(name)
        return account.undone > 0 or account.is_left or not self.must_be_undone(name)
