"""Answers commands until its standard input ends, then prints its ledger as JSON.

`bare` is the least that answers at all: no inbox, no database, no types; it books, replies, acknowledges. `kit` does
the same with the participant kit on a SQLite file: inbox row, stored reply, one transaction for each command.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aio_pika
import uvloop

from benchmarks.orders import Ledger
from benchmarks.responding import READY
from benchmarks.rows import messages
from orchestrator import Rejected
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.participants import ParticipantServer
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.inbox import SqlStore
from orchestrator.messages import reply_of
from orchestrator.participant import Participant
from orchestrator.settings import load_settings
from workers.stopping import leave

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from aio_pika.abc import AbstractIncomingMessage

    from orchestrator.participant import CommandContext
    from orchestrator.settings import Settings

PREFETCH = 50
DONE = {"saga-outcome": "completed"}
REFUSED = {
    "saga-outcome": "rejected",
    "saga-error-code": "rejected",
    "saga-error-reason": "the carrier does not go there",
}


@asynccontextmanager
async def bare(settings: Settings, participant: str, ledger: Ledger) -> AsyncGenerator[None]:
    """The bare responder. It hands every header back, so that either kind of asker finds its own again."""
    names = Names(settings.name_prefix)
    async with await aio_pika.connect(settings.rabbitmq_url.get_secret_value()) as connection:
        channel = await connection.channel()
        await channel.set_qos(PREFETCH)
        replies = await channel.get_exchange(names.replies, ensure=False)

        async def answer(message: AbstractIncomingMessage) -> None:
            order = json.loads(message.body)
            verdict = REFUSED if order.get("refused") else DONE
            effect = (message.type or "").removeprefix("bench.")
            if verdict is DONE:
                ledger.book(order["order_id"], effect)
            body = json.dumps({"reference": f"{effect}-{order['order_id']}"}).encode()
            await replies.publish(_reply(message, body, verdict), routing_key=message.reply_to or "")
            await message.ack()

        queue = await channel.get_queue(names.command_queue(participant), ensure=False)
        await queue.consume(answer)
        yield


def _reply(message: AbstractIncomingMessage, body: bytes, verdict: dict[str, str]) -> aio_pika.Message:
    headers: dict[str, Any] = {
        **message.headers,
        **verdict,
        "ce-specversion": "1.0",
        "ce-id": f"re-{message.message_id}",
        "ce-source": "benchmarks",
        "ce-type": "bench.answered",
        "ce-causationid": message.message_id,
    }
    return aio_pika.Message(
        body,
        headers=headers,
        content_type="application/json",
        correlation_id=message.correlation_id,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


@asynccontextmanager
async def kit(settings: Settings, participant: str, ledger: Ledger) -> AsyncGenerator[None]:
    """The same with the participant kit."""
    served = Participant(participant)
    for model in messages.COMMANDS:
        served.handles(model)(_handler(model, ledger))
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'inbox.db'}")
        store = SqlStore(engine, served.name, served.tables)
        await store.prepare()
        async with ParticipantServer.open(served, store, settings):
            yield
        await engine.dispose()


def _handler(model: type[Any], ledger: Ledger) -> Callable[[Any, CommandContext], Awaitable[Any]]:
    effect, reply = model.message_type.removeprefix("bench."), reply_of(model)

    async def handle(command: Any, _: CommandContext) -> Any:
        if getattr(command, "refused", False):
            raise Rejected("the carrier does not go there")
        ledger.book(command.order_id, effect)
        return reply(reference=f"{effect}-{command.order_id}")

    return handle


async def respond(kind: str, prefix: str, participant: str) -> None:
    """Answer until standard input ends."""
    settings = load_settings().model_copy(update={"name_prefix": prefix})
    ledger = Ledger()
    async with {"bare": bare, "kit": kit}[kind](settings, participant, ledger):
        sys.stdout.write(READY.decode())
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    sys.stdout.write(json.dumps({"repeats": ledger.repeats, "effects": ledger.effects}))


if __name__ == "__main__":
    uvloop.run(respond(*sys.argv[1:]))
    leave(0)
