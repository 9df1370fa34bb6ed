"""Messages of the store's queue, read for the event store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.adapters.rabbitmq.headers import kept
from orchestrator.adapters.rabbitmq.wire import STRUCTURED, from_amqp
from orchestrator.contracts.codecs.table import AS_THEY_CAME, JSON
from orchestrator.service.parked_arrivals import plain
from orchestrator.service.storing import stored_of

if TYPE_CHECKING:
    from aio_pika.abc import AbstractIncomingMessage

    from orchestrator.adapters.rabbitmq.names import Names
    from orchestrator.settings import Settings
    from orchestrator.stored import Kind, StoredMessage


CONTENT_TYPE = "content-type"
"""Under this name a content type other than JSON's own is kept among the headers."""


def read_stored(message: AbstractIncomingMessage, names: Names, settings: Settings, now_ms: int) -> StoredMessage:
    """What the event store keeps of it.

    Raises:
        MessageError: it has no identity, or cannot be read; whoever takes it parks it, with all it has.
    """
    is_structured = (message.content_type or "").lower().startswith(STRUCTURED)
    # A body that is not looked into may have any size: it is not kept, but its message is.
    most = settings.max_body_bytes if is_structured else max(settings.max_body_bytes, len(message.body))
    envelope = from_amqp(message, max_body_bytes=most, codecs=AS_THEY_CAME)
    headers = {plain(name): plain(str(value)) for name, value in kept(message.headers).items()}
    if (message.content_type or "").lower() not in ("", JSON):
        headers[CONTENT_TYPE] = plain(message.content_type or "")
    return stored_of(
        envelope,
        kind=kind_of(message.exchange or "", names),
        place=(message.exchange or "", message.routing_key or ""),
        headers=headers,
        most=min(settings.event_body_bytes, settings.max_body_bytes),
        now_ms=now_ms,
    )


def kind_of(exchange: str, names: Names) -> Kind:
    """What a message is, by where it was published."""
    if exchange == names.commands:
        return "command"
    return "reply" if exchange in (names.replies_sent, names.replies, names.replies_late) else "event"
