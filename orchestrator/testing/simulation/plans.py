"""Random plans: any tree of the kinds there are, with a pivot somewhere or nowhere. Whoever asks chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, TypeVar

from orchestrator.saga.plan import (
    CallPlan,
    Lane,
    Need,
    Node,
    ParallelPlan,
    Plan,
    RetryPlan,
    SequencePlan,
    SleepPlan,
    StepPlan,
    TriggerPlan,
    WaitPlan,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

Choice = TypeVar("Choice")
PhaseOfPlan: TypeAlias = Literal["compensatable", "pivot", "retriable"]

TRIGGER = "started"
RETRY = RetryPlan(attempts=2, first_delay_ms=10, max_delay_ms=20)
UNDO_RETRY = RetryPlan(attempts=3, first_delay_ms=10, max_delay_ms=20)
LANES: dict[PhaseOfPlan, tuple[Lane, ...]] = {
    "compensatable": ("command", "command", "command", "brief", "durable", "publish"),
    "pivot": ("command", "durable"),
    "retriable": ("command", "brief", "durable", "publish"),
}


class Choose(Protocol):
    """Whoever makes the choices: a seeded generator, or a property test."""

    def __call__(self, options: Sequence[Choice], /) -> Choice:
        """One of the options."""
        ...


def random_plan(choose: Choose) -> Plan:
    """A plan of up to about a dozen leaves."""
    builder = _Builder(choose)
    before = [builder.node(2, "compensatable") for _ in range(choose((1, 2, 3)))]
    behind: list[Node] = []
    if choose((True, False, False)):
        behind = [builder.step("pivot")] + [builder.node(1, "retriable") for _ in range(choose((0, 1, 2)))]
    return Plan(
        saga="random",
        version=1,
        trigger=TriggerPlan(event=TRIGGER, gives="start", key="id"),
        root=SequencePlan(children=(*before, *behind)),
        within_ms=choose((None, None, None, 5_000)),
        unwind=choose(("dependency", "serial")),
    )


class _Builder:
    """Gives names while a tree is made."""

    def __init__(self, choose: Choose) -> None:
        self._choose = choose
        self._count = 0
        self._steps: list[str] = []

    def _name(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def _earlier(self) -> tuple[str, ...]:
        """Steps written above whose facts a step uses, in whatever branch they stand."""
        if not self._steps or not self._choose((True, False, False)):
            return ()
        return (self._choose(self._steps),)

    def step(self, phase: PhaseOfPlan = "compensatable") -> StepPlan:
        """A step. Its undo and its probe go where its forward call goes: only there are its keys known."""
        name, lane, after = self._name("s"), self._choose(LANES[phase]), self._earlier()
        if lane != "publish":
            self._steps.append(name)
        has_undo = phase == "compensatable" and lane != "publish" and self._choose((True, True, True, False))
        others: tuple[Lane, ...] = ("command",) if lane == "command" else ("brief", "durable")
        is_probed = lane != "publish" and self._choose((True, False, False, False, False, False))
        needs = (Need(fact="start"), *(Need(fact=f"{other}_made") for other in after))
        own = (Need(fact="start"), Need(fact=f"{name}_made", optional=True))
        undo = CallPlan(lane=self._choose(others), handler=f"undo_{name}", needs=own)
        return StepPlan(
            id=name,
            do=CallPlan(lane=lane, handler=name, needs=needs, gives=None if lane == "publish" else f"{name}_made"),
            undo=undo if has_undo else None,
            no_undo=None if has_undo or phase != "compensatable" else "reads only",
            phase=phase,
            within_ms=self._choose((1_000, 3_000)),
            retry=RETRY,
            undo_retry=UNDO_RETRY,
            after=after,
            probe=CallPlan(lane=others[0], handler=f"probe_{name}") if is_probed else None,
        )

    def _leaf(self, phase: PhaseOfPlan) -> Node:
        match self._choose(range(8)):
            case 0:
                name = self._name("w")
                return WaitPlan(
                    id=name,
                    event="news",
                    key="id",
                    gives=f"{name}_news",
                    within_ms=self._choose((500, 4_000)),
                    on_timeout="abort" if phase == "compensatable" else "continue",
                    retriable=phase == "retriable",
                )
            case 1:
                return SleepPlan(id=self._name("z"), duration_ms=50)
            case _:
                return self.step(phase)

    def node(self, depth: int, phase: PhaseOfPlan) -> Node:
        """A leaf, or a tree of at most `depth`."""
        kind = self._choose(range(4)) if depth else 0
        if kind < 2:  # noqa: PLR2004 - half of all
            return self._leaf(phase)
        children = tuple(self.node(depth - 1, phase) for _ in range(self._choose((1, 2, 3))))
        if kind == 2:  # noqa: PLR2004 - half of the rest
            return SequencePlan(children=children)
        return ParallelPlan(children=children, on_sibling_failure=self._choose(("drain", "cancel")))
