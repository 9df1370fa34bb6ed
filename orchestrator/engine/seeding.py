"""How an execution stands when the run that performed it is gone: nothing is under way, and nobody knows what was.

A linked undo run begins with such a state (express.md, 16).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine.execution import Execution
from orchestrator.engine.outcomes import lost
from orchestrator.engine.signals import Lost, Started
from orchestrator.engine.states import Move, Phase
from orchestrator.engine.turn import Turn
from orchestrator.saga.plan import StepPlan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.engine.signals import ReceivedEvent

GONE = "the run that performed it ended from outside"
_UNDER_WAY = frozenset({Phase.DOING, Phase.RESTING, Phase.PROBING})


def seed_of(execution: Execution, trigger: ReceivedEvent, in_doubt: Sequence[str] = ()) -> Execution:
    """A copy in which nothing is under way.

    What was begun forward and has no outcome is in doubt: before the pivot it is undone through its forward key; at the
    pivot and behind it, it counts as parked, so that undoing needs the override. An undo under way is made again.

    Args:
        execution: the newest state that is known.
        trigger: what started it.
        in_doubt: steps that a lost attempt may have begun beside those that the state knows of.
    """
    twin = execution.copy()
    if not twin.state.started:
        twin.receive(Started(trigger))
    if twin.state.ended:
        return twin
    turn = Turn(twin.plan, twin.state)
    # A slow worker may outlive the run, but not the pause before a linked run: no fence is needed any more.
    twin.state.timers.clear()
    lost(turn, Lost(tuple(in_doubt)))
    for name in list(twin.state.steps):
        _lay_down(turn, name)
    return twin


def _lay_down(turn: Turn, name: str) -> None:
    leaf, phase = turn.leaf(name), turn.phase(name)
    if phase is Phase.UNDOING:
        turn.move(name, Move.UNDO_REST).undo_error = GONE
    elif phase in _UNDER_WAY and isinstance(leaf, StepPlan):
        is_compensatable = leaf.phase == "compensatable"
        step = turn.move(name, Move.DOUBT if is_compensatable or turn.state.is_unwinding else Move.PARK)
        step.outcome, step.error = "unknown", step.error or GONE
