"""What happened: everything the engine can be told. Plain values that JSON can carry.

`direction` says which of a step's calls a signal speaks of. `attempt` is the attempt it answers, the first is 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Direction: TypeAlias = Literal["do", "undo", "probe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvent:
    """An event as the engine keeps it.

    Attributes:
        identity: hash of (source, id): copies share it.
        body_hash: hash of type and content: copies share it too.
        type: message type.
        payload: the event's data.
        sequence: place in the source's order, empty if none was declared.
        message_id: the sender's id, for people and for causation.
        source: who sent it; empty in what was stored before there was this field.
        version: version of its type that the payload has.
    """

    identity: str
    body_hash: str
    type: str
    payload: Any
    sequence: str = ""
    message_id: str = ""
    source: str = ""
    version: int = 1


@dataclass(frozen=True, slots=True)
class Started:
    """The execution begins with its trigger. The first signal, and only once."""

    trigger: ReceivedEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """A call made its effect (`ok`). `result` becomes the step's fact."""

    step: str
    direction: Direction = "do"
    attempt: int = 1
    result: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A call says that it made no effect and will make none (`rejected`). Final for its key."""

    step: str
    direction: Direction = "do"
    attempt: int = 1
    code: str = "rejected"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An attempt ended without a verdict: an exception, a crash, a refusal marked retryable.

    Attributes:
        retryable: False = no further attempt is of use (a command's time is up): the outcome is unknown now.
        fence_ms: a slow worker may still perform this attempt for so long, milliseconds; no undo begins before.
        frames: where in the code it failed, for people; the engine decides nothing by it.
    """

    step: str
    direction: Direction = "do"
    attempt: int = 1
    reason: str = ""
    retryable: bool = True
    fence_ms: int = 0
    frames: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stalled:
    """No worker has code for this attempt; it was not begun."""

    step: str
    direction: Direction = "do"
    attempt: int = 1
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """An attempt that the engine asked for was not begun, because the execution turned back first."""

    step: str
    direction: Direction = "do"
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Lost:
    """A lost attempt of a workflow task may have begun these steps: they count as begun, outcome unknown.

    `fence_ms`: how long a slow worker may still perform them, milliseconds.
    """

    steps: tuple[str, ...]
    fence_ms: int = 0


@dataclass(frozen=True, slots=True)
class Arrived:
    """An event for this execution came in."""

    event: ReceivedEvent


@dataclass(frozen=True, slots=True)
class Elapsed:
    """A timer that an effect has set ran out."""

    timer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSignal:
    """What a person did. `command_id` makes repeats recognisable; `actor` and `reason` are never empty."""

    command_id: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested(OperatorSignal):
    """Stop and undo: an abort before the pivot, refused after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensateRequested(OperatorSignal):
    """Undo the whole execution, or `from_step` and everything that depends on it, also after its end.

    `override` is the right to undo past the pivot.
    """

    from_step: str | None = None
    override: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRequested(OperatorSignal):
    """Try a stuck undo or a parked step again now. `edited` replaces facts for this step's calls, by name."""

    step: str
    edited: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkDoneRequested(OperatorSignal):
    """A stuck undo was made by hand; `evidence` says how that is known."""

    step: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipRequested(OperatorSignal):
    """Leave a stuck undo undone, or go on past a parked step with `result` in place of its own."""

    step: str
    result: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AbandonRequested(OperatorSignal):
    """Give up all undos that are still open; they are recorded as left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendRequested(OperatorSignal):
    """Begin no further attempt until resumed; what is in flight is awaited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequested(OperatorSignal):
    """Go on after a suspension, and try everything that is stuck or parked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRequested(OperatorSignal):
    """Send held events of this type (all, if None) to parking instead of keeping them for later steps."""

    event_type: str | None = None


Outcome: TypeAlias = Succeeded | Refused | Failed | Stalled
Operator: TypeAlias = (
    CancelRequested
    | CompensateRequested
    | RetryRequested
    | MarkDoneRequested
    | SkipRequested
    | AbandonRequested
    | SuspendRequested
    | ResumeRequested
    | ReleaseRequested
)
Signal: TypeAlias = Started | Outcome | Withdrawn | Lost | Arrived | Elapsed | Operator
