"""Random plans for property tests: any tree of the kinds there are, with a pivot somewhere or nowhere."""

import random
from typing import Literal, TypeAlias

from hypothesis import strategies as st

from orchestrator.saga.plan import (
    CallPlan,
    Need,
    ParallelPlan,
    Plan,
    RetryPlan,
    SequencePlan,
    SleepPlan,
    StepPlan,
    TriggerPlan,
    WaitPlan,
)


class Drawn:
    """Chance played by Hypothesis."""

    def __init__(self, draw):
        self.draw = draw

    def choose(self, options):
        return self.draw(st.sampled_from(options))

    def number(self, least, most):
        return self.draw(st.integers(least, most))


class Rolled(random.Random):
    """Chance out of a seed: thousands of runs a minute, where Hypothesis makes few that it can shrink."""

    def choose(self, options):
        return self.choice(options)

    def number(self, least, most):
        return self.randint(least, most)


RETRY = RetryPlan(attempts=2, first_delay_ms=10, max_delay_ms=20)
Phase: TypeAlias = Literal["compensatable", "pivot", "retriable"]
Patience: TypeAlias = Literal["abort", "continue"]
LANES = ("command", "brief", "durable", "publish")


class Builder:
    """Gives names while a tree is drawn."""

    def __init__(self, chance):
        self.chance = chance
        self.count = 0
        self.steps: list[str] = []

    def facts_of(self):
        """Steps written above whose facts a step uses, in whatever branch they stand."""
        if not self.steps or self.chance.number(0, 2):
            return ()
        return (self.chance.choose(self.steps),)

    def step(self, phase: Phase = "compensatable"):
        self.count += 1
        name = f"s{self.count}"
        lane = self.chance.choose(LANES if phase != "pivot" else ("command", "durable"))
        has_undo = phase == "compensatable" and self.chance.choose((False, True))
        after = self.facts_of()
        self.steps.append(name)
        undo = CallPlan(lane=self.chance.choose(("command", "brief", "durable")), handler=f"undo_{name}")
        return StepPlan(
            id=name,
            do=CallPlan(lane=lane, handler=name, needs=(Need(fact="start"),), gives=f"{name}_made"),
            undo=undo if has_undo else None,
            no_undo=None if has_undo or phase != "compensatable" else "reads only",
            phase=phase,
            within_ms=1_000,
            retry=RETRY,
            undo_retry=RETRY,
            after=after,
            probe=CallPlan(lane="brief", handler=f"probe_{name}") if self.chance.number(0, 5) == 0 else None,
        )

    def leaf(self, phase):
        kind = self.chance.number(0, 6)
        if kind == 0:
            self.count += 1
            name = f"w{self.count}"
            patience: Patience = "abort" if phase == "compensatable" else "continue"
            return WaitPlan(
                id=name, event="news", key="id", gives=f"{name}_news", within_ms=500, on_timeout=patience,
                retriable=phase == "retriable",
            )  # fmt: skip
        if kind == 1:
            self.count += 1
            return SleepPlan(id=f"z{self.count}", duration_ms=50)
        return self.step(phase)

    def node(self, depth, phase):
        kind = self.chance.number(0, 3) if depth else 0
        if kind < 2:
            return self.leaf(phase)
        children = tuple(self.node(depth - 1, phase) for _ in range(self.chance.number(1, 3)))
        if kind == 2:
            return SequencePlan(children=children)
        return ParallelPlan(children=children, on_sibling_failure=self.chance.choose(("drain", "cancel")))


def build(chance):
    """A plan of up to about a dozen leaves, as chance has it."""
    builder = Builder(chance)
    before = [builder.node(2, "compensatable") for _ in range(chance.number(1, 3))]
    behind = []
    if chance.choose((False, True)):
        behind = [builder.step("pivot")] + [builder.node(1, "retriable") for _ in range(chance.number(0, 2))]
    return Plan(
        saga="random",
        version=1,
        trigger=TriggerPlan(event="started", gives="start", key="id"),
        root=SequencePlan(children=(*before, *behind)),
        within_ms=chance.choose((None, 5_000)),
        unwind=chance.choose(("dependency", "serial")),
        on_completed=chance.choose(("dead_letter", "ignore")),
    )


@st.composite
def plans(draw):
    """What `build` makes, where Hypothesis plays chance."""
    return build(Drawn(draw))
