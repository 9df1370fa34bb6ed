"""The retry ladder: a message that cannot be handled yet rests in a queue with a delay, then comes home.

The ladder keeps its own account in `saga-relay-...` headers: how often, since when, from where. Only messages that come
out of the ladder are believed about it, so nobody outside can shorten or stretch their patience.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from aio_pika import DeliveryMode, Message

from orchestrator.adapters.rabbitmq.headers import RELAY, kept
from orchestrator.adapters.rabbitmq.names import RETRY_STEPS, Names, RetryStep

if TYPE_CHECKING:
    from aio_pika.abc import AbstractIncomingMessage

    from orchestrator.adapters.rabbitmq.publisher import Publisher

RETRIES = f"{RELAY}retries"
SINCE = f"{RELAY}since"
EXCHANGE = f"{RELAY}exchange"
ROUTING_KEY = f"{RELAY}key"
SETTLED = f"{RELAY}settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """What the ladder knows of a message.

    Attributes:
        retries: how often it went through the ladder.
        since: when it was first put off.
        exchange, routing_key: how it was first published.
        settled: ids of executions that have taken it already and must not be told again.
    """

    retries: int
    since: datetime
    exchange: str
    routing_key: str
    settled: tuple[str, ...] = ()

    def waited(self, now: datetime) -> timedelta:
        """How long it has been put off."""
        return now - self.since

    def to_headers(self) -> dict[str, str]:
        """As text headers."""
        return {
            RETRIES: str(self.retries),
            SINCE: self.since.isoformat(),
            EXCHANGE: self.exchange,
            ROUTING_KEY: self.routing_key,
            SETTLED: json.dumps(self.settled),
        }


def read_trail(message: AbstractIncomingMessage, names: Names, now: datetime) -> Trail:
    """What the ladder knows of `message`; a fresh trail unless it comes out of the ladder."""
    fresh = Trail(retries=0, since=now, exchange=message.exchange or "", routing_key=message.routing_key or "")
    if message.exchange != names.retry_back:
        return fresh
    headers: dict[str, Any] = dict(message.headers)
    try:
        return Trail(
            retries=int(str(headers[RETRIES])),
            since=datetime.fromisoformat(str(headers[SINCE])),
            exchange=str(headers[EXCHANGE]),
            routing_key=str(headers[ROUTING_KEY]),
            settled=tuple(str(name) for name in json.loads(str(headers[SETTLED]))),
        )
    except (KeyError, ValueError, TypeError):
        return fresh


def next_step(trail: Trail, *, now: datetime, patience: timedelta | None) -> RetryStep | None:
    """The rung for the next trip, None when patience has run out; `patience` None never does.

    Rungs grow with each trip. The last ones are chosen so that the message comes home when its patience ends, at most
    one shortest rung later.
    """
    wanted = min(trail.retries, len(RETRY_STEPS) - 1)
    if patience is None:
        return RETRY_STEPS[wanted]
    left = patience - trail.waited(now)
    if left <= timedelta(0):
        return None
    fitting = [step for step in RETRY_STEPS[: wanted + 1] if step.delay <= left]
    return fitting[-1] if fitting else RETRY_STEPS[0]


class RetryStrategy(Protocol):
    """How a message is put off. A port, since brokers from 4.3 on can delay by themselves."""

    async def put_off(
        self, message: AbstractIncomingMessage, *, queue: str, step: RetryStep, settled: tuple[str, ...] = ()
    ) -> None:
        """Store a copy that comes back to `queue` after `step`. The original is not settled.

        Raises:
            PublishError: it may not be stored; keep the original.
        """
        ...


class Ladder:
    """Puts messages off by publishing them into the ladder, with confirm; the caller acknowledges afterwards.

    A crash between the two makes a second copy: whoever handles it recognises its id.
    """

    def __init__(self, publisher: Publisher, names: Names) -> None:
        self._publisher = publisher
        self._names = names

    async def put_off(
        self, message: AbstractIncomingMessage, *, queue: str, step: RetryStep, settled: tuple[str, ...] = ()
    ) -> None:
        """See `RetryStrategy`."""
        trail = read_trail(message, self._names, datetime.now(UTC))
        trail = replace(trail, retries=trail.retries + 1, settled=(*trail.settled, *settled))
        copy = copy_of(message, trail.to_headers())
        await self._publisher.send(copy, exchange=self._names.retry, routing_key=f"{step.name}.{queue}")


def copy_of(message: AbstractIncomingMessage, added: dict[str, str]) -> Message:
    """A copy to send on: same bytes, properties and headers, with `added`.

    Left behind are a time to live, which would drop it where it rests, and the user, whom the broker compares to ours.
    """
    return Message(
        message.body,
        headers={**kept(message.headers), **added},
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        delivery_mode=DeliveryMode.PERSISTENT,
        correlation_id=message.correlation_id,
        reply_to=message.reply_to,
        message_id=message.message_id,
        timestamp=message.timestamp,
        type=message.type,
        app_id=message.app_id,
    )
