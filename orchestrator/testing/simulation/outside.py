"""The truth: what was really done and undone, by key, in order. And the code that does it, in the authors' place."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from orchestrator.contracts.protocol import idempotency_key
from orchestrator.errors import HandlerMissingError, Rejected
from orchestrator.messages import Command, Message
from orchestrator.participant.kit import CommandContext, Participant
from orchestrator.testing.simulation.hands import BEGINS_UNTIL
from orchestrator.testing.simulation.people import SKIPPED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.saga.contexts import ActionContext
    from orchestrator.testing.simulation.world import World


class Done(Message, type="sim.done"):
    """It is done. `by`: the key it was done for, so that every repeat gives the same."""

    by: str = ""


class Do(Command["Done"], type="sim.do"):
    """Do it. `facts`: all that the step takes, so that a wrong fact shows as another body of the same key."""

    step: str
    facts: str = ""


class Undo(Command["Done"], type="sim.undo"):
    """Undo it."""

    step: str


class Probe(Command["Done"], type="sim.probe"):
    """Was it done?"""

    step: str


@dataclass
class Deeds:
    """Effects in the order in which they were made: (number, what, forward key).

    A participant's copy lives in its store, so that what is rolled back leaves no trace.
    """

    lines: list[tuple[int, str, str]] = field(default_factory=list[tuple[int, str, str]])
    numbers: list[int] = field(default_factory=lambda: [0])

    def __deepcopy__(self, memo: dict[int, Any]) -> Deeds:
        return Deeds(list(self.lines), self.numbers)

    def tell(self, what: str, key: str) -> None:
        """Write a line."""
        self.numbers[0] += 1
        self.lines.append((self.numbers[0], what, key))

    def has(self, what: str, key: str) -> bool:
        """Whether there is such a line."""
        return any(line[1:] == (what, key) for line in self.lines)


def participant(world: World) -> Participant:
    """The participant: the real kit with a mind of its own."""
    made = Participant("sim")
    dice = world.dice

    @made.handles(Do)
    async def do(_: Do, ctx: CommandContext) -> Done:
        await _take_time(world, ctx.key)
        if dice.fault("command refused", world.profile.refusals):
            raise Rejected("refused", code="refused")
        if dice.fault("command failed for now", 0.02):
            raise Rejected("not now", code="busy", retryable=True)
        ctx.get(Deeds).tell("do", ctx.key)
        return Done(by=ctx.key)

    @made.handles(Undo)
    async def undo(_: Undo, ctx: CommandContext) -> Done:
        await _take_time(world, ctx.key)
        if dice.fault("undo refused", world.profile.undo_refusals):
            raise Rejected("cannot", code="cannot")
        ctx.get(Deeds).tell("undo", ctx.undoes)
        return Done(by=ctx.undoes)

    @made.handles(Probe)
    async def probe(_: Probe, ctx: CommandContext) -> Done:
        await _take_time(world, ctx.key)
        raise Rejected("never heard of it", code="absent")

    return made


async def _take_time(world: World, key: str) -> None:
    await asyncio.sleep(world.dice.between(0.0005, 0.01))
    if world.dice.fault("handler slow", 0.03):
        await asyncio.sleep(world.dice.between(0.3, 2.0))
    if world.dice.fault("handler broken", 0.02):
        raise RuntimeError(key)


class Scripts:
    """The authors' functions by name, as `Stage` wants them: `s1`, `undo_s1`, `probe_s1`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getitem__(self, name: str) -> Script:
        if self._world.dice.fault("code missing", 0.002):
            raise HandlerMissingError(name)
        way, _, step = name.rpartition("_")
        if way != "probe" and self._world.loop.time() > BEGINS_UNTIL.get():
            self._world.fail(f"{name} was begun later than its run may begin anything")
        return Script(self._world, way or "do", step)


@dataclass(frozen=True, slots=True)
class Script:
    """One function: a command, an event or an action, as its call asks."""

    world: World
    way: str
    step: str
    function: ClassVar[Any] = SimpleNamespace(fact_type=Done)

    def build(self, facts: Mapping[str, Any]) -> Message:
        """A message, a pure function of the facts."""
        self._check(facts)
        if self.way == "undo":
            return Undo(step=self.step)
        if self.way == "probe":
            return Probe(step=self.step)
        return Do(step=self.step, facts=repr(sorted(facts.items())))

    def read_reply(self, body: bytes) -> Any:
        """The reply's values."""
        return Done.model_validate_json(body).model_dump(mode="json")

    async def act(self, facts: Mapping[str, Any], ctx: ActionContext) -> Any:
        """An action at an outside system that knows keys, and nothing of undos that come before their command."""
        self._check(facts)
        dice = self.world.dice
        await asyncio.sleep(dice.between(0.001, 0.02))
        if dice.fault("action slow", 0.03):
            await asyncio.sleep(dice.between(0.3, 3.0))
        if dice.fault("action raised", 0.02):
            raise RuntimeError(self.step)
        self._effect(ctx)
        await asyncio.sleep(dice.between(0.001, 0.02))
        if dice.fault("action raised after its effect", 0.02):
            raise RuntimeError(self.step)
        return {"by": ctx.undoes or ctx.idempotency_key}

    def _effect(self, ctx: ActionContext) -> None:
        deeds = self.world.deeds
        if self.way == "do":
            if not deeds.has("do", ctx.idempotency_key):
                if self.world.dice.fault("action refused", self.world.profile.refusals):
                    raise Rejected("refused", code="refused")
                deeds.tell("do", ctx.idempotency_key)
        elif self.way == "undo":
            if self.world.dice.fault("undo refused", self.world.profile.undo_refusals):
                raise Rejected("cannot", code="cannot")
            if deeds.has("do", ctx.undoes) and not deeds.has("undo", ctx.undoes):
                deeds.tell("undo", ctx.undoes)
        elif not deeds.has("do", ctx.undoes):
            raise Rejected("never heard of it", code="absent")

    def _check(self, facts: Mapping[str, Any]) -> None:
        """Facts that the plan says a step takes must be there, and say what they must."""
        for fact in self.world.facts_of(self.way, self.step):
            wanted = self.world.fact(fact)
            if facts.get(fact) == SKIPPED and fact.removesuffix("_made") in self.world.people.skipped:
                continue
            if _without_edition(facts.get(fact)) != wanted:
                self.world.fail(f"{self.way} {self.step} was given {facts.get(fact)!r} for {fact}, not {wanted!r}")


def _without_edition(fact: Any) -> Any:
    """The fact as its step's first key would give it: a person may have had it done under a later one."""
    if not isinstance(fact, dict):
        return fact
    told = cast("dict[str, Any]", fact)
    return {name: re.sub(r":1\.\d+$", ":1", str(value)) if name == "by" else value for name, value in told.items()}


def key_of(execution_id: str, step: str, edition: int = 0) -> str:
    """The forward key of a step."""
    return idempotency_key(execution_id, step, "do", "1" if not edition else f"1.{edition}")
