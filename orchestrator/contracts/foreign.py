"""Envelopes of MassTransit and NServiceBus, in and out: one table says where each attribute of ours stands in theirs.

What comes is known by itself, by MassTransit's content type or NServiceBus's header; which of them a participant is
sent, and how they call our message types, is a setting. By their documentation: neither was tried itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, cast
from uuid import UUID

from pydantic_core import from_json, to_json

from orchestrator.contracts.decoding import children, decode
from orchestrator.contracts.protocol import CODE, MAX_REASON, OUTCOME, REASON, RETRYABLE
from orchestrator.errors import MalformedMessageError
from orchestrator.messages import short_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.messages import Envelope

Style: TypeAlias = Literal["masstransit", "nservicebus"]
MASSTRANSIT = "application/vnd.masstransit+json"
"""Content type of MassTransit's envelope, by which it is known."""
ENCLOSED = "NServiceBus.EnclosedMessageTypes"
"""Header by which a message of NServiceBus is known."""
FAULT = "urn:message:MassTransit:Fault"
TIME = "%Y-%m-%d %H:%M:%S:%f Z"
"""NServiceBus's own way to write a time, UTC."""
OURS = "saga-"
HEX = re.compile(r"[0-9a-f]{32}")


class Row(NamedTuple):
    """Where one attribute stands: a field of MassTransit's envelope, a header of NServiceBus."""

    ours: str
    masstransit: str
    nservicebus: str


MAPPING = (
    Row("id", "messageId", "NServiceBus.MessageId"),
    Row("source", "sourceAddress", "NServiceBus.OriginatingEndpoint"),
    Row("type", "messageType", ENCLOSED),
    Row("time", "sentTime", "NServiceBus.TimeSent"),
    Row("correlationid", "conversationId", "NServiceBus.ConversationId"),
    Row("causationid", "initiatorId", "NServiceBus.RelatedTo"),
    # What pairs a reply with its command, which is also what caused it.
    Row("pairs", "requestId", "NServiceBus.CorrelationId"),
    Row("reply_to", "responseAddress", "NServiceBus.ReplyToAddress"),
)
GUIDS = frozenset({"id", "correlationid", "causationid", "pairs"})
"""MassTransit takes nothing but GUIDs for these."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that came in another envelope. `headers`: those of ours that it carries inside."""

    attributes: dict[str, str]
    body: bytes
    headers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Made:
    """A message as it goes out in another envelope."""

    body: bytes
    content_type: str
    headers: dict[str, str]


