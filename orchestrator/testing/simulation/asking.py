"""What a workflow task may not ask for, whatever comes of it (express.md, 6, 7 and 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.adapters.temporal.given import ATTEMPT, RUN
from orchestrator.testing.simulation.activation import from_payload

if TYPE_CHECKING:
    from orchestrator.engine.signals import Signal
    from orchestrator.testing.simulation.activation import Command, Instance
    from orchestrator.testing.simulation.worker import Cached
    from orchestrator.testing.simulation.world import World

RECORD_AFTER_MS = 1_000
"""After so much time of runs in one task a boundary is due (express.md, 6)."""


def unread(instance: Instance) -> tuple[Signal, ...]:
    """What the execution was told and has not taken yet."""
    interpreter = getattr(instance.workflow, "_interpreter", None)  # before its first activation it has none
    return () if interpreter is None else tuple(interpreter.mailbox)


def check(world: World, cached: Cached, command: Command) -> None:
    """Fail the world if this is asked for where it must not be."""
    if not command.kind.startswith("schedule_") or command.asked.activity_type not in (RUN, ATTEMPT):
        return
    calls = from_payload(command.asked.arguments[0])["calls"]
    for call in calls:
        world.use_key(call["key"], call["direction"], call["step"])
    forward = [call["step"] for call in calls if call["direction"] == "do"]
    if forward and cached.instance.state.is_unwinding:
        world.fail(f"{', '.join(forward)} asked for behind the abort")
    if command.asked.activity_type == RUN:
        _check_run(world, cached)


def _check_run(world: World, cached: Cached) -> None:
    if any(one is news for one in cached.unread for news in unread(cached.instance)):
        world.fail("a run was begun before news was read that had come before another")
    if cached.is_ordered:
        world.fail("a run was begun in the task that brought a person's command")
    if cached.ran_ms >= RECORD_AFTER_MS:
        world.fail(f"a run was begun behind {cached.ran_ms} ms of runs that are not recorded")
