"""What the API shows of executions: documents read off the values of the service layer."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.saga.plan import StepPlan
from orchestrator.service.records import Gone, Status
from orchestrator.service.requests import Operation

if TYPE_CHECKING:
    from orchestrator.service.compensation import UndoPlan
    from orchestrator.service.reading import AsOf, Look, StepLine
    from orchestrator.service.records import ExecutionRow

JSON: TypeAlias = Any


class Document(BaseModel):
    """What all documents share: they can be read off values of the same names."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class AsOfDocument(Document):
    """How far an answer can be trusted."""

    moment: datetime = Field(description="it shows everything that had happened by then")
    is_stale: bool = Field(description="changes behind that may be missing")
    reconciled: datetime | None = Field(description="when everything was last compared with Temporal")


class Line(Document):
    """One execution, as lists show it."""

    id: str
    saga: str
    version: int
    status: Status
    forward: str
    undo: str
    correlation_id: str
    business_key: str
    current_step: str
    failed_step: str
    error: str
    fingerprint: str = Field(description="the same for errors of one kind")
    abort_reason: str
    revision: int
    workflow_id: str = Field(description="the Temporal workflow")
    confirmed: bool = Field(description="Temporal has confirmed its end")
    gone: Gone = Field(description="how it was ended from outside")
    started: datetime
    changed: datetime
    ended: datetime | None
    window_ends: datetime | None = Field(description="until when it may be undone by hand")


class Lines(Document):
    """One page of executions, the newest change first."""

    items: list[Line]
    next_cursor: str | None
    as_of: AsOfDocument


class CountDocument(Document):
    """How many there are; `capped`: there are more."""

    count: int
    capped: bool


class StepDocument(Document):
    """One step, wait or sleep of the flow, and where it stands."""

    step: str
    kind: Literal["step", "wait", "sleep"]
    point: Literal["compensatable", "pivot", "retriable", ""] = Field(
        description="before, at or after the point of no return"
    )
    participant: str
    has_undo: bool
    phase: str
    outcome: str
    attempt: int
    undo_attempt: int
    begun: int = Field(description="place in the order of begins; 0 = not begun")
    error: str
    undo_error: str


class ActionDocument(Document):
    """One operation: whether the caller may do it now, and if not, why."""

    operation: Operation
    allowed: bool
    why_not: str


class AbortDocument(Document):
    """Why it turned back."""

    reason: str
    step: str
    text: str
    actor: str
    code: str


class ExecutionDocument(Line):
    """One execution, whole. Its ETag names the revision for `If-Match`."""

    steps: list[StepDocument]
    abort: AbortDocument | None
    in_doubt: list[str] = Field(description="steps that a lost attempt may have begun")
    held_events: list[str] = Field(description="types of events that no step wants yet")
    actions: list[ActionDocument]
    shows_payloads: bool
    as_of: AsOfDocument


class Facts(Document):
    """What an execution knows: payloads."""

    facts: dict[str, JSON]
    edited: dict[str, dict[str, JSON]] = Field(description="facts that a person replaced, by step")


class PlannedStep(Document):
    """One step that will be undone; `inputs` is null for those who may not see payloads."""

    step: str
    wave: int = Field(description="steps of one wave are undone at the same time")
    handler: str
    participant: str
    key: str
    undoes: str
    inputs: dict[str, JSON] | None
    note: str


class StayingStep(Document):
    """A step with an effect that stays."""

    step: str
    why: str


class PlanDocument(Document):
    """What a confirmed compensation does; confirming carries `hash`."""

    execution_id: str
    from_step: str | None
    revision: int
    needs_override: bool
    steps: list[PlannedStep]
    cannot_undo: list[StayingStep]
    hash: str


def as_of_document(as_of: AsOf) -> AsOfDocument:
    """How far an answer can be trusted."""
    return AsOfDocument.model_validate(as_of)


def line(row: ExecutionRow) -> Line:
    """One line of a list."""
    return Line.model_validate(_of_row(row))


def execution_document(look: Look) -> ExecutionDocument:
    """One execution, whole."""
    state = look.state
    return ExecutionDocument(
        **_of_row(look.row),
        steps=[step_document(one) for one in look.steps],
        abort=None if state.abort is None else AbortDocument.model_validate(state.abort),
        in_doubt=list(look.in_doubt),
        held_events=[event.type for event in state.held],
        actions=[ActionDocument.model_validate(action) for action in look.actions],
        shows_payloads=look.shows_payloads,
        as_of=as_of_document(look.as_of),
    )


def step_document(one: StepLine) -> StepDocument:
    """One step."""
    leaf, row = one.leaf, one.row
    step = leaf if isinstance(leaf, StepPlan) else None
    return StepDocument(
        step=leaf.id,
        kind=leaf.kind,
        point=step.phase if step else "",
        participant=(step.do.participant or "") if step else "",
        has_undo=step is not None and step.undo is not None,
        phase=row.phase,
        outcome=row.outcome,
        attempt=row.attempt,
        undo_attempt=row.undo_attempt,
        begun=row.begun,
        error=row.error,
        undo_error=row.undo_error,
    )


def facts_document(look: Look) -> Facts:
    """What an execution knows, if the look shows it."""
    edited = {name: step.edited for name, step in look.state.steps.items() if step.edited}
    return Facts(facts=look.state.facts, edited=edited)


def plan_document(plan: UndoPlan) -> dict[str, JSON]:
    """What a compensation does."""
    return PlanDocument.model_validate(plan).model_dump(mode="json")


def _of_row(row: ExecutionRow) -> dict[str, Any]:
    return {"id": row.execution_id, **{name: getattr(row, name) for name in Line.model_fields if name != "id"}}
