"""What a recorded run tells of each step, kept from signals and effects alone: a second opinion beside the engine's."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

from orchestrator.engine.effects import ClearTimer, Perform, SetTimer
from orchestrator.engine.signals import (
    CompensateRequested,
    Elapsed,
    Failed,
    Lost,
    MarkDoneRequested,
    Refused,
    ResumeRequested,
    RetryRequested,
    SkipRequested,
    Stalled,
    Succeeded,
    Withdrawn,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.engine.effects import Effect
    from orchestrator.engine.signals import Direction, Signal
    from orchestrator.engine.states import StepOutcome

Attempt: TypeAlias = tuple[str, str, int]
"""Step, direction, number of the attempt."""


@dataclass(slots=True)
class Account:
    """What is known of one step.

    Attributes:
        outcome: of its forward effect; `earlier`: what it was before the newest attempt, which may prove unbegun.
        place: its place in the order of first begins; 0 = it was not begun and does not count as begun.
        verdicts: ok or rejected taken for each key, by edition.
        edition: how often a refusal was followed by a new key.
        edited_after: the newest attempt made with an older key.
        newest: number of the newest attempt by direction.
        tries: attempts by direction since a person last granted a fresh set.
        fenced_until_ms: a slow worker may perform an attempt until then, as was told.
        is_skipped: a person let the flow pass it. `is_left`: a person left its undo.
        undone: how often its undo was recorded ok, or marked done. `undo_begun`: whether an undo was ever begun.
    """

    outcome: StepOutcome = "none"
    earlier: StepOutcome = "none"
    place: int = 0
    verdicts: dict[int, int] = field(default_factory=dict[int, int])
    edition: int = 0
    edited_after: int = 0
    newest: dict[Direction, int] = field(default_factory=dict["Direction", int])
    tries: dict[Direction, int] = field(default_factory=dict["Direction", int])
    fenced_until_ms: int = 0
    is_skipped: bool = False
    is_left: bool = False
    undone: int = 0
    undo_begun: bool = False

    @property
    def is_begun(self) -> bool:
        """Whether it was begun, or counts as begun."""
        return self.place > 0

    @property
    def has_passed(self) -> bool:
        """Whether the flow may go on behind it."""
        return self.outcome == "ok" or self.is_skipped

    @property
    def has_effect(self) -> bool:
        """Whether it made an effect, or may have."""
        return self.outcome in ("ok", "unknown")

    def copied(self) -> Account:
        """An independent copy."""
        twin = Account(*_account_values(self))
        twin.verdicts, twin.newest, twin.tries = dict(self.verdicts), dict(self.newest), dict(self.tries)
        return twin

    def grant(self) -> None:
        """A person grants a fresh set of attempts; after a refusal they go under a new key."""
        self.tries.clear()
        if self.outcome == "rejected":
            self.edition += 1
            self.edited_after = self.newest.get("do", 0)

    def unbegin(self) -> None:
        """The newest attempt was not begun."""
        self.outcome = self.earlier
        if self.outcome == "none":
            self.place = 0


_account_values = attrgetter(*(each.name for each in fields(Account)))


@dataclass(slots=True)
class Books:
    """All accounts of one execution.

    Attributes:
        steps: the accounts. `open`: attempts begun and not answered.
        timers: timers that are set, with the time at which each is due.
        waiting: steps that wait for a person, parked or stuck, before the signal that is entered next.
        was_overridden: a person used the right to undo past the pivot.
        begins: how many steps were begun, or count as begun.
    """

    steps: dict[str, Account]
    open: set[Attempt] = field(default_factory=set[Attempt])
    timers: dict[str, int] = field(default_factory=dict[str, int])
    waiting: set[str] = field(default_factory=set[str])
    was_overridden: bool = False
    begins: int = 0

    def copied(self) -> Books:
        """An independent copy."""
        twin = copy(self)
        twin.steps = {name: account.copied() for name, account in self.steps.items()}
        twin.open, twin.timers, twin.waiting = set(self.open), dict(self.timers), set(self.waiting)
        return twin

    def enter(self, signal: Signal, effects: Sequence[Effect], *, was_taken: bool, at_ms: int) -> None:
        """Enter one signal and what came of it."""
        if was_taken:
            self._enter_signal(signal)
            self._enter_fences(signal, at_ms)
        for effect in effects:
            match effect:
                case Perform():
                    self._enter_begin(effect)
                case SetTimer():
                    self.timers[effect.timer] = at_ms + effect.after_ms
                case ClearTimer():
                    self.timers.pop(effect.timer, None)
                case _:
                    pass  # the others change no account

    def _enter_begin(self, perform: Perform) -> None:
        account = self.steps[perform.step]
        self.open.add((perform.step, perform.direction, perform.attempt))
        account.newest[perform.direction] = perform.attempt
        account.tries[perform.direction] = account.tries.get(perform.direction, 0) + 1
        if perform.direction == "do":
            account.earlier, account.outcome = account.outcome, "unknown"
            self._place(account)
        elif perform.direction == "undo":
            account.undo_begun = True

    def _enter_signal(self, signal: Signal) -> None:
        match signal:
            case Succeeded() | Refused() | Failed() | Stalled() | Withdrawn():
                self._enter_outcome(signal)
            case Lost():
                for name in signal.steps:
                    self._enter_lost(name)
            case Elapsed():
                self.timers.pop(signal.timer, None)
                self._enter_limit(signal.timer)
            case RetryRequested():
                self.steps[signal.step].grant()
            case ResumeRequested():
                for name in self.waiting:
                    self.steps[name].grant()
            case MarkDoneRequested():
                self.steps[signal.step].undone += 1
            case SkipRequested():
                self._enter_skip(signal.step)
            case CompensateRequested():
                self.was_overridden = self.was_overridden or signal.override
            case _:
                pass  # the others say nothing of a step

    def _enter_outcome(self, signal: Succeeded | Refused | Failed | Stalled | Withdrawn) -> None:
        account = self.steps[signal.step]
        if signal.direction == "undo":
            self._close(signal.step, "undo")
            account.undone += isinstance(signal, Succeeded)
            return
        match signal:
            case Succeeded() | Refused():
                self._close(signal.step, "do", "probe")
                account.outcome = "ok" if isinstance(signal, Succeeded) else "rejected"
                self._place(account)
                account.verdicts[account.edition] = account.verdicts.get(account.edition, 0) + 1
            case Stalled() | Withdrawn():
                self._close(signal.step, signal.direction)
                if signal.direction == "do":
                    account.unbegin()
            case Failed():
                self._close(signal.step, signal.direction)

    def _enter_lost(self, name: str) -> None:
        account = self.steps[name]
        is_under_new_key = account.outcome == "rejected" and account.edition not in account.verdicts
        if not account.is_begun or is_under_new_key:
            account.outcome = "unknown"
            self._place(account)

    def _enter_fences(self, signal: Signal, at_ms: int) -> None:
        if isinstance(signal, Failed) and signal.direction == "do":
            fenced = [signal.step]
        elif isinstance(signal, Lost):
            fenced = [name for name in signal.steps if self.steps[name].outcome == "unknown"]
        else:
            return
        for account in [self.steps[name] for name in fenced]:
            account.fenced_until_ms = max(account.fenced_until_ms, at_ms + signal.fence_ms)

    def _enter_limit(self, timer: str) -> None:
        kind, direction, attempt, step = timer.split(":", 3) if ":" in timer else (timer, "", "0", "")
        if kind == "limit":
            self.open.discard((step, direction, int(attempt)))

    def _enter_skip(self, name: str) -> None:
        account = self.steps[name]
        if account.undo_begun:
            account.is_left = True
        else:
            account.is_skipped = True

    def _place(self, account: Account) -> None:
        if not account.is_begun:
            self.begins += 1
            account.place = self.begins

    def _close(self, name: str, *directions: Direction) -> None:
        self.open = {one for one in self.open if one[0] != name or one[1] not in directions}
