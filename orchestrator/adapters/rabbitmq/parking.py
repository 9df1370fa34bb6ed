"""Parking: where a message goes that cannot be handled. A person finds it there with the reason, as it came."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.adapters.rabbitmq.headers import PARKED
from orchestrator.adapters.rabbitmq.ladder import copy_of, read_trail

if TYPE_CHECKING:
    from aio_pika.abc import AbstractIncomingMessage

    from orchestrator.adapters.rabbitmq.names import Names
    from orchestrator.adapters.rabbitmq.publisher import Publisher

REASON = f"{PARKED}reason"
TEXT = f"{PARKED}text"
EXCHANGE = f"{PARKED}exchange"
ROUTING_KEY = f"{PARKED}key"
QUEUE = f"{PARKED}queue"
TIME = f"{PARKED}at"
RETRIES = f"{PARKED}retries"
CANDIDATES = f"{PARKED}candidates"
MAX_TEXT = 1_000
"""Longest text, characters."""
MAX_CANDIDATES = 10
"""How many executions are named for which a message might have been meant."""


@dataclass(frozen=True, slots=True)
class Why:
    """Why a message is parked.

    Attributes:
        reason: a stable word for programs, as `wrong-schema`.
        text: for people; says what is wrong and what to do.
        candidates: ids of executions for which it might have been meant.
    """

    reason: str
    text: str
    candidates: tuple[str, ...] = ()


class Parking:
    """Parks messages by publishing them, with confirm; the caller acknowledges afterwards."""

    def __init__(self, publisher: Publisher, names: Names) -> None:
        self._publisher = publisher
        self._names = names

    async def park(self, message: AbstractIncomingMessage, *, queue: str, why: Why) -> None:
        """Store a copy in parking: same bytes, headers as they came (bombs trimmed), and `saga-parked-...` ones.

        Args:
            message: what is parked.
            queue: the queue it came from.
            why: what a person reads.

        Raises:
            PublishError: it may not be stored; keep the original.
        """
        now = datetime.now(UTC)
        trail = read_trail(message, self._names, now)
        added = {
            REASON: why.reason,
            TEXT: why.text[:MAX_TEXT],
            EXCHANGE: trail.exchange,
            ROUTING_KEY: trail.routing_key,
            QUEUE: queue,
            TIME: now.isoformat(),
            RETRIES: str(trail.retries),
        }
        if why.candidates:
            added[CANDIDATES] = json.dumps(why.candidates[:MAX_CANDIDATES])
        await self._publisher.send(copy_of(message, added), exchange=self._names.dead_letters, routing_key=queue)
