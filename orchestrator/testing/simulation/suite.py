"""Simulations by seed: which plan and which kind of bad luck a seed means, and what came of many of them."""

from __future__ import annotations

import logging
import time
import traceback
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from orchestrator.testing.simulation.dice import Dice
from orchestrator.testing.simulation.plans import random_plan
from orchestrator.testing.simulation.world import Profile, World

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

FAULTS = {
    "a workflow task is lost after its local activities ran": ("task lost behind its run", "run gave no report"),
    "a workflow task fails, times out, or its report is refused": (
        "task failed",
        "workflow task timed out",
        "task report refused",
        "answer lost",
        "unhandled command",
        "sticky queue timed out",
    ),
    "a signal comes beside a workflow task": ("signal beside a task",),
    "a heartbeat is written in between": ("heartbeat",),
    "a speculative task is dropped": ("speculative task vanished",),
    "a worker is killed, or stopped and wakes late": ("worker killed", "worker stopped"),
    "an activity is repeated, times out, or its report is lost": (
        "activity repeated",
        "activity timed out",
        "activity report lost",
        "late activity report refused",
    ),
    "a workflow is evicted and replayed": ("evicted",),
    "a run continues as new": ("continued as new", "continuing suggested"),
    "a message is dropped, doubled, late, delivered again": (
        "message dropped",
        "confirm lost",
        "reply dropped",
        "duplicate",
        "message late",
        "redelivered",
        "event duplicated",
        "trigger duplicated",
    ),
    "a clock jumps": ("clock jumped",),
    "a participant stops after its effect": ("participant stopped after its effect", "participants killed"),
    "code and participants are slow, broken, missing, or refuse": (
        "action raised",
        "action raised after its effect",
        "action refused",
        "action slow",
        "code missing",
        "command failed for now",
        "command refused",
        "handler broken",
        "handler slow",
        "undo refused",
    ),
    "a person cancels": ("cancelled", "cancelled in Temporal", "cancel taken", "cancel refused"),
    "a person gives an order": (
        "operator",
        "abandon taken",
        "compensate taken",
        "mark_done taken",
        "release taken",
        "resume taken",
        "retry taken",
        "skip taken",
        "suspend taken",
    ),
}
"""Every kind of fault there is: a suite in which one of them hardly happened has proved nothing about it."""


@dataclass(slots=True)
class Tally:
    """What came of some simulations.

    Attributes:
        runs: executions simulated. `transitions`: see `transitions_of`.
        shapes: hashes of the plans. `faults`: how many of each kind. `words`: how they ended.
        failed: seeds that broke something, with what.
    """

    runs: int = 0
    transitions: int = 0
    shapes: set[str] = field(default_factory=set[str])
    faults: Counter[str] = field(default_factory=Counter[str])
    words: Counter[str] = field(default_factory=Counter[str])
    failed: dict[int, list[str]] = field(default_factory=dict[int, list[str]])

    def add(self, seed: int, world: World) -> None:
        """One more."""
        self.runs += 1
        self.transitions += transitions_of(world)
        self.shapes.add(world.plan.content_hash)
        self.faults += world.dice.faults
        self.words[world.word] += 1
        if world.violations:
            self.failed[seed] = world.violations

    def merge(self, other: Tally) -> None:
        """What came of others."""
        self.runs += other.runs
        self.transitions += other.transitions
        self.shapes |= other.shapes
        self.faults += other.faults
        self.words += other.words
        self.failed.update(other.failed)


def transitions_of(world: World) -> int:
    """Events of the schedule.

    Each event that came to the execution through the server (signal, end of an activity, timer fired, cancellation,
    start), each activation of the workflow, each message published, handled and answered, each signal that the engine
    took, each replay, each person's command, and each fault that the dice threw. What follows from a fault, and events
    that the server writes for itself, do not count.
    """
    return sum(world.counts.values()) + len(world.dice.thrown)


ATTENDED = (5, 6)
"""Of seven seeds these have undos that fail, and people who look in. Not drawn: older seeds keep their schedules."""


def simulate(seed: int, *, spared: frozenset[int] = frozenset(), is_told: bool = False) -> World:
    """Simulate one execution; read its `violations`.

    Args:
        seed: which plan, which kind of bad luck, which schedule.
        spared: numbers of faults that do not happen, see `Dice`.
        is_told: keep the story.
    """
    dice = Dice(seed, spared)
    plan, profile = random_plan(dice.one_of), _profile(dice)
    if seed % 7 in ATTENDED:
        profile = replace(profile, undo_refusals=0.25, is_attended=True)
    world = World(plan, dice, profile, is_told=is_told)
    with _quiet():
        try:
            world.play()
        except Exception:  # noqa: BLE001 - whatever breaks, the seed that broke it must be named, and its schedule told
            world.fail(f"broken off: {traceback.format_exc()}")
    return world


def _profile(dice: Dice) -> Profile:
    """Slow workers and jumping clocks never together: the fence between them is an action's only protection."""
    has_clock_jumps = dice.chance(0.25)
    return Profile(
        horizon_s=dice.one_of((3.0, 8.0, 15.0, 25.0)),
        losses=dice.one_of((0.0, 0.05, 0.1, 0.25)),
        refusals=dice.one_of((0.0, 0.05, 0.2)),
        workers=dice.one_of((1, 1, 2)),
        has_zombies=not has_clock_jumps,
        has_clock_jumps=has_clock_jumps,
        cancels=dice.one_of((0.0, 0.5)),
        people=dice.one_of((0.0, 0.0, 0.5)),
        signals_per_run=dice.one_of((5_000, 5_000, 2)),
        suggests_continuing=dice.one_of((0.0, 0.0, 0.1)),
    )


def tally(seeds: Iterable[int]) -> Tally:
    """Simulate all of these."""
    made = Tally()
    for seed in seeds:
        made.add(seed, simulate(seed))
    return made


SHRINK_S = 20.0


def shrink(seed: int, world: World) -> World:
    """The same violation with fewer faults: each is left out in turn, and stays out if it can, for some seconds."""
    kind, began = world.violations[0].split(":")[0], time.monotonic()
    spared: frozenset[int] = frozenset()
    for number, _ in world.dice.thrown:
        if time.monotonic() - began > SHRINK_S:
            break
        tried = simulate(seed, spared=spared | {number})
        if tried.violations and tried.violations[0].split(":")[0] == kind:
            spared |= {number}
    return simulate(seed, spared=spared, is_told=True)


def story_of(seed: int, world: World) -> str:
    """A failed run, for people."""
    lines = [f"seed {seed}", f"plan {world.plan.root.model_dump_json(exclude_defaults=True)}"]
    lines += [f"faults {', '.join(kind for _, kind in world.dice.thrown) or 'none'}", *(world.story or [])]
    lines += [f"  engine {at_ms % 10_000_000:8} {signal}" for at_ms, signal in world.journal]
    lines += [f"  done {number:3} {what:8} {key}" for number, what, key in world.effects]
    return "\n".join([*lines, *(f"VIOLATION {text}" for text in world.violations)])


@contextmanager
def _quiet() -> Generator[None]:
    """Participants and workers log what goes wrong, and here nearly everything does."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
