"""Which facts are known at one point of a flow, and how surely."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Made:
    """A fact: its type, and whether it is there in any case (a wait that may go on without its event makes none)."""

    type: type[BaseModel]
    is_certain: bool = True


@dataclass(slots=True)
class Known:
    """Facts by name at one point of the flow.

    Attributes:
        facts: made before this point.
        recorded: those of them that a lost run cannot take back: their way led through the server (express.md, 3).
        beside: made by branches written above this one. Who uses one waits for it.
        recorded_beside: those of them that are recorded once they are there.
        elsewhere: made by branches written below this one; not to be had.
    """

    facts: dict[str, Made]
    recorded: set[str]
    beside: dict[str, Made] = field(default_factory=dict[str, Made])
    recorded_beside: set[str] = field(default_factory=set[str])
    elsewhere: frozenset[str] = frozenset()

    def take(self, name: str) -> Made | None:
        """The fact of this name, None if it cannot be had here. One from beside is behind us once it is taken."""
        if name not in self.facts and name in self.beside:
            self.facts[name] = self.beside[name]
            if name in self.recorded_beside:
                self.recorded.add(name)
        return self.facts.get(name)

    def make(self, name: str, made: Made) -> None:
        """A step has made a fact."""
        self.facts[name] = made

    def record(self) -> None:
        """The way leads through the server: whatever was known before is recorded."""
        self.recorded = set(self.facts)

    def branch(self, finished: list[Known], elsewhere: frozenset[str]) -> Known:
        """What a further branch knows. `finished`: how the branches above ended; `elsewhere`: made by those below."""
        beside, recorded_beside = dict(self.beside), set(self.recorded_beside)
        for other in finished:
            beside.update(other.facts)
            recorded_beside |= other.recorded
        return Known(dict(self.facts), set(self.recorded), beside, recorded_beside, self.elsewhere | elsewhere)

    def join(self, finished: list[Known]) -> None:
        """All branches are done."""
        for other in finished:
            self.facts.update(other.facts)
            self.recorded |= other.recorded
