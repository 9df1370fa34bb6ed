"""The plan of an undo by hand: which steps, in which order, with which inputs, and what cannot be undone and why.

Pure: the engine itself takes the command on a copy, so the plan is what the engine will do.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic_core import to_jsonable_python

from orchestrator.engine.signals import CompensateRequested
from orchestrator.engine.states import Phase
from orchestrator.engine.turn import Turn
from orchestrator.engine.unwinding import undo_waves
from orchestrator.errors import RefusedCommandError
from orchestrator.saga.plan import StepPlan, leaves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.engine.execution import Execution

NOTES = {
    Phase.STUCK: "its undo is stuck: decide about it",
    Phase.UNDOING: "its undo is under way",
    Phase.UNDO_RESTING: "its undo failed and is tried again",
    Phase.DOING: "it is under way: undone unless it turns out to be refused",
    Phase.PROBING: "it is under way: undone unless it turns out to be refused",
    Phase.DOUBTFUL: "nobody knows whether it had an effect: undone through its forward key",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedUndo:
    """One step that will be undone.

    Attributes:
        wave: steps of one wave are undone at the same time; the first is 1.
        handler: the author's function. `participant`: who handles its command, empty for actions.
        key: its idempotency key. `undoes`: the key of the call that it undoes.
        inputs: the facts it takes, as known now: payloads, which not everybody may see. None = not shown.
        note: what is special about it, for people.
    """

    step: str
    wave: int
    handler: str
    participant: str
    key: str
    undoes: str
    inputs: dict[str, Any] | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class NotUndone:
    """A step with an effect that stays, and why."""

    step: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPlan:
    """What a confirmed compensation does.

    Attributes:
        from_step: None = the whole. `revision`: where the execution stood.
        needs_override: it goes past the pivot.
        hash: names the content; a confirmation carries it.
    """

    execution_id: str
    from_step: str | None
    revision: int
    needs_override: bool
    steps: tuple[PlannedUndo, ...]
    cannot_undo: tuple[NotUndone, ...]
    hash: str

    def without_inputs(self) -> UndoPlan:
        """For people who may not see payloads; the hash stays, since it names the same plan."""
        return replace(self, steps=tuple(replace(step, inputs=None) for step in self.steps))


def plan_undo(execution: Execution, from_step: str | None = None) -> UndoPlan:
    """The plan for an execution as it stands.

    Raises:
        RefusedCommandError: it cannot be compensated now at all, and why.
    """
    plain = CompensateRequested(command_id="", actor="plan", reason="plan", from_step=from_step)
    command = replace(plain, override=True)
    objection = execution.objection(command)
    if objection:
        raise RefusedCommandError("compensate", objection)
    twin = execution.copy()
    twin.receive(command)
    turn = Turn(twin.plan, twin.state)
    waves = enumerate(undo_waves(turn), start=1)
    steps = tuple(_planned(execution, twin, name, wave) for wave, names in waves for name in names)
    cannot = tuple(_staying(turn, {step.step for step in steps}))
    needs_override = bool(execution.objection(plain))
    return UndoPlan(
        execution_id=execution.state.execution_id,
        from_step=from_step,
        revision=execution.state.revision,
        needs_override=needs_override,
        steps=steps,
        cannot_undo=cannot,
        hash=_named(
            [execution.state.execution_id, from_step, needs_override, *map(asdict, steps), *map(asdict, cannot)]
        ),
    )


def _named(content: list[Any]) -> str:
    """A hash of it: whoever kept the state, Temporal or the ledger, and in whichever order its names stand there."""
    plain = json.dumps(to_jsonable_python(content), sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()[:32]


def _planned(before: Execution, twin: Execution, name: str, wave: int) -> PlannedUndo:
    call = Turn(twin.plan, twin.state).topology.step(name).undo
    assert call is not None, name  # noqa: S101 - only steps with an undo are open
    phase = before.step(name).phase
    return PlannedUndo(
        step=name,
        wave=wave,
        handler=call.handler,
        participant=call.participant or "",
        key=twin.key(name, "undo"),
        undoes=twin.key(name, "do"),
        inputs=twin.facts_for(name, call),
        note=NOTES.get(phase if phase in NOTES else twin.step(name).phase, "") if phase is not Phase.DONE else "",
    )


def _staying(turn: Turn, undone: set[str]) -> Iterator[NotUndone]:
    for leaf in leaves(turn.plan.root):
        name, step = leaf.id, turn.state.steps.get(leaf.id)
        if step is None or name in undone or not isinstance(leaf, StepPlan) or step.outcome not in ("ok", "unknown"):
            continue
        if step.phase is Phase.LEFT:
            yield NotUndone(name, "its undo was given up by hand")
        elif leaf.undo is None:
            yield NotUndone(name, leaf.no_undo or _no_way_back(leaf))
        elif step.phase is not Phase.UNDONE:
            yield NotUndone(name, "it does not depend on the step that was chosen")


def _no_way_back(leaf: StepPlan) -> str:
    return "it is the point of no return" if leaf.phase == "pivot" else "it stands behind the point of no return"
