"""Attempts that the engine has asked for and that nobody has begun yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.adapters.temporal.pending import act_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.adapters.temporal.pending import Act
    from orchestrator.engine.effects import Perform


class Ready:
    """They wait for the next run of the express lane, or for a workflow task that has room to ask for them."""

    def __init__(self) -> None:
        self._performs: list[Perform] = []
        self._held: frozenset[Act] = frozenset()

    def __bool__(self) -> bool:
        return bool(self._performs)

    @property
    def all(self) -> Sequence[Perform]:
        """In the order in which they were asked for."""
        return self._performs

    @property
    def are_brief(self) -> bool:
        """Whether there is anything for the express lane."""
        return any(perform.is_brief for perform in self._performs)

    @property
    def steps(self) -> frozenset[str]:
        """The steps whose forward attempt is among them."""
        return frozenset(perform.step for perform in self._performs if perform.direction == "do")

    def add(self, perform: Perform) -> None:
        """It was asked for."""
        self._performs.append(perform)

    def hold(self, acts: Iterable[Act]) -> None:
        """These attempts were begun by the run: whatever the first of its outcomes brings, theirs are awaited."""
        self._held = frozenset(acts)
        self._performs = [perform for perform in self._performs if act_of(perform) not in self._held]

    def is_held(self, perform: Perform) -> bool:
        """Whether the run has performed it: then its report is about to be taken."""
        return act_of(perform) in self._held

    def drop_all_but(self, open_ones: Sequence[Perform]) -> None:
        """Forget those that the engine does not wait for any more."""
        self._performs = [perform for perform in self._performs if perform in open_ones]

    def take_forward(self) -> list[Perform]:
        """Remove and return the forward ones."""
        forward = [perform for perform in self._performs if perform.direction == "do"]
        self._performs = [perform for perform in self._performs if perform.direction != "do"]
        return forward

    def take_put_off(self) -> list[Perform]:
        """Remove and return those that are not for the express lane."""
        put_off = [perform for perform in self._performs if not perform.is_brief]
        self._performs = [perform for perform in self._performs if perform.is_brief]
        return put_off
