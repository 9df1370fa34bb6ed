"""Contracts as a schema registry keeps them: one text for each message type, and what it says of the next one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic_core import from_json, to_json

from orchestrator.contracts.codecs.avro import avro_schema
from orchestrator.contracts.codecs.proto_text import proto_text
from orchestrator.contracts.codecs.protobuf import descriptor_of
from orchestrator.contracts.compatibility import WAYS, Finding, compare
from orchestrator.contracts.json_schema import resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.contracts.compatibility import Mode
    from orchestrator.contracts.contract import Contract

SchemaKind: TypeAlias = Literal["JSON", "AVRO", "PROTOBUF"]
LEVELS = {"BACKWARD": {"backward"}, "FORWARD": {"forward"}, "FULL": {"backward", "forward"}}
"""What a registry looks at, by its level; each has a `_TRANSITIVE` kin that looks at all versions."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A schema in a registry."""

    kind: SchemaKind
    text: str


def registered(contract: Contract) -> Registered:
    """A contract as it is registered, by the codec it travels by.

    Raises:
        UncarriableError, MissingExtraError: its codec cannot say.
    """
    match contract.codec:
        case "avro":
            return Registered("AVRO", to_json(avro_schema(contract.model)).decode())
        case "protobuf":
            return Registered("PROTOBUF", proto_text(descriptor_of(contract.model)))
        case "json":
            return Registered("JSON", to_json(resource(contract)).decode())


def compared(message_type: str, old: Registered, new: Registered, mode: Mode) -> tuple[Finding, ...]:
    """What we can say ourselves of two schemas of one type.

    Of JSON all: a registry's own rules are not those of tolerant readers, it calls a new optional field a break. Of
    Avro and Protobuf only that the kind changed.
    """
    if old.kind != new.kind:
        text = f"{old.kind} is registered, and it is {new.kind} now: give the message another type"
        return tuple(Finding(message_type, "", way, "breaks", text) for way in WAYS[mode])
    if new.kind != "JSON":
        return ()
    return compare({message_type: from_json(old.text)}, {message_type: from_json(new.text)}, mode)


def unasked(message_type: str, level: str, mode: Mode) -> Iterator[Finding]:
    """What a registry does not look at: its level is set for each subject there."""
    looked_at = LEVELS.get(level.removesuffix("_TRANSITIVE"), set[str]())
    for way in WAYS[mode]:
        if way not in looked_at:
            text = f"the registry compares this subject by {level}, so it cannot say: set it to FULL there"
            yield Finding(message_type, "", way, "unknown", text)
