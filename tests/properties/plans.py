"""Random plans for property tests: any tree of the kinds there are, with a pivot somewhere or nowhere."""

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

RETRY = RetryPlan(attempts=2, first_delay_ms=10, max_delay_ms=20)
Phase: TypeAlias = Literal["compensatable", "pivot", "retriable"]
Patience: TypeAlias = Literal["abort", "continue"]
LANES = ("command", "brief", "durable", "publish")


class Builder:
    """Gives names while a tree is drawn."""

    def __init__(self, draw):
        self.draw = draw
        self.count = 0
        self.steps: list[str] = []

    def facts_of(self):
        """Steps written above whose facts a step uses, in whatever branch they stand."""
        if not self.steps or self.draw(st.integers(0, 2)):
            return ()
        return (self.draw(st.sampled_from(self.steps)),)

    def step(self, phase: Phase = "compensatable"):
        self.count += 1
        name = f"s{self.count}"
        lane = self.draw(st.sampled_from(LANES if phase != "pivot" else ("command", "durable")))
        has_undo = phase == "compensatable" and self.draw(st.booleans())
        after = self.facts_of()
        self.steps.append(name)
        undo = CallPlan(lane=self.draw(st.sampled_from(("command", "brief", "durable"))), handler=f"undo_{name}")
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
            probe=CallPlan(lane="brief", handler=f"probe_{name}") if self.draw(st.integers(0, 5)) == 0 else None,
        )

    def leaf(self, phase):
        kind = self.draw(st.integers(0, 6))
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
        kind = self.draw(st.integers(0, 3)) if depth else 0
        if kind < 2:
            return self.leaf(phase)
        children = tuple(self.node(depth - 1, phase) for _ in range(self.draw(st.integers(1, 3))))
        if kind == 2:
            return SequencePlan(children=children)
        return ParallelPlan(children=children, on_sibling_failure=self.draw(st.sampled_from(("drain", "cancel"))))


@st.composite
def plans(draw):
    """A plan of up to about a dozen leaves."""
    builder = Builder(draw)
    before = [builder.node(2, "compensatable") for _ in range(draw(st.integers(1, 3)))]
    behind = []
    if draw(st.booleans()):
        behind = [builder.step("pivot")] + [builder.node(1, "retriable") for _ in range(draw(st.integers(0, 2)))]
    return Plan(
        saga="random",
        version=1,
        trigger=TriggerPlan(event="started", gives="start", key="id"),
        root=SequencePlan(children=(*before, *behind)),
        within_ms=draw(st.sampled_from((None, 5_000))),
        unwind=draw(st.sampled_from(("dependency", "serial"))),
    )
