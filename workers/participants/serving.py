"""Serves a participant as a process of its own."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from orchestrator.adapters.rabbitmq.participants import Drill, ParticipantServer
from orchestrator.adapters.sql.inbox import open_store
from orchestrator.together import stop
from workers.health import serve_health
from workers.measuring import meter_of, open_measuring
from workers.tracing import open_tracing
from workers.turning import again_and_again

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from orchestrator.messages import Envelope
    from orchestrator.participant import Participant
    from orchestrator.participant.ports import Store
    from orchestrator.settings import Settings

FORGET_EVERY = timedelta(hours=1)
PLAYED_BY = {"silent-inventory": "inventory.reserve", "early-settlement": "payments.charge"}
"""Which command plays what: other participants' commands are never looked into."""


async def serve(participant: Participant, settings: Settings, *, database_url: str, stop: asyncio.Event) -> None:
    """Serve until `stop` is set.

    Args:
        participant: what to serve.
        settings: where the broker is.
        stop: set it to end, with what is in hand finished.
        database_url: where inbox, outbox and books lie.

    Raises:
        TopologyError: the participant's queue does not exist.
        StoreUnavailableError: the database is away.
    """
    async with (
        open_measuring(settings, participant.name) as measuring,
        open_tracing(settings, participant.name) as tracing,
        open_store(database_url, participant) as store,
        ParticipantServer.open(
            participant, store, settings, drill=simulated(), tracing=tracing, meter=meter_of(measuring)
        ) as server,
        serve_health(settings, server.is_healthy, measuring),
        forgetting(store, settings.inbox_keep),
    ):
        if measuring is not None:
            measuring.spans(tracing)
        await stop.wait()


@asynccontextmanager
async def forgetting(store: Store, age: timedelta | None) -> AsyncGenerator[None]:
    """While the block runs, forget commands that have not changed for `age`; None: none of them, ever."""
    if age is None:
        yield
        return
    turn = partial(store.forget_older_than, age)
    task = asyncio.create_task(again_and_again("forgetting old commands", turn, FORGET_EVERY))
    try:
        yield
    finally:
        await stop(task)


def simulated() -> Drill:
    """What an order's `simulate` asks of the participants beside refusals."""
    silenced: set[str] = set()

    def withholds(command: Envelope) -> bool:
        if _asks(command, "silent-inventory") and command.id not in silenced:
            silenced.add(command.id)
            return True
        return False

    return Drill(withholds=withholds, tells_first=lambda command: _asks(command, "early-settlement"))


def _asks(command: Envelope, what: str) -> bool:
    if command.type != PLAYED_BY[what]:
        return False
    body: Any = from_json(command.body)
    return bool(body.get("simulate") == what)
