"""Compiles a flow to a plan. Assumes a definition without problems: `checks` comes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, assert_never

from orchestrator.messages import snake_case
from orchestrator.saga import plan as plans
from orchestrator.saga.flow import Parallel, Sequence, Sleep, Step, Wait
from orchestrator.saga.functions import is_optional
from orchestrator.saga.retry import milliseconds

if TYPE_CHECKING:
    from orchestrator.saga.flow import Part
    from orchestrator.saga.functions import AnyFunction


@dataclass(frozen=True, slots=True)
class Compiler:
    """Compiles the parts of one saga. `makers`: which step makes a fact, for the order that facts give."""

    saga: str
    key: str
    makers: dict[str, str]

    def sequence(self, parts: tuple[Part, ...], *, is_past: bool) -> plans.SequencePlan:
        """A sequence; everything behind a pivot in it goes forward only."""
        nodes: list[plans.Node] = []
        for part in parts:
            nodes.append(self.node(part, is_past=is_past))
            is_past = is_past or holds_pivot(part)
        return plans.SequencePlan(children=tuple(nodes))

    def node(self, part: Part, *, is_past: bool) -> plans.Node:
        """One part. `is_past`: a pivot stands before it."""
        match part:
            case Step():
                return self._step(part, is_past=is_past)
            case Wait():
                return self._wait(part, is_past=is_past)
            case Sleep():
                return plans.SleepPlan(id=sleep_id(part), duration_ms=milliseconds(part.duration))
            case Sequence():
                return self.sequence(part.parts, is_past=is_past)
            case Parallel():
                children = tuple(self.node(branch, is_past=is_past) for branch in part.parts)
                return plans.ParallelPlan(children=children, on_sibling_failure=part.on_sibling_failure)
            case _:
                assert_never(part)

    def _step(self, step: Step, *, is_past: bool) -> plans.StepPlan:
        phase: Literal["compensatable", "pivot", "retriable"] = "retriable" if is_past else "compensatable"
        return plans.StepPlan(
            id=step.id,
            do=self.call(step.do, gives=fact_of(step)),
            undo=self.call(step.undo) if step.undo else None,
            no_undo=step.no_undo,
            phase="pivot" if step.is_pivot else phase,
            within_ms=milliseconds(step.within),
            retry=step.retry.compiled(),
            undo_retry=step.undo_retry.compiled(),
            probe=self.call(step.probe, gives=fact_of(step)) if step.probe else None,
            after=tuple(sorted({self.makers[name] for name in step.do.parameters if name in self.makers})),
        )

    def _wait(self, wait: Wait, *, is_past: bool) -> plans.WaitPlan:
        assert wait.within is not None  # noqa: S101 - S019 refuses it
        return plans.WaitPlan(
            id=wait_id(wait),
            event=wait.event.message_type,
            key=wait.key or self.key,
            gives=wait_id(wait),
            within_ms=milliseconds(wait.within),
            on_timeout=wait.on_timeout,
            on_missing=wait.on_missing,
            sequence=wait.sequence,
            retriable=is_past,
        )

    def call(self, function: AnyFunction, *, gives: str | None = None) -> plans.CallPlan:
        """A function and how it is carried out."""
        needs = (
            plans.Need(fact=name, optional=is_optional(annotation)) for name, annotation in function.parameters.items()
        )
        builds = function.lane in ("command", "publish")
        return plans.CallPlan(
            lane=function.lane,
            handler=handler_name(self.saga, function),
            needs=tuple(needs),
            gives=gives,
            message_type=function.result.message_type if builds else None,
            participant=function.to,
        )


def handler_name(saga: str, function: AnyFunction) -> str:
    """`<saga>.<function>@<major version>`: how workers register a function, and how a plan asks for it."""
    return f"{saga}.{function.name}@{function.version}"


def fact_of(step: Step) -> str | None:
    """The name under which a step's result is known."""
    return (step.as_ or step.do.fact) if step.do.fact else None


def wait_id(wait: Wait) -> str:
    """A wait is called like the fact that its event becomes."""
    return wait.as_ or snake_case(wait.event.__name__)


def sleep_id(sleep: Sleep) -> str:
    """A sleep without a name is called by its length."""
    return sleep.name or f"sleep_{milliseconds(sleep.duration)}ms"


def holds_pivot(part: Part) -> bool:
    """Whether a pivot stands anywhere in a part."""
    match part:
        case Step():
            return part.is_pivot
        case Sequence() | Parallel():
            return any(holds_pivot(inner) for inner in part.parts)
        case Wait() | Sleep():
            return False
        case _:
            assert_never(part)
