"""What a person may ask of one execution: a closed set of requests, and the engine's command that each stands for."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, assert_never

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from orchestrator.engine import signals

JSON: TypeAlias = Any
Operation: TypeAlias = Literal[
    "compensate",
    "retry",
    "edit_and_retry",
    "skip",
    "resolve",
    "suspend",
    "resume",
    "cancel",
    "abandon",
    "release",
]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Asked(BaseModel):
    """Base of all requests."""

    model_config = ConfigDict(frozen=True, extra="forbid")


How: TypeAlias = Literal["retry", "mark_done", "give_up"]
"""A way out of a stuck undo."""


class Compensate(Asked):
    """Undo it, whole or from a step.

    Attributes:
        plan: hash of the plan that was shown and is confirmed.
        override: undo past the pivot; a right of its own.
    """

    operation: Literal["compensate"] = "compensate"
    plan: Annotated[str, Field(min_length=8, max_length=64)]
    from_step: Name | None = None
    override: bool = False


class Retry(Asked):
    """Try a stuck undo or a parked step again now."""

    operation: Literal["retry"] = "retry"
    step: Name


class EditAndRetry(Asked):
    """The same with other facts. `input`: those to replace, by name; they count for this step's calls alone."""

    operation: Literal["edit_and_retry"] = "edit_and_retry"
    step: Name
    input: Annotated[dict[str, JSON], Field(min_length=1)]


class Skip(Asked):
    """Go on past a parked step with `output` in place of its result."""

    operation: Literal["skip"] = "skip"
    step: Name
    output: JSON = None


class Resolve(Asked):
    """Decide about a stuck undo: try it again, mark it done by hand (with evidence), or give it up."""

    operation: Literal["resolve"] = "resolve"
    step: Name
    how: How
    evidence: Annotated[str, Field(max_length=2_000)] = ""


class Suspend(Asked):
    """Begin no further attempt until resumed."""

    operation: Literal["suspend"] = "suspend"


class Resume(Asked):
    """Go on, and try everything that is stuck or parked again."""

    operation: Literal["resume"] = "resume"


class Cancel(Asked):
    """Stop and undo, before the pivot."""

    operation: Literal["cancel"] = "cancel"


class Abandon(Asked):
    """Give up all undos that are still open."""

    operation: Literal["abandon"] = "abandon"


class Release(Asked):
    """Send held events (of one type, or all) to parking."""

    operation: Literal["release"] = "release"
    event_type: Name | None = None


Request: TypeAlias = Compensate | Retry | EditAndRetry | Skip | Resolve | Suspend | Resume | Cancel | Abandon | Release
REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="operation")])
"""Reads and writes requests as JSON."""


def step_of(request: Request) -> str:
    """The step that a request speaks of, empty if it speaks of the whole."""
    match request:
        case Compensate():
            return request.from_step or ""
        case Retry() | EditAndRetry() | Skip() | Resolve():
            return request.step
        case _:
            return ""


def command_of(request: Request, *, command_id: str, actor: str, reason: str) -> signals.Operator:
    """The engine's command; `command_id` is the operation's id, so a repeat is the same command."""
    given: dict[str, Any] = {"command_id": command_id, "actor": actor, "reason": reason}
    match request:
        case Compensate():
            return signals.CompensateRequested(**given, from_step=request.from_step, override=request.override)
        case Retry():
            return signals.RetryRequested(**given, step=request.step)
        case EditAndRetry():
            return signals.RetryRequested(**given, step=request.step, edited=dict(request.input))
        case Skip():
            return signals.SkipRequested(**given, step=request.step, result=request.output)
        case Resolve():
            return _resolving(request, given)
        case Suspend():
            return signals.SuspendRequested(**given)
        case Resume():
            return signals.ResumeRequested(**given)
        case Cancel():
            return signals.CancelRequested(**given)
        case Abandon():
            return signals.AbandonRequested(**given)
        case Release():
            return signals.ReleaseRequested(**given, event_type=request.event_type)
        case _:
            assert_never(request)


def _resolving(request: Resolve, given: dict[str, Any]) -> signals.Operator:
    match request.how:
        case "retry":
            return signals.RetryRequested(**given, step=request.step)
        case "mark_done":
            return signals.MarkDoneRequested(**given, step=request.step, evidence=request.evidence)
        case "give_up":
            return signals.SkipRequested(**given, step=request.step)
        case _:
            assert_never(request.how)
