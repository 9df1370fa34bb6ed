"""The model of the broker, the participants behind it, and the couriers and reply desks of the workers.

Messages are late, come twice, overtake each other, or are lost before they were confirmed; what was confirmed is kept
until somebody has acknowledged it. The participants are the real kit: inbox, handling, patience, store in memory.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from orchestrator.adapters.temporal import given as names
from orchestrator.adapters.temporal.gateway import REPLY_KINDS
from orchestrator.adapters.temporal.given import Report, to_json
from orchestrator.contracts.protocol import Reply, read_reply
from orchestrator.errors import PublishError
from orchestrator.participant.patience import handle_patiently

if TYPE_CHECKING:
    from collections.abc import Generator

    from orchestrator.messages import Envelope
    from orchestrator.testing.simulation.loop import Process
    from orchestrator.testing.simulation.worker import Worker
    from orchestrator.testing.simulation.world import World

REPLY_TTL_S = 10.0


class SimulatedCourier:
    """A worker's way to the broker, and its reply desk."""

    def __init__(self, world: World, worker: Worker) -> None:
        self._world = world
        self._worker = worker
        self._waiting: defaultdict[str, list[asyncio.Future[Reply]]] = defaultdict(list)

    @property
    def reply_to(self) -> str:
        """Name of the worker."""
        return self._worker.process.name

    async def send(self, command: Envelope) -> None:
        """Publish a command."""
        if await self._hand_over():
            self._world.broker.carry(command, self)
            await self._confirmed()

    async def publish(self, event: Envelope) -> None:
        """Publish an event."""
        if await self._hand_over():
            self._world.deeds.tell("publish", event.id)
            await self._confirmed()

    async def park(self, event: Envelope, *, code: str, reason: str) -> None:
        """Park an event."""
        if await self._hand_over():
            self._world.parked.append((event.causation_id or event.id, code))
            await self._confirmed()
        self._world.note("parked", "%s %s", code, reason)

    async def _hand_over(self) -> bool:
        self._world.count("published")
        if self._world.dice.fault("message dropped", 0.02):
            await asyncio.sleep(self._world.dice.between(0.0, 0.3))
            raise PublishError("the message was dropped")
        return True

    async def _confirmed(self) -> None:
        await asyncio.sleep(self._world.dice.between(0.0005, 0.003))
        if self._world.dice.fault("confirm lost", 0.01):
            raise PublishError("it was not confirmed")

    @contextmanager
    def expect(self, command_id: str) -> Generator[asyncio.Future[Reply]]:
        """A future for the reply to a command."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[command_id].append(future)
        try:
            yield future
        finally:
            self._waiting[command_id].remove(future)

    @property
    def process(self) -> Process:
        """The process whose desk this is."""
        return self._worker.process

    def take(self, reply: Reply) -> bool:
        """Hand a reply to those who wait for it here; says whether anybody does."""
        waiting = [future for future in self._waiting[reply.command_id] if not future.done()]
        for future in waiting:
            future.set_result(reply)
        return bool(waiting)


class Broker:
    """Carries commands to the participants and their replies back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._hosts = world.process("participants")
        self._in_hand: dict[int, tuple[Envelope, SimulatedCourier]] = {}
        self._deliveries = 0

    def carry(self, command: Envelope, desk: SimulatedCourier) -> None:
        """Bring a confirmed command to its participant, once or twice, soon or late."""
        self._deliver(command, desk, self._delay())
        if self._world.dice.fault("duplicate", 0.03):
            self._deliver(command, desk, self._world.dice.between(0.0, 3.0))

    def _delay(self) -> float:
        dice = self._world.dice
        if dice.fault("message late", 0.05):
            return dice.between(0.3, 6.0)
        return dice.between(0.0005, 0.004)

    def _deliver(self, command: Envelope, desk: SimulatedCourier, delay: float) -> None:
        self._deliveries += 1
        self._in_hand[self._deliveries] = (command, desk)
        self._hosts.call(self._receive, self._deliveries, delay=delay)

    def restart_participants(self, pause: float) -> None:
        """Kill the participants' process; another takes its place, and gets again what was not acknowledged."""
        self._hosts.kill()
        self._hosts = self._world.process("participants")
        again, self._in_hand = self._in_hand, {}
        for command, desk in again.values():
            self._world.dice.count("redelivered")
            self._deliver(command, desk, pause + self._delay())

    def _receive(self, number: int) -> None:
        if number in self._in_hand:
            self._hosts.spawn(self._handle(number))

    async def _handle(self, number: int) -> None:
        command, desk = self._in_hand[number]
        world = self._world
        world.count("command handled")
        answer = await handle_patiently(world.participant, world.store, command)
        if world.dice.fault("participant stopped after its effect", 0.03):
            self.restart_participants(world.dice.between(0.1, 3.0))
        await asyncio.sleep(0)
        self._in_hand.pop(number, None)
        if not world.dice.fault("reply dropped", 0.02):
            reply = read_reply(answer.reply)
            world.loop.after(self._delay(), self._bring, reply, desk, 0.0)

    def _bring(self, reply: Reply, desk: SimulatedCourier, waited: float) -> None:
        """Put a reply on the desk it is for; after its time, or if that process is dead, to the execution."""
        self._world.count("reply delivered")
        if desk.process.is_running:
            if not desk.take(reply):
                self._answer(reply)
        elif desk.process.is_dead or waited >= REPLY_TTL_S:
            self._world.loop.after(self._delay(), self._answer, reply)
        else:
            self._world.loop.after(0.25, self._bring, reply, desk, waited + 0.25)

    def _answer(self, reply: Reply) -> None:
        """What the gateway does with a late reply."""
        self._world.count("late reply")
        report = Report(
            step=reply.step,
            direction=reply.direction,
            attempt=reply.attempt,
            kind=REPLY_KINDS[reply.outcome],  # type: ignore[arg-type]
            result=_json(reply.body),
            code=reply.code,
            reason=reply.reason,
            retryable=reply.retryable,
        )
        self._world.server.signal(names.REPLY_SIGNAL, to_json(report))


def _json(body: bytes) -> Any:
    from pydantic_core import from_json  # noqa: PLC0415 - one use

    return from_json(body)
