"""What people do: cancel, give orders at random, and put right what waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.adapters.temporal.operating import OPERATE_UPDATE
from orchestrator.engine.states import Phase
from orchestrator.testing.simulation.runs import Update

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from orchestrator.testing.simulation.world import World

PATIENCE_S = 900.0
"""So long after the last fault an execution has ended, or waits visibly for a person."""
ROUNDS = 8
SKIPPED = "skipped"
"""The result that people give for a step they skip."""
WORDS = ("compensate", "retry", "mark_done", "skip", "abandon", "suspend", "resume", "release")
WAYS_OUT = ("retry", "retry", "skip", "mark_done", "resume", "abandon")


class People:
    """Everybody who may give orders to the execution.

    Attributes:
        skipped: steps that somebody asked to skip.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._orders = 0
        self.skipped: set[str] = set()

    def begin(self) -> None:
        """Cancels and orders that come whatever happens."""
        world, dice = self._world, self._world.dice
        if dice.fault("cancelled", world.profile.cancels):
            world.loop.after(dice.between(0.0, dice.one_of((0.1, 1.0, 8.0))), self._order, "cancel")
        if dice.fault("cancelled in Temporal", 0.04):
            world.loop.after(dice.between(0.0, 5.0), world.server.cancel, "by hand")
        while dice.fault("operator", world.profile.people):
            world.loop.after(dice.between(0.0, 8.0), self._order_something, dice.one_of(WORDS))
        if world.profile.is_attended:
            world.loop.after(0.5, self._look_in)

    def _look_in(self) -> None:
        """Do something about what waits, or about what does not."""
        world, dice = self._world, self._world.dice
        if world.dice.is_calm:
            return
        if self._waiting():
            self._find_a_way_out()
        elif dice.fault("operator", 0.05):
            self._order(dice.one_of(("suspend", "release", "compensate")), dice.one_of(["", *sorted(world.steps)]))
        elif world.shown_state is not None and world.shown_state.suspended:
            self._order("resume")
        world.loop.after(dice.between(0.2, 2.0), self._look_in)

    def _waiting(self) -> list[str]:
        """Steps that wait for a person, as far as people can see."""
        state = self._world.shown_state
        steps = state.steps.items() if state is not None else ()
        return sorted(name for name, step in steps if step.phase in (Phase.PARKED, Phase.STUCK))

    def _find_a_way_out(self) -> None:
        dice, waiting = self._world.dice, self._waiting()
        if waiting:
            self._order(dice.one_of(WAYS_OUT), dice.one_of(waiting))

    def _order_something(self, word: str) -> None:
        if word not in ("retry", "skip", "mark_done"):
            self._order(word)
        elif self._world.steps:
            self._order(word, self._world.dice.one_of(sorted(self._world.steps)))

    def _order(self, word: str, step: str = "") -> None:
        world = self._world
        more: dict[str, Any] = {}
        if word in ("retry", "skip", "mark_done"):
            more["step"] = step
        if word == "compensate" and step:
            more = {"from_step": step, "override": True}
        if word == "skip":
            more["result"] = SKIPPED
            self.skipped.add(step)
        if word == "mark_done":
            more["evidence"] = "seen"
        self._orders += 1
        world.count("command asked")
        world.note("people", "%s %s", word, more)
        command = {"command_id": f"command-{self._orders}", "actor": "me", "reason": "because", **more}
        answer: asyncio.Future[str] = world.loop.create_future()
        answer.add_done_callback(lambda told: world.dice.count(f"{word} {'refused' if told.result() else 'taken'}"))
        order = {"word": word, "command": command}
        world.server.update(Update(f"update-{self._orders}", OPERATE_UPDATE, order, answer))

    def help(self, is_at_rest: Callable[[], bool]) -> None:
        """Put right what waits, now that nothing goes wrong any more: everything ends, then."""
        world = self._world
        for number in range(ROUNDS):
            if world.server.run.is_closed:
                return
            world.count("helped")
            if world.profile.is_attended and self._waiting() and number < ROUNDS - 2:
                world.loop.after(0.0, self._find_a_way_out)
            else:
                world.loop.after(0.0, self._order, "resume")
            world.loop.run(until=world.loop.time() + 0.5)
            world.loop.run(until=world.loop.time() + PATIENCE_S, stop=is_at_rest)
