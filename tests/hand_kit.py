"""Drives an execution of the engine by hand, without servers: every call answers what a test says."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from orchestrator.engine.effects import Perform
from orchestrator.engine.execution import Execution
from orchestrator.engine.signals import Arrived, Failed, ReceivedEvent, Refused, Started, Succeeded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.engine.effects import Effect
    from orchestrator.engine.signals import Signal
    from orchestrator.saga.plan import Plan


def event(kind: str, number: int = 1, **payload: Any) -> ReceivedEvent:
    return ReceivedEvent(identity=f"{kind}-{number}", body_hash=f"{kind}-{number}", type=kind, payload=payload)


class Hand:
    """One execution and what it waits for. `answers`: `ok`, `fail`, `reject`, `hold`, by step or `undo step`."""

    def __init__(self, plan: Plan, execution_id: str, trigger: ReceivedEvent, **answers: str) -> None:
        self.execution = Execution.begin(plan, execution_id)
        self.answers = {name.replace("undo_", "undo "): how for name, how in answers.items()}
        self.performed: list[str] = []
        self.tell(Started(trigger))

    @classmethod
    def of(cls, execution: Execution, **answers: str) -> Hand:
        """An execution that stands somewhere already."""
        hand = cls.__new__(cls)
        hand.execution, hand.performed = execution, []
        hand.answers = {name.replace("undo_", "undo "): how for name, how in answers.items()}
        return hand

    def tell(self, signal: Signal) -> None:
        """Tell it one thing, then answer whatever it begins."""
        queue: deque[Effect] = deque(self.execution.receive(signal))
        while queue:
            effect = queue.popleft()
            if isinstance(effect, Perform):
                queue.extend(self._answer(effect))

    def arrives(self, kind: str) -> None:
        self.tell(Arrived(event(kind)))

    def _answer(self, perform: Perform) -> Sequence[Effect]:
        name = f"{'undo ' if perform.direction == 'undo' else ''}{perform.step}"
        self.performed.append(name)
        way: dict[str, Any] = {"step": perform.step, "direction": perform.direction, "attempt": perform.attempt}
        match self.answers.get(name, "ok"):
            case "ok":
                return self.execution.receive(Succeeded(**way, result={"by": perform.step}))
            case "reject":
                return self.execution.receive(Refused(**way, reason=f"{name} says no"))
            case "fail":
                return self.execution.receive(Failed(**way, reason=f"{name} is out of order", retryable=False))
            case _:
                return ()
