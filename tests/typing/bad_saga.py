"""Mistakes that type checkers find before anything runs. Each marked line is an error, and no other is."""

from datetime import timedelta

from orchestrator import (
    ActionContext,
    Command,
    Event,
    Retry,
    Saga,
    action,
    command,
    event,
    pivot,
    publish,
    step,
    wait_for,
)


class Placed(Event, type="placed"):
    order_id: str


class Reserved(Event, type="reserved"):
    order_id: str


class Reserve(Command["Reserved"], type="reserve"):
    order_id: str


class Port:
    name: str = ""


@command(to="stock")
def reserve(placed: Placed) -> Reserve:
    return Reserve(order_id=placed.order_id)


@event
def told(placed: Placed) -> Reserved:
    return Reserved(order_id=placed.order_id)


@action
async def work(placed: Placed, ctx: ActionContext) -> Reserved:
    name: int = ctx.get(Port).name  # error
    return Reserved(order_id=f"{placed.order_id}{name}")


def undeclared(placed: Placed) -> Reserve:
    return Reserve(order_id=placed.order_id)


@command(to="stock")  # error
def builds_an_event(placed: Placed) -> Reserved:
    return Reserved(order_id=placed.order_id)


@event  # error
def builds_a_command(placed: Placed) -> Reserve:
    return Reserve(order_id=placed.order_id)


@action  # error
def no_coroutine(placed: Placed) -> Reserved:
    return Reserved(order_id=placed.order_id)


@command  # error
def without_a_participant(placed: Placed) -> Reserve:
    return Reserve(order_id=placed.order_id)


MINUTE = timedelta(minutes=1)
PLACED = Placed(order_id=1)  # error

step(told)  # error
step(undeclared)  # error
step(reserve, undo=told)  # error
step(reserve, within=30)  # error
step(reserve, retry=5)  # error
step(reserve, undo=reserve, when=True)  # error
pivot(reserve, undo=reserve)  # error
pivot(told)  # error
publish(reserve)  # error
publish(told, undo=told)  # error
wait_for(PLACED, within=MINUTE)  # error
wait_for(Placed, within=MINUTE, on_timeout="explode")  # error
Retry(5)  # error
reserve("A17")  # error
reserve(told=PLACED)  # error
Saga("s", reserve, starts_on=Placed, key="order_id", version=1)  # error
Saga("s", step(reserve), starts_on=Placed, key="order_id")  # error
Saga("s", step(reserve), starts_on=Reserve, key="order_id", version=1)  # error
Saga("s", step(reserve), starts_on=Placed, key="order_id", version=1).version = 2  # error
