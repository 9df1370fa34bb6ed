"""Compiles a flow to a plan. Assumes a definition without problems: `checks` comes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, assert_never

from orchestrator.messages import snake_case
from orchestrator.saga import plan as plans
from orchestrator.saga.flow import Parallel, Sequence, Sleep, Step, Wait, holds_pivot, parts_within
from orchestrator.saga.functions import is_optional
from orchestrator.saga.retry import milliseconds

if TYPE_CHECKING:
    from orchestrator.messages import Event
    from orchestrator.saga.flow import Part
    from orchestrator.saga.functions import AnyFunction
    from orchestrator.saga.outline import Outline

Ids = frozenset[str]


def compile_plan(outline: Outline, parts: tuple[Part, ...]) -> plans.Plan:
    """The plan of a saga."""
    starts_on = outline.starts_on
    trigger = plans.TriggerPlan(
        event=starts_on.message_type,
        gives=snake_case(starts_on.__name__),
        key=wire_name(starts_on, outline.key),
    )
    return plans.Plan(
        saga=outline.name,
        version=outline.version,
        trigger=trigger,
        root=Compiler(outline.name, outline.key, dict(_makers(parts))).sequence(parts),
        within_ms=milliseconds(outline.within) if outline.within else None,
        unwind=outline.unwind,
        compensation_window_ms=milliseconds(outline.compensation_window),
        on_completed=outline.on_completed,
    )


@dataclass(frozen=True, slots=True)
class Compiler:
    """Compiles the parts of one saga.

    Attributes:
        saga: the saga's name. `key`: the field that holds its key.
        makers: which step or wait makes a fact, for the order that facts give.
    """

    saga: str
    key: str
    makers: dict[str, str]

    def sequence(
        self, parts: tuple[Part, ...], before: Ids = frozenset(), *, is_past: bool = False
    ) -> plans.SequencePlan:
        """A sequence; everything behind a pivot in it goes forward only.

        Args:
            parts: what follows each other.
            before: ids of what the flow puts before it.
            is_past: whether a pivot stands before it.
        """
        nodes: list[plans.Node] = []
        for part in parts:
            nodes.append(self._node(part, before, is_past=is_past))
            is_past = is_past or holds_pivot(part)
            before |= ids_in(part)
        return plans.SequencePlan(children=tuple(nodes))

    def _node(self, part: Part, before: Ids, *, is_past: bool) -> plans.Node:
        match part:
            case Step():
                return self._step(part, before, is_past=is_past)
            case Wait():
                return self._wait(part, is_past=is_past)
            case Sleep():
                return plans.SleepPlan(id=part.id, duration_ms=milliseconds(part.duration))
            case Sequence():
                return self.sequence(part.parts, before, is_past=is_past)
            case Parallel():
                children = tuple(self._node(branch, before, is_past=is_past) for branch in part.parts)
                return plans.ParallelPlan(children=children, on_sibling_failure=part.on_sibling_failure)
            case _:
                assert_never(part)

    def _step(self, step: Step, before: Ids, *, is_past: bool) -> plans.StepPlan:
        behind: Literal["compensatable", "retriable"] = "retriable" if is_past else "compensatable"
        return plans.StepPlan(
            id=step.id,
            do=self._call(step.do, gives=step.fact),
            undo=self._call(step.undo) if step.undo else None,
            no_undo=step.no_undo,
            phase="pivot" if step.is_pivot else behind,
            within_ms=milliseconds(step.within),
            retry=step.retry.compiled(),
            # What is as by default does not travel with every start.
            undo_retry=step.undo_retry.compiled() if step.undo else plans.NO_UNDO_RETRY,
            probe=self._call(step.probe, gives=step.fact) if step.probe else None,
            after=tuple(sorted(self._used_makers(step) - before - {step.id})),
        )

    def _used_makers(self, step: Step) -> Ids:
        """Steps and waits whose facts a step uses, its undo and probe included: it is undone before they are."""
        used = (name for function in step.functions for name in function.parameters)
        return frozenset(self.makers[name] for name in used if name in self.makers)

    def _wait(self, wait: Wait, *, is_past: bool) -> plans.WaitPlan:
        assert wait.within is not None, wait.id  # noqa: S101 - rule S015 refuses it
        return plans.WaitPlan(
            id=wait.id,
            event=wait.event.message_type,
            key=wire_name(wait.event, wait.key or self.key),
            gives=wait.id,
            within_ms=milliseconds(wait.within),
            on_timeout=wait.on_timeout,
            on_missing=wait.on_missing,
            sequence=wait.sequence,
            retriable=is_past,
        )

    def _call(self, function: AnyFunction, *, gives: str | None = None) -> plans.CallPlan:
        needs = (plans.Need(fact=name, optional=is_optional(hint)) for name, hint in function.parameters.items())
        return plans.CallPlan(
            lane=function.lane,
            handler=handler_name(self.saga, function),
            needs=tuple(needs),
            gives=gives,
            message_type=None if function.is_action else function.result.message_type,
            participant=function.to,
        )


def handler_name(saga: str, function: AnyFunction) -> str:
    """`<saga>.<function>@<major version>`: how workers register a function, and how a plan asks for it."""
    return f"{saga}.{function.name}@{function.version}"


def wire_name(event: type[Event], field: str) -> str:
    """The name under which a field travels: its alias if it has one."""
    known = event.model_fields[field]
    return known.serialization_alias or known.alias or field


def ids_in(part: Part) -> Ids:
    """Ids of the leaves in a part, its own included."""
    return frozenset(leaf.id for leaf in parts_within((part,)) if isinstance(leaf, Step | Wait | Sleep))


def _makers(parts: tuple[Part, ...]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for part in parts_within(parts):
        if isinstance(part, Wait):
            found.append((part.id, part.id))
        elif isinstance(part, Step) and part.fact is not None:
            found.append((part.fact, part.id))
    return found
