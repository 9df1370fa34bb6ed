"""Messages of the event store on the wire once more. Implements `service.resending.Resender`.

Headers and body are as they were kept; new are the id and the headers that say so. Headers that were no text are text.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aio_pika import DeliveryMode, Message

from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.rabbitmq.stored import CONTENT_TYPE
from orchestrator.adapters.rabbitmq.wire import ACCEPTED_PREFIXES, PREFIX, SPEC_VERSION, STRUCTURED
from orchestrator.contracts.codecs.table import JSON
from orchestrator.contracts.decoding import decode
from orchestrator.contracts.protocol import PARTICIPANTS, REACHES, REPLAY_OF
from orchestrator.errors import MalformedMessageError, PublishError
from orchestrator.service.records import moment

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from typing import Self

    from orchestrator.settings import Settings
    from orchestrator.stored import StoredMessage

ELSEWHERE = "published to another exchange than that of events"
FOREIGN = "the envelope that it came in was not kept"


class RabbitResender:
    """Sends by a publisher of its own; without one it only says what could be sent."""

    def __init__(self, publisher: Publisher | None, names: Names) -> None:
        self._publisher = publisher
        self._names = names

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncGenerator[Self]:
        """One on a connection of its own.

        Raises:
            BrokerUnavailableError: the broker cannot be reached.
        """
        async with Publisher.open(settings, purpose="replay") as publisher:
            yield cls(publisher, Names(settings.name_prefix))

    def why_not(self, message: StoredMessage) -> str:
        """Only what went to the exchange of events goes there again, with the ids where they can be replaced."""
        if message.exchange != self._names.events:
            return ELSEWHERE
        return "" if _id_headers(message) or _was_structured(message) else FOREIGN

    async def send(self, message: StoredMessage, message_id: str, *, reaches: bool) -> None:
        """Publish it by its own routing key."""
        if self._publisher is None:
            raise PublishError("nothing is sent from here: it was opened to look alone")
        again = once_more(message, message_id, reaches=reaches)
        await self._publisher.send(again, exchange=self._names.events, routing_key=message.routing_key)


def once_more(message: StoredMessage, message_id: str, *, reaches: bool) -> Message:
    """The message with another id. One that came in structured mode goes in binary mode: its body is the data alone."""
    kept = dict(message.headers or {})
    content_type = kept.pop(CONTENT_TYPE, JSON)
    if _was_structured(message):
        kept |= _attributes(message)
        content_type = JSON
    kept |= dict.fromkeys(_id_headers(message) or (f"{PREFIX}id",), message_id)
    if not _named(kept, "time"):
        # Without a time it would be taken for new: an execution that everybody has forgotten would start once more.
        kept[f"{PREFIX}time"] = moment(message.at_ms).isoformat()
    kept[REPLAY_OF] = message.message_id
    kept.pop(REACHES, None)
    if reaches:
        kept[REACHES] = PARTICIPANTS
    headers: dict[str, Any] = dict(kept)
    return Message(
        message.body or b"",
        headers=headers,
        content_type=content_type,
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=message_id,
        type=message.type,
        timestamp=moment(message.at_ms),
    )


def _id_headers(message: StoredMessage) -> tuple[str, ...]:
    """Under which names it carries its id."""
    return _named(message.headers or {}, "id")


def _named(headers: Mapping[str, str], attribute: str) -> tuple[str, ...]:
    known = {f"{prefix}{attribute}" for prefix in ACCEPTED_PREFIXES}
    return tuple(name for name in headers if name.lower() in known)


def _was_structured(message: StoredMessage) -> bool:
    """Whether the ids were in the body, and the data is JSON, so that its content type is known."""
    if not (message.headers or {}).get(CONTENT_TYPE, "").lower().startswith(STRUCTURED):
        return False
    try:
        decode(message.body or b"")
    except MalformedMessageError:
        return False
    return True


def _attributes(message: StoredMessage) -> dict[str, str]:
    """As binary mode has them."""
    given = {
        "specversion": SPEC_VERSION,
        "source": message.source,
        "type": message.type,
        "time": moment(message.at_ms).isoformat(),
        "correlationid": message.correlation_id,
        "causationid": message.causation_id,
        "sequence": message.sequence,
        "dataversion": str(message.version) if message.version != 1 else "",
    }
    return {f"{PREFIX}{name}": value for name, value in given.items() if value}
