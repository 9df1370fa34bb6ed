"""What the engine wants done. Effects carry no payloads: facts are read from the execution when one is performed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from orchestrator.engine.signals import Direction, ReceivedEvent
    from orchestrator.saga.plan import CallPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Perform:
    """Begin one attempt of a call. Answered by an outcome of the same step, direction and attempt."""

    step: str
    direction: Direction
    attempt: int
    call: CallPlan
    is_pivot: bool

    @property
    def is_brief(self) -> bool:
        """Whether it may ride the express lane: everything but durable actions and pivots."""
        return self.call.lane != "durable" and not self.is_pivot


@dataclass(frozen=True, slots=True)
class CancelAttempt:
    """Ask an attempt in flight to stop. Its outcome is still awaited."""

    step: str
    direction: Direction
    attempt: int


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Tell `Elapsed(timer)` after `after_ms` milliseconds."""

    timer: str
    after_ms: int


@dataclass(frozen=True, slots=True)
class ClearTimer:
    """This timer is of no use any more."""

    timer: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Tell people.

    `what`: an undo is stuck, a step is parked, the deadline passed where nobody may turn back, or a cancel that waited
    for the pivot's outcome came to nothing.
    """

    what: Literal["stuck", "parked", "overdue", "cancel_refused"]
    step: str
    reason: str


@dataclass(frozen=True, slots=True)
class Park:
    """Put an event that this execution cannot use where people see it. `code`: a stable word; `reason`: for people."""

    event: ReceivedEvent
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """The execution has ended; `word` is its status in lists."""

    word: str


Effect: TypeAlias = Perform | CancelAttempt | SetTimer | ClearTimer | Alert | Park | End
