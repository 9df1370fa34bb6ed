"""A saga of any number of brief or durable steps that only count, for the further measurements."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from benchmarks.orders import Order
from benchmarks.rows.messages import OrderPlaced
from benchmarks.rows.ours import NoCourier
from orchestrator import ActionContext, Event, Saga, action, step, wait_for
from orchestrator.adapters.temporal.performing import Stage
from orchestrator.saga.handlers import Handlers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class GoneOn(Event, type="bench.gone-on"):
    """What open sagas wait for."""

    order_id: str


@dataclass(slots=True)
class Count:
    """Effects by key, and when each was first made, seconds since the epoch.

    Attributes:
        pause: how long each step takes, seconds.
        note: told the key of every effect as it is made.
    """

    made: dict[str, float] = field(default_factory=dict[str, float])
    pause: float = 0.0
    note: Callable[[str], None] = lambda _: None


async def count(order_placed: OrderPlaced, ctx: ActionContext) -> None:  # noqa: ARG001 - what a step of an order takes
    """Make one effect."""
    counted = ctx.get(Count)
    counted.made.setdefault(ctx.idempotency_key, time.time())
    counted.note(ctx.idempotency_key)
    if counted.pause:
        await asyncio.sleep(counted.pause)


def saga_of(steps: int, *, brief: bool = True, waits: bool = False) -> Saga:
    """A saga of so many steps; asked to, it waits for `GoneOn` behind the first."""
    kind = action(brief=brief)
    parts = [step(kind(count), no_undo="it only counts", as_=f"step_{number}") for number in range(steps)]
    waiting = [wait_for(GoneOn, within=timedelta(hours=4))] if waits else []
    lane = "brief" if brief else "durable"
    return Saga(
        f"bench-{lane}-{steps}", parts[0], *waiting, *parts[1:], starts_on=OrderPlaced, key="order_id", version=1
    )


def stage_of(sagas: Iterable[Saga], counted: Count) -> Stage:
    """What a worker needs for these sagas; they send no messages."""
    courier: Any = NoCourier()
    handlers = Handlers.of(saga.handlers for saga in sagas)
    return Stage(handlers=handlers, courier=courier, ports={Count: counted})


def placed(run: str, number: int) -> Order:
    """An order that nobody refuses."""
    return Order(f"{run}-{number}", "customer", 100, refused=False)
