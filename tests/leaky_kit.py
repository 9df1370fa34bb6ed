"""A saga whose author lets out what they should not: its handlers fail with a customer's secret in their errors."""

from __future__ import annotations

import asyncio
import gc

from orchestrator import Command, Event, Retry, Saga, action, command, step
from orchestrator.participant import CommandContext, Participant


class LeakAsked(Event, type="leak.asked"):
    key: str
    secret: str
    where: str


class Kept(Event, type="leak.kept"):
    secret: str


class Told(Event, type="leak.told"):
    secret: str


class Tell(Command["Told"], type="leak.tell"):
    secret: str
    where: str


class Untell(Command["Told"], type="leak.untell"):
    secret: str


class LeakFault(Exception):  # noqa: N818 - a fault of an author, not an error of ours
    pass


leaky = Participant("leaky")


@leaky.handles(Tell)
async def on_tell(given: Tell, ctx: CommandContext) -> Told:
    if given.where == "participant":
        raise LeakFault(f"cannot tell {given.secret}")
    return Told(secret=given.secret)


@leaky.handles(Untell)
async def on_untell(given: Untell, ctx: CommandContext) -> Told:
    return Told(secret=given.secret)


@action(brief=True)
async def keep(leak_asked: LeakAsked) -> Kept:
    return Kept(secret=leak_asked.secret)


@action(brief=True)
async def forget(leak_asked: LeakAsked) -> None:
    if leak_asked.where == "undo":
        raise LeakFault(f"cannot forget {leak_asked.secret}")


@command(to="leaky")
def tell(leak_asked: LeakAsked) -> Tell:
    return Tell(secret=leak_asked.secret, where=leak_asked.where)


@command(to="leaky")
def untell(leak_asked: LeakAsked) -> Untell:
    return Untell(secret=leak_asked.secret)


async def fail(secret: str) -> None:
    raise LeakFault(f"nobody waits for {secret}")


@action
async def shout(leak_asked: LeakAsked) -> None:
    if leak_asked.where != "nowhere":
        asyncio.create_task(fail(leak_asked.secret))  # noqa: RUF006 - a task that nobody keeps or looks at
        await asyncio.sleep(0)
        gc.collect()
        raise LeakFault(f"cannot shout {leak_asked.secret}")


ONCE = Retry(attempts=1)
LEAKY = (
    Saga(
        "leak",
        step(keep, undo=forget, retry=ONCE, undo_retry=ONCE),
        step(tell, undo=untell, retry=ONCE),
        step(shout, no_undo="nobody heard it", retry=ONCE),
        starts_on=LeakAsked,
        key="key",
        version=1,
    ),
)