class Foreign:
    """Who is sent which envelope, and what types are called there. Immutable.

    Args:
        names: our message type -> full name of the .NET class, as `Shop.Payments.ChargePayment`.
        styles: command type -> the envelope its participant is sent.
        replies: exchange that takes replies of such participants.
        takes_all: a type that has no name here keeps the one it has there.
    """

    def __init__(
        self,
        names: Mapping[str, str] = MappingProxyType({}),
        styles: Mapping[str, Style] = MappingProxyType({}),
        replies: str = "",
        *,
        takes_all: bool = False,
    ) -> None:
        self._takes_all = takes_all
        self.styles: Mapping[str, Style] = MappingProxyType(dict(styles))
        self._names = MappingProxyType(dict(names))
        self._ours = MappingProxyType({name: ours for ours, name in names.items()})
        self._replies = replies

    def taking_all(self) -> Foreign:
        """The same, but a type that has no name here keeps the one it has there."""
        return Foreign(self._names, self.styles, self._replies, takes_all=True)

    def read(self, content_type: str, headers: Mapping[str, Any], body: bytes) -> Taken | None:
        """A message that came; None if it is in neither of these envelopes.

        Raises:
            MalformedMessageError: it says so, and is not; or its type has no name here.
        """
        if content_type.partition(";")[0].strip().lower() == MASSTRANSIT:
            return self._from_masstransit(body)
        return self._from_nservicebus(headers, body) if ENCLOSED in headers else None

    def write(self, envelope: Envelope, pairs: str) -> Made:
        """A command in the envelope that its participant is sent; its body is JSON in either.

        Raises:
            KeyError: its type has no name there; `codecs_of_sagas` looks first.
        """
        ours = {
            "id": envelope.id,
            "source": envelope.source,
            "correlationid": envelope.correlation_id,
            "causationid": envelope.causation_id,
            "pairs": pairs,
        }
        name, moment = self._names[envelope.type], envelope.time.astimezone(UTC)
        if self.styles[envelope.type] == "nservicebus":
            ours |= {"type": name, "time": moment.strftime(TIME), "reply_to": self._replies}
            theirs = {row.nservicebus: ours[row.ours] for row in MAPPING if ours[row.ours]}
            told = {"NServiceBus.ContentType": "application/json", "NServiceBus.MessageIntent": "Send"}
            return Made(envelope.body, "application/json", {**envelope.headers, **theirs, **told})
        ours |= {"time": moment.isoformat(), "reply_to": f"exchange:{self._replies}?type=fanout"}
        document: dict[str, Any] = {
            row.masstransit: _guid(ours[row.ours]) if row.ours in GUIDS else ours[row.ours]
            for row in MAPPING
            if ours.get(row.ours) and row.ours != "source"  # it takes addresses only, and this is none
        }
        document |= {"messageType": [_urn(name)], "message": from_json(envelope.body), "headers": envelope.headers}
        return Made(to_json(document), MASSTRANSIT, dict(envelope.headers))

    def _from_masstransit(self, body: bytes) -> Taken:
        found = decode(body)
        document = _object(found)
        urns = [str(urn) for urn in children(document.get("messageType"))]
        if not urns or "message" not in document:
            raise MalformedMessageError("the body is no envelope of MassTransit: it lacks messageType or message")
        carried = _object(document.get("headers"))
        headers = {name: str(value) for name, value in carried.items() if name.startswith(OURS)}
        said = {row.ours: document.get(row.masstransit) for row in MAPPING}
        if urns[0].startswith(FAULT):
            return Taken(self._attributes(said, "masstransit.fault"), b"null", {**headers, **_fault(document)})
        named = [urn.removeprefix("urn:message:").replace(":", ".") for urn in urns]
        return Taken(self._attributes(said, self._type(named)), to_json(document["message"]), _completed(said, headers))

    def _from_nservicebus(self, headers: Mapping[str, Any], body: bytes) -> Taken:
        said = {row.ours: headers.get(row.nservicebus) for row in MAPPING}
        named = [one.partition(",")[0].strip() for one in str(headers[ENCLOSED]).split(";")]
        attributes = self._attributes(said, self._type(named))
        if attributes["time"]:
            attributes["time"] = _iso(attributes["time"])
        is_reply = headers.get("NServiceBus.MessageIntent") == "Reply"
        return Taken(attributes, body, _completed(said if is_reply else {}, {}))

    def _type(self, names: list[str]) -> str:
        """Ours for the first that has one: they name a class and, behind it, what it is derived from."""
        found = next((self._ours[name] for name in names if name in self._ours), None)
        if found is None and self._takes_all:
            return names[0]
        if found is None:
            remedy = "name its type in the file of SAGA_FOREIGN"
            raise MalformedMessageError(f"no message type here is called {names[0][:200]!r}: {remedy}")
        return found

    def _attributes(self, said: Mapping[str, Any], message_type: str) -> dict[str, str]:
        texts = {name: value for name, value in said.items() if isinstance(value, str)}
        pairs = texts.pop("pairs", "")
        attributes = {"source": "foreign", "time": "", **texts, "specversion": "1.0", "type": message_type}
        if pairs:
            # Our ids have no dashes: as GUIDs they were given some.
            attributes["causationid"] = pairs.replace("-", "") if _is_guid(pairs) else pairs
        return attributes


def _completed(said: Mapping[str, Any], headers: dict[str, str]) -> dict[str, str]:
    """A reply of theirs says no outcome: that it came says that it was done."""
    return {OUTCOME: "completed", **headers} if said.get("pairs") else headers


def _fault(document: Mapping[str, Any]) -> dict[str, str]:
    thrown = children(_object(document.get("message")).get("exceptions"))
    reason = str(_object(next(iter(thrown), None)).get("message", ""))
    return {OUTCOME: "failed", RETRYABLE: "true", CODE: "fault", REASON: reason[:MAX_REASON]}


def _object(value: Any) -> dict[str, Any]:
    """A JSON object; an empty one in place of anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _urn(name: str) -> str:
    space, _, last = name.rpartition(".")
    return f"urn:message:{space}:{last}"


def _guid(text: str) -> str:
    """An id as a GUID: ours are of that length, others are hashed."""
    if _is_guid(text):
        return text
    return str(UUID(text if HEX.fullmatch(text) else short_hash(text)))


def _is_guid(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text))


def _iso(text: str) -> str:
    try:
        return datetime.strptime(text, TIME).replace(tzinfo=UTC).isoformat()
    except ValueError:
        raise MalformedMessageError(f"NServiceBus.TimeSent is {text[:40]!r}, it is written otherwise there") from None


NO_FOREIGN = Foreign()
"""For whoever has none of them."""
