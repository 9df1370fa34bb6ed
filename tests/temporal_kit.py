"""What tests of the Temporal adapter share: a hand-made courier, a few handlers, calls and histories by hand."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from orchestrator import ActionContext, Command, Event, Rejected, Saga, action, command, event, publish, step
from orchestrator.adapters.temporal.given import Call, Request, Thread
from orchestrator.adapters.temporal.performing import Stage
from orchestrator.contracts.protocol import Reply, read_command
from orchestrator.errors import PublishError
from orchestrator.messages import Envelope
from orchestrator.saga.handlers import Handlers
from orchestrator.saga.plan import CallPlan, StepPlan, leaves
from orchestrator.settings import Settings


class Asked(Event, type="asked"):
    key: str
    how: str = ""


class Got(Event, type="got"):
    what: str


class GiveBack(Command["Got"], type="shelf.give-back"):
    key: str


class Take(Command["Got"], type="shelf.take"):
    key: str
    how: str = ""


class Wrapped(Event, type="wrapped"):
    paper: str


class Carved(Event, type="carved"):
    wood: str


class Told(Event, type="told"):
    what: str


@command(to="shelf")
def take(asked: Asked) -> Take:
    return Take(key=asked.key, how=asked.how)


@command(to="shelf")
def give_back(asked: Asked) -> GiveBack:
    return GiveBack(key=asked.key)


@action(brief=True)
async def wrap(asked: Asked, ctx: ActionContext) -> Wrapped:
    match asked.how:
        case "refuse":
            raise Rejected("no paper", code="paper")
        case "refuse for now":
            raise Rejected("no paper yet", retryable=True)
        case "break":
            raise ZeroDivisionError("by nought")
        case "hang":
            await asyncio.sleep(60)
    return Wrapped(paper=f"for {ctx.idempotency_key}")


@action(brief=True)
async def unwrap(asked: Asked, ctx: ActionContext) -> None:
    assert ctx.undoes


@event
def tell(got: Got) -> Told:
    return Told(what=got.what)


@action
async def carve(asked: Asked, ctx: ActionContext) -> Carved:
    ctx.heartbeat()
    if asked.how == "hang":
        await asyncio.sleep(60)
    return Carved(wood="oak")


saga = Saga(
    "fetch",
    step(take, undo=give_back),
    step(wrap, undo=unwrap),
    step(carve, no_undo="a shaving"),
    publish(tell),
    starts_on=Asked,
    key="key",
    version=1,
)
THREAD = Thread(correlation_id="thread", causation_id="m1", traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
STEPS = {leaf.id: leaf for leaf in leaves(saga.plan.root) if isinstance(leaf, StepPlan)}


def call(step_id: str, direction: Literal["do", "undo"] = "do", *, how: str = "", **changes: Any) -> Call:
    """A call of the saga above."""
    found = STEPS[step_id]
    plan = found.do if direction == "do" else found.undo
    assert isinstance(plan, CallPlan)
    given: dict[str, Any] = {
        "step": step_id,
        "direction": direction,
        "attempt": 1,
        "call": plan,
        "key": f"fetch:1:{step_id}:{direction}:1",
        "undoes": "" if direction == "do" else f"fetch:1:{step_id}:do:1",
        "facts": {"asked": {"key": "1", "how": how}},
        "gives": found.do.gives if direction == "do" else None,
    }
    return Call(**{**given, **changes})


def request(*calls: Call, budget_ms: int = 1_000) -> Request:
    return Request(execution_id="fetch:1", thread=THREAD, calls=list(calls), budget_ms=budget_ms)


def reply_to(
    command: Envelope, outcome: Literal["completed", "rejected", "failed"] = "completed", **more: Any
) -> Reply:
    """What a participant would answer."""
    headers = read_command(command)
    return Reply(
        execution=headers.execution,
        workflow=headers.workflow,
        step=headers.step,
        direction=headers.direction,
        attempt=headers.attempt,
        command_id=command.id,
        outcome=outcome,
        **{"body": b'{"what": "tea"}', **more},
    )


@dataclass
class FakeCourier:
    """Keeps what it gets; `answers` makes the reply to a command, None = nobody answers. `broken`: nothing is sent."""

    answers: Callable[[Envelope], Reply | None] = reply_to
    broken: bool = False
    sent: list[Envelope] = field(default_factory=list[Envelope])
    published: list[Envelope] = field(default_factory=list[Envelope])
    parked: list[tuple[Envelope, str, str]] = field(default_factory=list[tuple[Envelope, str, str]])
    waiting: defaultdict[str, list[asyncio.Future[Reply]]] = field(default_factory=lambda: defaultdict(list))

    @property
    def reply_to(self) -> str:
        return "me"

    async def send(self, command: Envelope) -> None:
        self._refuse_if_broken()
        self.sent.append(command)
        answer = self.answers(command)
        if answer is not None:
            for future in self.waiting[command.id]:
                future.set_result(answer)

    async def publish(self, event: Envelope) -> None:
        self._refuse_if_broken()
        self.published.append(event)

    async def park(self, event: Envelope, *, code: str, reason: str) -> None:
        self._refuse_if_broken()
        self.parked.append((event, code, reason))

    @contextmanager
    def expect(self, command_id: str) -> Generator[asyncio.Future[Reply]]:
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.waiting[command_id].append(future)
        try:
            yield future
        finally:
            self.waiting[command_id].remove(future)

    def _refuse_if_broken(self) -> None:
        if self.broken:
            raise PublishError("the broker is away")


def settings(**changes: Any) -> Settings:
    return Settings(**changes)


def stage(courier: FakeCourier | None = None) -> Stage:
    return Stage(handlers=Handlers.of([saga.handlers]), courier=courier or FakeCourier())
