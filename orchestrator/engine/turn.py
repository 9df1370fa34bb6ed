"""One turn of the engine: what all rules use to move steps and to ask for effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine.effects import ClearTimer, Perform, SetTimer
from orchestrator.engine.states import TRANSITIONS, Move, Phase, StepState
from orchestrator.engine.topology import topology_of
from orchestrator.saga.plan import StepPlan

if TYPE_CHECKING:
    from orchestrator.engine.effects import Effect
    from orchestrator.engine.signals import Direction
    from orchestrator.engine.states import State
    from orchestrator.saga.plan import CallPlan, Leaf, Plan, RetryPlan

SAGA_TIMER = "saga"
FENCE = "fence"


class Turn:
    """Plan and state of an execution while one signal is taken, and the effects that come of it."""

    __slots__ = ("effects", "plan", "state", "topology")

    def __init__(self, plan: Plan, state: State) -> None:
        self.plan = plan
        self.state = state
        self.topology = topology_of(plan)
        self.effects: list[Effect] = []

    def step(self, name: str) -> StepState:
        """State of a leaf, made when it is first spoken of."""
        found = self.state.steps.get(name)
        if found is None:
            found = self.state.steps[name] = StepState()
        return found

    def phase(self, name: str) -> Phase:
        """Where a leaf stands."""
        found = self.state.steps.get(name)
        return found.phase if found else Phase.IDLE

    def accepts(self, name: str, move: Move) -> bool:
        """Whether the table allows this move now."""
        return move in TRANSITIONS[self.phase(name)]

    def move(self, name: str, move: Move) -> StepState:
        """Make a move that the table allows."""
        step = self.step(name)
        step.phase = TRANSITIONS[step.phase][move]
        return step

    def count_begin(self, step: StepState) -> None:
        """Give the step its place in the order of begins, once."""
        if step.order == 0:
            self.state.begun += 1
            step.order = self.state.begun

    def set_timer(self, name: str, after_ms: int) -> None:
        """Ask for a timer; its name names the attempt too, so that no name is ever set twice."""
        self.state.timers.append(name)
        self.effects.append(SetTimer(name, after_ms))

    def clear_timer(self, name: str) -> None:
        """Give up a timer, if it is set."""
        if name in self.state.timers:
            self.state.timers.remove(name)
            self.effects.append(ClearTimer(name))

    def is_set(self, name: str) -> bool:
        """Whether a timer is set and has not run out."""
        return name in self.state.timers

    def clear_timers_of(self, name: str) -> None:
        """Give up all timers of one step, but for its fences: a slow worker does not heed our state."""
        for timer in [t for t in self.state.timers if timer_step(t) == name and timer_kind(t) != FENCE]:
            self.clear_timer(timer)

    def fence(self, name: str, after_ms: int) -> None:
        """Keep the undo of a step from beginning while a slow worker may still perform its latest attempt.

        Told again of the same attempt, it counts from now.
        """
        timer = fence_timer(name, self.step(name).attempt)
        if after_ms > 0:
            self.clear_timer(timer)
            self.set_timer(timer, after_ms)

    def is_fenced(self, name: str) -> bool:
        """Whether a slow worker may still perform a step."""
        return any(timer_step(timer) == name and timer_kind(timer) == FENCE for timer in self.state.timers)

    def perform(self, plan: StepPlan, direction: Direction, attempt: int) -> None:
        """Begin one attempt; a command's attempt lasts until its limit, a worker's own limits end the others."""
        call = call_of(plan, direction)
        is_pivot = plan.phase == "pivot" and direction == "do"
        if call.lane == "command":
            self.set_timer(limit_timer(plan.id, direction, attempt), plan.within_ms)
        self.effects.append(Perform(step=plan.id, direction=direction, attempt=attempt, call=call, is_pivot=is_pivot))

    def rest(self, plan: StepPlan, direction: Direction) -> None:
        """Let the pause pass that the policy puts before the next attempt; a fresh set begins with the shortest."""
        step = self.step(plan.id)
        made = step.undo_attempt - step.undo_granted if direction == "undo" else step.attempt - step.granted
        self.set_timer(self.pause(plan.id, direction), retry_of(plan, direction).delay_ms(made + 1))

    def pause(self, name: str, direction: Direction) -> str:
        """Name of the timer that runs after the latest attempt."""
        step = self.step(name)
        return retry_timer(name, direction, step.undo_attempt if direction == "undo" else step.attempt)

    def leaf(self, name: str) -> Leaf:
        """The plan's leaf of this id."""
        return self.topology.leaves[name]


def call_of(plan: StepPlan, direction: Direction) -> CallPlan:
    """The call that a direction stands for."""
    call = {"do": plan.do, "undo": plan.undo, "probe": plan.probe}[direction]
    assert call is not None, f"{plan.id} has no {direction}"  # noqa: S101 - rules ask before they begin
    return call


def retry_of(plan: StepPlan, direction: Direction) -> RetryPlan:
    """The policy of a direction."""
    return plan.undo_retry if direction == "undo" else plan.retry


def limit_timer(step: str, direction: Direction, attempt: int) -> str:
    """Name of the timer that ends a command's attempt."""
    return f"limit:{direction}:{attempt}:{step}"


def retry_timer(step: str, direction: Direction, attempt: int) -> str:
    """Name of the timer that runs between `attempt` and the next."""
    return f"retry:{direction}:{attempt}:{step}"


def wait_timer(step: str) -> str:
    """Name of the timer that ends a wait or a sleep."""
    return f"wait:do:0:{step}"


def fence_timer(step: str, attempt: int) -> str:
    """Name of the timer before whose end no undo begins, since a slow worker may still perform `attempt`."""
    return f"{FENCE}:undo:{attempt}:{step}"


def timer_kind(timer: str) -> str:
    """What a timer is for: limit, retry, wait, fence, or the saga's own."""
    return timer.split(":", 1)[0]


def timer_step(timer: str) -> str:
    """The step a timer belongs to; empty for the saga's own."""
    return timer.split(":", 3)[3] if ":" in timer else ""
