"""Messages of the parking queue: read for the ledger, and sent back to where they came from.

A message goes back into the queue that it came from, past the exchange: others who had the same event got it then.
Only one that no queue had wanted, or that a queue of a stranger gave up, is published anew as it was first.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from aio_pika import DeliveryMode, Message

from orchestrator.adapters.rabbitmq import parking
from orchestrator.adapters.rabbitmq.headers import PARKED, RELAY, kept
from orchestrator.adapters.rabbitmq.ladder import SETTLED, Trail
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.rabbitmq.tagged import tagged, untagged
from orchestrator.adapters.rabbitmq.wire import STRUCTURED, binary, structured, version_of
from orchestrator.contracts.protocol import EXECUTION
from orchestrator.errors import MalformedMessageError, MessageError, UnroutableError
from orchestrator.service.parked_records import Attributes, Content, Origin, ParkedCopy
from orchestrator.service.records import milliseconds

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from typing import Self

    from aio_pika.abc import AbstractIncomingMessage

    from orchestrator.settings import Settings

REDRIVEN = f"{PARKED}id"
"""Header of a redriven message: the id of its row. It goes no further than to whoever takes the message."""
PROPERTIES = ("content_type", "content_encoding", "correlation_id", "reply_to", "message_id", "type", "app_id")
UNEXPLAINED = "unexplained"
GIVEN_UP = {
    "delivery_limit": "delivery-limit",
    "rejected": "rejected",
    "expired": "expired",
    "maxlen": "queue-full",
}
"""Reasons for which a broker gives a message up, and our words for them."""
CRASHES = "it was handed over again and again without being settled: does it crash whoever takes it?"


def read_parked(message: AbstractIncomingMessage, names: Names) -> ParkedCopy:
    """What a message of the parking queue is, and why it is there. Takes whatever stands there."""
    headers = dict(message.headers)
    content = _content(message, headers)
    death = _death(headers)
    # What the broker itself wrote comes last: our own parking drops it.
    reason, text, origin, at_ms = _dead(death, message) if death else _parked(headers, message)
    return ParkedCopy(
        content=content,
        attributes=attributes_of(content),
        origin=origin,
        home=names.ingress if origin.queue == names.unrouted_queue else origin.queue,
        reason=reason,
        text=text,
        at_ms=at_ms,
        candidates=() if death else _candidates(headers),
    )


def attributes_of(content: Content) -> Attributes:
    """What a message says of itself, as far as it can be read."""
    try:
        is_structured = content.properties.get("content_type", "").lower().startswith(STRUCTURED)
        said = structured(content.body)[0] if is_structured else binary(untagged(content.headers))
    except MessageError:
        said = {}
    execution = content.headers.get(EXECUTION, "")
    return Attributes(
        id=said.get("id", ""),
        source=said.get("source", ""),
        type=said.get("type", ""),
        correlation_id=said.get("correlationid", ""),
        execution=execution if isinstance(execution, str) else "",
        version=_version(said.get("dataversion", "")),
    )


def _version(text: str) -> int:
    try:
        return version_of(text)
    except MessageError:
        return 0


def data_of(content: Content) -> bytes:
    """The JSON that the contract of its type is about.

    Raises:
        MalformedMessageError: it says that it is a CloudEvent in structured mode, and is none.
    """
    is_structured = content.properties.get("content_type", "").lower().startswith(STRUCTURED)
    return structured(content.body)[1] if is_structured else content.body


class RabbitRedriver:
    """Sends parked messages back. Implements `service.parked_ports.Redriver`."""

    def __init__(self, publisher: Publisher, names: Names) -> None:
        self._publisher = publisher
        self._names = names

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, *, purpose: str = "redriver") -> AsyncGenerator[Self]:
        """One on a connection of its own.

        Raises:
            BrokerUnavailableError: the broker cannot be reached.
        """
        async with Publisher.open(settings, purpose=purpose) as publisher:
            yield cls(publisher, Names(settings.name_prefix))

    async def send(self, message: str, content: Content, origin: Origin) -> None:
        """Publish it, persistent and with its own ids, and return when the broker has it."""
        exchange, key = way_back(origin, self._names)
        if not exchange:
            raise UnroutableError(exchange=origin.queue or "an unknown queue", routing_key=key)
        sent = to_send(message, content, origin, datetime.now(UTC))
        try:
            await self._publisher.send(sent, exchange=exchange, routing_key=key)
        except (TypeError, ValueError) as error:
            raise MalformedMessageError(f"it cannot be written for the broker: {error}") from error


def way_back(origin: Origin, names: Names) -> tuple[str, str]:
    """Exchange and routing key by which a message gets to where it came from; the exchange is empty if none does."""
    work = (names.ingress, names.replies)
    if origin.queue in work or origin.queue.startswith(names.command_queue("")):
        # Each of them is bound to this exchange by its name, whatever word comes before.
        return names.retry_back, f"redriven.{origin.queue}"
    return origin.exchange, origin.routing_key


def to_send(message: str, content: Content, origin: Origin, now: datetime) -> Message:
    """The message on its way back. Its patience begins anew; executions that have taken it are not told again."""
    headers = {name: value for name, value in untagged(content.headers).items() if not name.startswith(RELAY)}
    trail = Trail(retries=0, since=now, exchange=origin.exchange, routing_key=origin.routing_key)
    trail = replace(trail, settled=_settled(content.headers))
    properties: dict[str, Any] = {name: content.properties.get(name) for name in PROPERTIES}
    timestamp = content.properties.get("timestamp")
    return Message(
        content.body,
        headers=cast("dict[str, Any]", {**kept(headers), **trail.to_headers(), REDRIVEN: message}),
        delivery_mode=DeliveryMode.PERSISTENT,
        timestamp=datetime.fromisoformat(timestamp) if timestamp else None,
        **properties,
    )


def _settled(headers: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        return tuple(str(name) for name in json.loads(str(headers[SETTLED])))
    except (KeyError, ValueError, TypeError):
        return ()


def _content(message: AbstractIncomingMessage, headers: dict[str, Any]) -> Content:
    properties = {name: str(value) for name in PROPERTIES if (value := getattr(message, name, None))}
    if message.timestamp:
        properties["timestamp"] = message.timestamp.isoformat()
    travelling = {name: value for name, value in kept(headers).items() if not name.startswith(PARKED)}
    return Content(body=message.body, headers=tagged(travelling), properties=properties)


def _parked(headers: dict[str, Any], message: AbstractIncomingMessage) -> tuple[str, str, Origin, int]:
    """By our own parking; or by a stranger, who says nothing."""
    said = {name: str(headers.get(name, "")) for name in (parking.REASON, parking.TEXT, parking.TIME)}
    origin = Origin(*(str(headers.get(name, "")) for name in (parking.QUEUE, parking.EXCHANGE, parking.ROUTING_KEY)))
    if not said[parking.REASON]:
        return UNEXPLAINED, "whoever put it here did not say why", origin, _sent_ms(message)
    try:
        at_ms = milliseconds(datetime.fromisoformat(said[parking.TIME]))
    except ValueError:
        at_ms = _sent_ms(message)
    return said[parking.REASON], said[parking.TEXT], origin, at_ms


def _death(headers: Mapping[str, Any]) -> dict[str, Any] | None:
    """The last time that the broker gave it up."""
    deaths = headers.get("x-death")
    if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict):
        return cast("dict[str, Any]", deaths[0])
    return None


def _dead(death: dict[str, Any], message: AbstractIncomingMessage) -> tuple[str, str, Origin, int]:
    word, queue = str(death.get("reason", "")), str(death.get("queue", ""))
    key = next((str(one) for one in cast("list[Any]", death.get("routing-keys") or [])), "")
    at = death.get("time")
    at_ms = milliseconds(at) if isinstance(at, datetime) else _sent_ms(message)
    reason = GIVEN_UP.get(word, UNEXPLAINED)
    why = CRASHES if word == "delivery_limit" else f"the broker gave it up: {word or 'without a word'}"
    return reason, f"{queue}: {why}", Origin(queue, str(death.get("exchange", "")), key), at_ms


def _sent_ms(message: AbstractIncomingMessage) -> int:
    return milliseconds(message.timestamp) if message.timestamp else 0


def _candidates(headers: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        return tuple(str(name) for name in json.loads(str(headers[parking.CANDIDATES])))
    except (KeyError, ValueError, TypeError):
        return ()
