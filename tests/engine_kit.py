"""Short words for engine tests: a plan in a line, an execution that has begun, and what it asks for."""

from typing import Literal, TypeAlias

from orchestrator.engine.effects import Alert, Park, Perform, SetTimer
from orchestrator.engine.execution import Execution
from orchestrator.engine.signals import Arrived, Direction, Failed, ReceivedEvent, Refused, Started, Succeeded
from orchestrator.saga.plan import (
    CallPlan,
    Lane,
    ParallelPlan,
    Plan,
    RetryPlan,
    SequencePlan,
    SleepPlan,
    StepPlan,
    TriggerPlan,
    WaitPlan,
)

Phase: TypeAlias = Literal["compensatable", "pivot", "retriable"]
TRIGGER = ReceivedEvent(identity="t", body_hash="t", type="started", payload={"id": "1"})
ONCE = RetryPlan(attempts=1)
TWICE = RetryPlan(attempts=2, first_delay_ms=10, max_delay_ms=1_000)
PERSON = {"actor": "me", "reason": "because"}


def call(name, lane: Lane = "brief", **more) -> CallPlan:
    return CallPlan(lane=lane, handler=name, **more)


def step(name, lane: Lane = "brief", *, phase: Phase = "compensatable", undo=True, probe=False, **more) -> StepPlan:
    """A step with everything that a test does not speak of: two attempts each way, an undo before the pivot."""
    return StepPlan(
        id=name,
        do=call(name, lane, gives=f"{name}_made"),
        undo=call(f"undo_{name}", lane) if undo and phase == "compensatable" else None,
        probe=call(f"probe_{name}") if probe else None,
        phase=phase,
        within_ms=1_000,
        **{"retry": TWICE, "undo_retry": TWICE, **more},
    )


def pivot(name, lane: Lane = "durable", **more):
    return step(name, lane, phase="pivot", **more)


def retriable(name, lane: Lane = "brief", **more):
    return step(name, lane, phase="retriable", **more)


def wait(name, **more):
    return WaitPlan(id=name, **{"event": "news", "key": "id", "gives": f"{name}_news", "within_ms": 500, **more})


def sleep(name, duration_ms=50):
    return SleepPlan(id=name, duration_ms=duration_ms)


def sequence(*children):
    return SequencePlan(children=children)


def parallel(*children, **more):
    return ParallelPlan(children=children, **more)


def plan_of(*children, **more):
    trigger = TriggerPlan(event="started", gives="start", key="id")
    return Plan(saga="s", version=1, trigger=trigger, root=SequencePlan(children=children), **more)


class Engine:
    """An execution that has begun. `effects`: what the last signal brought."""

    def __init__(self, *children, **more):
        self.execution = Execution.begin(plan_of(*children, **more), "s:1")
        self.effects = self.execution.receive(Started(TRIGGER))
        self.commands = 0

    def tell(self, signal):
        """Tell it; what it asks to perform is the answer, as `do a 1`."""
        self.effects = self.execution.receive(signal)
        return self.performs()

    def ok(self, name, direction: Direction = "do", attempt=1, result=None):
        return self.tell(Succeeded(step=name, direction=direction, attempt=attempt, result=result))

    def refuse(self, name, direction: Direction = "do", attempt=1, **more):
        return self.tell(Refused(step=name, direction=direction, attempt=attempt, reason="no", **more))

    def fail(self, name, direction: Direction = "do", attempt=1, **more):
        return self.tell(Failed(step=name, direction=direction, attempt=attempt, reason="broke", **more))

    def arrive(self, identity="n1", body="n", kind="news", **more):
        event = ReceivedEvent(**{"identity": identity, "body_hash": body, "type": kind, "payload": identity, **more})
        return self.tell(Arrived(event))

    def operate(self, kind, **more):
        """A person gives a command, each time a new one."""
        self.commands += 1
        return self.tell(kind(**{"command_id": f"c{self.commands}", **PERSON, **more}))

    def performs(self):
        found = [effect for effect in self.effects if isinstance(effect, Perform)]
        return [f"{one.direction} {one.step} {one.attempt}" for one in found]

    def timers(self):
        """Timers that the last signal set, with their lengths."""
        return [(effect.timer, effect.after_ms) for effect in self.effects if isinstance(effect, SetTimer)]

    def alerts(self):
        return [(effect.what, effect.step) for effect in self.effects if isinstance(effect, Alert)]

    def parked(self):
        return [(effect.event.identity, effect.code) for effect in self.effects if isinstance(effect, Park)]

    @property
    def ignored(self):
        return self.execution.journal[-1].ignored

    @property
    def word(self):
        return self.execution.word

    @property
    def state(self):
        return self.execution.state

    def phase(self, name):
        return self.execution.step(name).phase

    def outcome(self, name):
        return self.execution.step(name).outcome
