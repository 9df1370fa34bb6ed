"""Messages: events, commands with their replies, and the envelope they travel in.

A message's *type* (`order.placed`) is its name on the broker; its class's name in snake case (`order_placed`) is the
name under which sagas know it as a fact.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, ForwardRef, Generic, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeVar

from orchestrator.shapes import NUMBER
from orchestrator.versions import PLAIN, Upcaster, Versions, declared_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.versions import Rewrite

CodecName: TypeAlias = Literal["json", "avro", "protobuf"]
TRACEPARENT = re.compile(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")


def snake_case(name: str) -> str:
    """`StockReserved` as `stock_reserved`, `HTTPCall` as `http_call`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return words.lower()


class Message(BaseModel):
    """What all messages share: immutable, typed, and known on the broker by `message_type`.

    Unknown fields are ignored (tolerant reader): a sender may add a field without breaking those who listen. A field
    with an alias travels under the alias; code may construct it by either name.

    Class keywords: `type`, its name on the broker; `version`, a whole number that is raised when old and new readers
    would stumble over a change; `oldest`, the oldest version that is still taken; `sunset`, the date until which the
    whole type is; `codec`, how it travels: "json", "avro" or "protobuf".
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        allow_inf_nan=False,
        serialize_by_alias=True,
        validate_by_alias=True,
        validate_by_name=True,
    )
    message_type: ClassVar[str] = ""
    message_versions: ClassVar[Versions] = PLAIN
    message_codec: ClassVar[CodecName] = "json"

    def __init_subclass__(
        cls,
        *,
        type: str | None = None,
        version: int = 1,
        oldest: int = 1,
        sunset: date | None = None,
        codec: CodecName = "json",
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        type: str | None = None,
        version: int = 1,
        oldest: int = 1,
        sunset: date | None = None,
        codec: CodecName = "json",
        **kwargs: Any,
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.message_type = type or snake_case(cls.__name__).replace("_", "-")
        cls.message_codec = codec
        cls.message_versions = Versions(newest=version, oldest=oldest, sunset=sunset, declared=declared_at())


class Event(Message):
    """A fact told to whoever listens, in the past tense: `class OrderPlaced(Event, type="order.placed")`."""


def upcasts(model: type[Message], *, from_version: int, sunset: date | None = None) -> Callable[[Rewrite], Rewrite]:
    """Declare a pure function that makes a body of `from_version` one of the next version. Write it beside the class.

    It takes and gives JSON values, names as they travel. `sunset`: the date until which that version is taken; from
    the day it is written down, `saga check`, the exported documents and the log of whoever gets such a message warn.

        @upcasts(OrderPlaced, from_version=1)
        def total_in_cents(body: Body) -> Body:
            return {**body, "total_cents": body["total"] * 100}
    """

    def declare(rewrite: Rewrite) -> Rewrite:
        before = model.message_versions
        added = Upcaster(from_version, rewrite, sunset)
        model.message_versions = replace(before, upcasters=(*before.upcasters, added))
        return rewrite

    return declare


def numbered(number: int) -> Any:
    """Says which number a field has in Protobuf: write `Annotated[str, ...]` around it.

    Without it a field has the number of the one before it plus 1. So a field that is added at the end changes no other;
    where one was removed, the one behind it says its number, and those behind that go on from there.
    """
    return Field(json_schema_extra={NUMBER: number})


ReplyT = TypeVar("ReplyT", bound=BaseModel)
RefusalT = TypeVar("RefusalT", bound=BaseModel, default=Event)


class Command(Message, Generic[ReplyT, RefusalT]):
    """A request to one participant: `class ReserveStock(Command["StockReserved"], type="inventory.reserve")`.

    The type argument is the reply, written as a string where it is defined later; a second one is the refusal.
    `reply_of` and `refusal_of` find them.
    """


AnyCommand: TypeAlias = Command[Any, Any]
"""A command, whatever answers it."""


def reply_of(command: type[AnyCommand]) -> type[BaseModel]:
    """The class of the reply to a command.

    A name written as a string is looked up in the module of the class that writes it.

    Raises:
        LookupError: it names no reply, or one that its module does not have; says class, file and remedy.
    """
    return _answer_of(command, 0)


def refusal_of(command: type[AnyCommand]) -> type[BaseModel]:
    """The class of the refusal of a command: `Event` unless it names another.

    Raises:
        LookupError: as `reply_of`.
    """
    return _answer_of(command, 1)


def _answer_of(command: type[AnyCommand], place: int) -> type[BaseModel]:
    for cls in command.__mro__:
        for base in cls.__bases__:
            metadata = getattr(base, "__pydantic_generic_metadata__", {})
            if metadata.get("origin") is Command:
                return _resolved(cls, metadata["args"][place])
    raise LookupError(f'{command.__name__} does not say what answers it: derive it from Command["ItsReply"]')


def _resolved(cls: type, written: Any) -> type[BaseModel]:
    name = written.__forward_arg__ if isinstance(written, ForwardRef) else written
    found = vars(sys.modules.get(cls.__module__, cls)).get(name) if isinstance(name, str) else name
    if isinstance(found, type) and issubclass(found, BaseModel):
        return found
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or cls.__module__
    shown = name if isinstance(name, str) else getattr(name, "__name__", name)
    problem = "is no message" if found is not None else f"is not defined in {file}"
    raise LookupError(f"{cls.__name__} names {shown!r} as its answer, which {problem}: define or import it there")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A message with its ids, as it travels: CloudEvents 1.0 attributes (binary mode) and its body.

    Attributes:
        id: unique within `source`; the same in every copy of one message.
        source: who sent it.
        type: the message type, as `order.placed`.
        body: JSON, UTF-8.
        time: when it happened.
        correlation_id: shared by everything that follows from one first message.
        causation_id: id of the message that led to this one.
        traceparent: W3C trace context.
        tracestate: W3C trace state, empty if none.
        sequence: place in the source's order (compared as text: zero-padded), if declared.
        version: version of its type; that of the payload, once it was brought up to date.
        headers: `saga-...` headers and others that travel with it, text only.
    """

    id: str
    source: str
    type: str
    body: bytes
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    correlation_id: str = ""
    causation_id: str = ""
    traceparent: str = ""
    tracestate: str = ""
    sequence: str = ""
    version: int = 1
    headers: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def identity(self) -> str:
        """Short hash of (source, id): by it copies of one message are recognised."""
        return short_hash(self.source, self.id)

    @property
    def body_hash(self) -> str:
        """Short hash of type and body: by it two messages with one identity are told apart."""
        return short_hash(self.type, hashlib.sha256(self.body).hexdigest())

    def with_headers(self, **headers: str) -> Envelope:
        """The same envelope with headers added; `_` in a keyword is written `-`."""
        added = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **added})


def short_hash(*parts: str) -> str:
    """32 hex digits of SHA-256 over the parts, each preceded by its length, so that no two lists collide."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8))
        digest.update(encoded)
    return digest.hexdigest()[:32]


def new_traceparent() -> str:
    """A fresh sampled W3C trace context, for messages that came without one."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def is_traceparent(text: str) -> bool:
    """Whether `text` is a version 00 W3C `traceparent` with non-zero ids."""
    return bool(TRACEPARENT.match(text)) and text[3:35] != "0" * 32 and text[36:52] != "0" * 16
