"""Which message types travel otherwise than as JSON. A table by type for what is sent, by content type for what comes.

Inside this program a body is always JSON: it is encoded when it is put on the wire, and decoded when it is taken off.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from orchestrator.contracts.codecs.avro import AvroCodec
from orchestrator.contracts.codecs.protobuf import ProtobufCodec
from orchestrator.contracts.foreign import NO_FOREIGN, Foreign
from orchestrator.errors import MessageTooLargeError, UncarriableError, WrongContentTypeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from orchestrator.contracts.contract import Schema
    from orchestrator.messages import Envelope, Message

log = logging.getLogger(__name__)

JSON = "application/json"
JSON_TYPES = frozenset({"", JSON, "text/json", "text/plain", "application/octet-stream"})
"""Content types under which JSON comes; client libraries write the last two when nobody has said anything."""
NAMES = MappingProxyType(
    {
        "application/avro": "avro",
        "application/vnd.apache.avro+binary": "avro",
        "application/x-avro-binary": "avro",
        "avro/binary": "avro",
        "application/protobuf": "protobuf",
        "application/x-protobuf": "protobuf",
        "application/vnd.google.protobuf": "protobuf",
    }
)
"""Content type -> codec. The first of each is the one that is sent."""


def is_json(content_type: str) -> bool:
    """Whether a body of this content type is JSON, or says nothing and so is taken for it."""
    plain = _plain(content_type)
    return plain in JSON_TYPES or plain.endswith("+json")


def _plain(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


class Codec(Protocol):
    """How the bodies of one message type travel."""

    content_type: str

    def encode(self, body: bytes) -> bytes:
        """A JSON body as it travels; `UncarriableError` if it has a value that does not fit."""
        ...

    def decode(self, body: bytes) -> bytes:
        """A body that came as JSON; `MalformedMessageError` if it is none."""
        ...


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    codec: Codec
    version: int


class Codecs:
    """The codecs of some message types; those that travel as JSON may be among them. Immutable.

    Args:
        models: the classes of the types.
        known: further Avro schemas by message type, by which bodies may be written that come.
        foreign: who is sent another envelope than ours.

    Raises:
        MissingExtraError: a library is missing that one of them needs.
        UncarriableError: one of them has something that its codec cannot carry.
    """

    def __init__(
        self,
        models: Iterable[type[Message]] = (),
        known: Mapping[str, Sequence[Schema]] = MappingProxyType({}),
        foreign: Foreign = NO_FOREIGN,
    ) -> None:
        self.foreign = foreign
        entries: dict[str, _Entry] = {}
        for model in models:
            codec: Codec
            match model.message_codec:
                case "avro":
                    codec = AvroCodec(model, known.get(model.message_type, ()))
                case "protobuf":
                    codec = ProtobufCodec(model)
                case _:
                    continue
            entries[model.message_type] = _Entry(model.message_codec, codec, model.message_versions.newest)
        self._entries = MappingProxyType(entries)

    def unread(self) -> Codecs:
        """The same for whoever asks of what type a message is, and does not look into its body: takes all of them."""
        return _AsTheyCame(foreign=self.foreign.taking_all())

    def written(self, envelope: Envelope) -> tuple[bytes, str]:
        """Body and content type of a message that is sent.

        A body of an older version, as a reply that was stored, goes as JSON, and so does one with a value that does not
        fit its codec: JSON is taken for every type.
        """
        found = self._entries.get(envelope.type)
        if found is None or found.version != envelope.version:
            return envelope.body, JSON
        try:
            return found.codec.encode(envelope.body), found.codec.content_type
        except UncarriableError as error:
            log.warning("%s %s is sent as JSON: %s", envelope.type, envelope.id, error)
            return envelope.body, JSON

    def read(self, message_type: str, content_type: str, body: bytes, *, limit: int) -> bytes:
        """The body as JSON; `limit`: how long it may be, bytes.

        Raises:
            WrongContentTypeError: it is neither JSON nor what its type is declared to travel as.
            MalformedMessageError: it is not what its content type says.
            MessageTooLargeError: it is too long as JSON.
        """
        if is_json(content_type):
            return body
        plain = _plain(content_type)
        found = self._entries.get(message_type)
        if found is None or NAMES.get(plain) != found.name:
            wanted = found.codec.content_type if found else ""
            raise WrongContentTypeError(message_type=message_type, content_type=plain, wanted=wanted)
        decoded = found.codec.decode(body)
        if len(decoded) > limit:
            raise MessageTooLargeError(size=len(decoded), limit=limit, what="the body, written as JSON,")
        return decoded


class _AsTheyCame(Codecs):
    """Takes every body as it came, whatever its content type."""

    def read(self, message_type: str, content_type: str, body: bytes, *, limit: int) -> bytes:
        """The body itself."""
        del message_type, content_type, limit
        return body


JSON_ONLY = Codecs()
"""For whoever has JSON messages only."""
AS_THEY_CAME = JSON_ONLY.unread()
"""For whoever keeps messages without knowing their types; those of other envelopes have the names they have there."""
