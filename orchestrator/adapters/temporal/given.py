"""What travels between workflow, activities and clients, as plain JSON values.

Plain values keep the interpreter free of any data converter: sagas work on every client, encrypted or not. The shapes
are dataclasses here; `to_json` and `from_json` turn them over with adapters that are built once per process.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter
from pydantic_core import to_json as as_bytes

from orchestrator.engine.signals import CompensateRequested, ReceivedEvent
from orchestrator.saga.plan import CallPlan, Plan

Shape = TypeVar("Shape")

WORKFLOW = "saga"
RUN = "saga.run"
ATTEMPT = "saga.attempt"
BOUNDARY = "saga.boundary"
ANNOUNCE = "saga.announce"
PARK = "saga.park"
EVENT_SIGNAL = "event"
REPLY_SIGNAL = "reply"
CANCEL_UPDATE = "cancel"
STATUS_QUERY = "status"
SNAPSHOT_QUERY = "snapshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """What every message of one execution shares: its correlation id, the message that started it, its trace."""

    correlation_id: str
    causation_id: str = ""
    traceparent: str = ""
    tracestate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one execution; times in milliseconds.

    Attributes:
        run_budget_ms: a run begins no step later than this after it was scheduled.
        signals_per_run: messages after which the execution continues as new: the server refuses the 10,000th.
        resend_first_ms: an unanswered command is sent again after this, then doubling up to `resend_max_ms`.
    """

    run_budget_ms: int = 1_000
    signals_per_run: int = 5_000
    resend_first_ms: int = 2_000
    resend_max_ms: int = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What a run hands to the one that continues it: the engine's state, due times by name, unanswered commands.

    `was_lost`: an attempt of a workflow task was lost there that may have begun what this state does not know.
    """

    state: Any
    due_ms: dict[str, int]
    pending: list[dict[str, Any]]
    was_lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Input of the workflow.

    Attributes:
        trigger: what started the execution; without its payload where `carried` has it as a fact.
        command: why a finished execution is taken up again; only in a linked undo run.
    """

    plan: Plan
    execution_id: str
    trigger: ReceivedEvent
    thread: Thread
    limits: Limits = field(default_factory=Limits)
    carried: Carried | None = None
    command: CompensateRequested | None = None


def without_payload(trigger: ReceivedEvent) -> ReceivedEvent:
    """A trigger whose payload is a fact already: twice, both would not fit into one input."""
    return replace(trigger, payload=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One attempt to be made, with all that its performer needs.

    Attributes:
        facts: those known before the run; `after` steps complete them with their results.
        gives: name of the fact that its result becomes for later calls of the run; None if nothing.
        within_ms: limit of the attempt. `deadline_ms`: of an earlier copy of the same command, epoch; 0 = first copy.
    """

    step: str
    direction: Literal["do", "undo", "probe"]
    attempt: int
    call: CallPlan
    key: str
    undoes: str = ""
    after: list[str] = field(default_factory=list[str])
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    gives: str | None = None
    within_ms: int = 30_000
    deadline_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What an activity is asked to perform. `room`: how large the results may be in all, bytes; None = not said."""

    execution_id: str
    thread: Thread
    calls: list[Call]
    budget_ms: int
    room: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How one call went. `pending`: sent, no answer yet; `stalled`: no code for it here, not begun.

    `frames`: where in our or an author's code it failed.
    """

    step: str
    direction: Literal["do", "undo", "probe"]
    attempt: int
    kind: Literal["ok", "refused", "failed", "stalled", "pending"]
    result: Any = None
    code: str = ""
    reason: str = ""
    retryable: bool = False
    deadline_ms: int = 0
    fence_ms: int = 0
    frames: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What a run did, in the order in which calls came to their end.

    Attributes:
        elapsed_ms: time since it was scheduled, by the performer's wall clock.
        took_ms: time since it was begun, by a clock that nobody sets.
    """

    reports: list[Report]
    elapsed_ms: int
    took_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message that tells people of an execution, or an event that it cannot use.

    Attributes:
        identity: what makes it one notice; of an event its sender's id.
        source, sequence, version: that event's.
    """

    execution_id: str
    thread: Thread
    type: str
    body: Any
    reason: str = ""
    identity: str = ""
    source: str = ""
    sequence: str = ""
    version: int = 1


MOST_PLANS = 256
_plans: dict[bytes, Plan] = {}


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def to_json(value: object) -> Any:
    """A shape of this module as JSON values; defaults are left out, they cost history.

    Not so the limits: an execution keeps those it began with, whatever the defaults are by then.
    """
    if isinstance(value, Given):
        whole = {"plan": value.plan.document, "limits": asdict(value.limits)}
        parts = {part.name: getattr(value, part.name) for part in fields(value) if part.name not in whole}
        return {**whole, **{name: _dumped(part) for name, part in parts.items() if part is not None}}
    return _dumped(value)


def _dumped(value: object) -> Any:
    shape: Any = type(value)
    adapter: TypeAdapter[Any] = _adapter(shape)
    return adapter.dump_python(value, mode="json", exclude_defaults=True)


def from_json(shape: type[Shape], value: Any) -> Shape:
    """The shape that these JSON values stand for."""
    key: Any = shape
    adapter: TypeAdapter[Shape] = _adapter(key)
    return adapter.validate_python(_with_shared_plan(value) if shape is Given else value)


def _with_shared_plan(value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "plan": _plan_of(value["plan"])} if "plan" in value else value


def _plan_of(document: Any) -> Plan:
    """One plan for all executions that began with it: what is known of a plan is found out once, and kept once."""
    content = as_bytes(document)
    known = _plans.get(content)
    if known is None:
        if len(_plans) >= MOST_PLANS:
            _plans.clear()
        known = _plans[content] = Plan.model_validate(document)
    return known
