"""What the model server keeps of one run: its history, its workflow task, what is open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.testing.simulation.history import Event

if TYPE_CHECKING:
    import asyncio

    from orchestrator.testing.simulation.activation import Record


@dataclass(slots=True)
class Update:
    """An update that a client waits for. `answer` gets its verdict: empty, or why it was refused."""

    id: str
    name: str
    argument: Any
    answer: asyncio.Future[str]


@dataclass(eq=False, slots=True)
class Task:
    """A workflow task: `normal`, `transient` (after a lost attempt) or `speculative` (made for an update)."""

    form: str
    attempt: int = 1
    scheduled_behind: int = 0
    started_id: int = 0
    started_at: float = 0.0
    updates: list[Update] = field(default_factory=list[Update])
    timer: asyncio.TimerHandle | None = None

    @property
    def is_started(self) -> bool:
        """Whether a worker has it."""
        return self.started_id > 0


@dataclass(eq=False, slots=True)
class Run:
    """One run: its history, and what is open in it."""

    id: str
    events: list[Event] = field(default_factory=list[Event])
    buffered: list[Event] = field(default_factory=list[Event])
    records: list[Record] = field(default_factory=list["Record"])
    task: Task | None = None
    timers: dict[int, asyncio.TimerHandle] = field(default_factory=dict[int, "asyncio.TimerHandle"])
    updates: list[Update] = field(default_factory=list[Update])
    accepted: dict[str, Update] = field(default_factory=dict[str, Update])
    sticky: Any = None
    is_closed: bool = False

    def replayed_with(self, number: int) -> Record:
        """The record as part of which the core replays record `number`: itself, unless a heartbeat ended its task."""
        while self.records[number].is_beat and number + 1 < len(self.records):
            number += 1
        return self.records[number]


def tell(update: Update, verdict: str) -> None:
    """Give the client of an update its verdict, unless it has one."""
    if not update.answer.done():
        update.answer.set_result(verdict)
