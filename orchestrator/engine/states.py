"""The state of an execution, and the table that says which step may go from where to where.

A step's `phase` is where it stands; its `outcome` is what is known of its forward effect. Both statuses of the whole
execution (see `statuses.py`) are read off these, never stored beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from operator import attrgetter
from typing import Any, Literal, TypeAlias

from orchestrator.engine.signals import ReceivedEvent

StepOutcome: TypeAlias = Literal["none", "ok", "rejected", "unknown"]
AbortReason: TypeAlias = Literal["step", "error", "cancel", "deadline", "operator"]


class Phase(StrEnum):
    """Where a step stands."""

    IDLE = "idle"
    DOING = "doing"
    RESTING = "resting"
    PROBING = "probing"
    DONE = "done"
    REFUSED = "refused"
    DOUBTFUL = "doubtful"
    PARKED = "parked"
    DROPPED = "dropped"
    UNDOING = "undoing"
    UNDO_RESTING = "undo_resting"
    UNDONE = "undone"
    STUCK = "stuck"
    LEFT = "left"


class Move(StrEnum):
    """What may happen to a step."""

    BEGIN = "begin"
    OK = "ok"
    REFUSE = "refuse"
    REST = "rest"
    DOUBT = "doubt"
    ASK = "ask"
    PARK = "park"
    DROP = "drop"
    LOSE = "lose"
    UNDO = "undo"
    UNDO_OK = "undo_ok"
    UNDO_REST = "undo_rest"
    UNDO_FAIL = "undo_fail"
    LEAVE = "leave"


_SETTLING = {Move.OK: Phase.DONE, Move.REFUSE: Phase.REFUSED, Move.DOUBT: Phase.DOUBTFUL, Move.PARK: Phase.PARKED}

TRANSITIONS: dict[Phase, dict[Move, Phase]] = {
    # OK out of IDLE: a late success of a lost attempt, and the proof of it (express.md, 12).
    Phase.IDLE: {Move.BEGIN: Phase.DOING, Move.OK: Phase.DONE, Move.LOSE: Phase.DOUBTFUL},
    Phase.DOING: {
        **_SETTLING,
        Move.REST: Phase.RESTING,
        Move.ASK: Phase.PROBING,
        Move.DROP: Phase.DROPPED,
    },
    Phase.RESTING: {**_SETTLING, Move.BEGIN: Phase.DOING, Move.DROP: Phase.DROPPED},
    Phase.PROBING: _SETTLING,
    Phase.PARKED: {
        Move.REST: Phase.RESTING,
        Move.OK: Phase.DONE,
        Move.REFUSE: Phase.REFUSED,
        Move.DOUBT: Phase.DOUBTFUL,
        Move.DROP: Phase.DROPPED,
    },
    # BEGIN out of DOUBTFUL: counted as begun by a lost attempt, but the abort that asked was refused: simply try again.
    Phase.DOUBTFUL: {
        Move.BEGIN: Phase.DOING,
        Move.OK: Phase.DONE,
        Move.REFUSE: Phase.REFUSED,
        Move.UNDO: Phase.UNDOING,
        Move.LEAVE: Phase.LEFT,
    },
    Phase.DONE: {Move.UNDO: Phase.UNDOING, Move.LEAVE: Phase.LEFT},
    Phase.REFUSED: {},
    # Given up before it was begun, so a late success proves a lost attempt here too.
    Phase.DROPPED: {Move.OK: Phase.DONE, Move.LOSE: Phase.DOUBTFUL},
    Phase.UNDOING: {
        Move.UNDO_OK: Phase.UNDONE,
        Move.UNDO_REST: Phase.UNDO_RESTING,
        Move.UNDO_FAIL: Phase.STUCK,
        Move.LEAVE: Phase.LEFT,
    },
    Phase.UNDO_RESTING: {Move.UNDO: Phase.UNDOING, Move.UNDO_OK: Phase.UNDONE, Move.LEAVE: Phase.LEFT},
    Phase.STUCK: {Move.UNDO_REST: Phase.UNDO_RESTING, Move.UNDO_OK: Phase.UNDONE, Move.LEAVE: Phase.LEFT},
    Phase.UNDONE: {},
    Phase.LEFT: {},
}
"""The whole life of a step. A move that is not listed is not made: its signal is journalled as ignored."""

IN_FLIGHT = frozenset({Phase.DOING, Phase.PROBING})
"""A forward attempt is under way: unwinding waits for its outcome."""

PASSED = frozenset({Phase.DONE})
"""The flow may go on behind such a step."""

UNDO_SETTLED = frozenset({Phase.UNDONE, Phase.LEFT})
"""Nothing more will be undone here."""


@dataclass(slots=True)
class StepState:
    """Where one step stands.

    Attributes:
        attempt, undo_attempt: number of the latest attempt of either direction; 0 = none yet.
        granted, undo_granted: attempts made before a person granted a fresh set.
        earlier: the outcome before the latest attempt: what it is again if that attempt was not begun.
        order: place in the order of begins, the first is 1; 0 = not begun.
        edition: how often a refusal was followed by a new key.
        refused_upto: number of the latest attempt made with an older key.
        edited: facts that a person replaced for this step's calls.
        error, undo_error: the latest reason, for people.
    """

    phase: Phase = Phase.IDLE
    outcome: StepOutcome = "none"
    attempt: int = 0
    undo_attempt: int = 0
    earlier: StepOutcome = "none"
    granted: int = 0
    undo_granted: int = 0
    order: int = 0
    edition: int = 0
    refused_upto: int = 0
    edited: dict[str, Any] = field(default_factory=dict[str, Any])
    error: str = ""
    undo_error: str = ""

    def copied(self) -> StepState:
        """An independent copy; edited facts are shared, since nobody changes them in place."""
        return StepState(*_step_values(self))


# Through the constructor: several times faster than `copy.copy`, and lookahead copies with every run.
_step_values = attrgetter(*(each.name for each in fields(StepState)))


def was_not_begun_here(step: StepState) -> bool:
    """Whether it is parked for want of code: this worker did not begin it, a lost attempt on another one may have."""
    return step.phase is Phase.PARKED and step.outcome == "none"


@dataclass(frozen=True, slots=True)
class Abort:
    """Why an execution turned back. `step`: the step that failed, if one did. `actor`: who asked, if a person did."""

    reason: AbortReason
    step: str = ""
    text: str = ""
    actor: str = ""
    code: str = ""


@dataclass(slots=True)
class State:
    """The whole state of one execution; JSON can carry it.

    Attributes:
        plan: content hash of the plan that it began with and keeps.
        facts: results by name.
        abort: set once, when it turns back. `waiting_abort`: asked for while the pivot's outcome is open.
        compensating: a person asked to undo an execution whose forward way had ended.
        scope: with a partial compensation the steps to undo, else None.
        held: accepted events that no step wants yet, in order of arrival.
        seen: identity -> body hash of every event taken. `commands`: ids of operator commands taken.
        timers: names of the timers that are set.
        begun: how many steps have begun. `revision`: how many signals were received.
        completed: the forward way came to its end. `ended`: nothing is left to do.
    """

    execution_id: str
    plan: str
    steps: dict[str, StepState] = field(default_factory=dict[str, StepState])
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    abort: Abort | None = None
    waiting_abort: Abort | None = None
    compensating: bool = False
    scope: list[str] | None = None
    suspended: bool = False
    abandoned: bool = False
    held: list[ReceivedEvent] = field(default_factory=list[ReceivedEvent])
    seen: dict[str, str] = field(default_factory=dict[str, str])
    commands: list[str] = field(default_factory=list[str])
    timers: list[str] = field(default_factory=list[str])
    begun: int = 0
    revision: int = 0
    started: bool = False
    completed: bool = False
    ended: bool = False

    def copied(self) -> State:
        """An independent copy; facts and events are shared, since nobody changes them."""
        twin = State(*_state_values(self))
        twin.steps = {name: step.copied() for name, step in self.steps.items()}
        twin.facts, twin.seen = dict(self.facts), dict(self.seen)
        twin.held, twin.timers, twin.commands = list(self.held), list(self.timers), list(self.commands)
        return twin

    @property
    def is_unwinding(self) -> bool:
        """Whether it goes back: nothing begins forward any more."""
        return self.abort is not None or self.compensating


_state_values = attrgetter(*(each.name for each in fields(State)))
