"""All contracts as an AsyncAPI 3 document with the AMQP bindings 0.3.0: what others can send us, and what we send.

`action` is ours: sagas *receive* the events they take in and the replies to their commands, and *send* commands and
the events they publish.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.contracts.codecs.avro import AvroCodec
from orchestrator.contracts.codecs.protobuf import ProtobufCodec
from orchestrator.contracts.codecs.table import JSON

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.contracts.contract import Contract, Schema

VERSION = "3.0.0"
BINDINGS = "0.3.0"
CONTENT_TYPES = {"json": JSON, "avro": AvroCodec.content_type, "protobuf": ProtobufCodec.content_type}
IDS = "cloudEvent"
"""Name of the headers that every message has."""


def asyncapi(contracts: Sequence[Contract], *, title: str, version: str, prefix: str) -> dict[str, Any]:
    """The document.

    Args:
        contracts: what it describes.
        title: the name of the service.
        version: its version.
        prefix: the setting `name_prefix`, by which exchanges are called.
    """
    return {
        "asyncapi": VERSION,
        "info": {"title": title, "version": version},
        "defaultContentType": CONTENT_TYPES["json"],
        "channels": {one.type: _channel(one, prefix) for one in contracts},
        "operations": dict(_operations(contracts)),
        "components": {
            "messages": {one.type: _message(one) for one in contracts},
            "schemas": _schemas(contracts),
            "messageTraits": {IDS: {"headers": _headers()}},
        },
    }


def _channel(contract: Contract, prefix: str) -> dict[str, Any]:
    exchange = {
        "event": {"name": f"{prefix}.events", "type": "topic"},
        "command": {"name": f"{prefix}.commands", "type": "topic"},
        "reply": {"name": f"{prefix}.replies.sent", "type": "fanout"},
    }[contract.kind]
    binding = {"is": "routingKey", "exchange": {**exchange, "durable": True, "vhost": "/"}, "bindingVersion": BINDINGS}
    # A reply goes where its command says, an address that is only known at run time.
    address = None if contract.kind == "reply" else contract.type
    return {
        "address": address,
        "messages": {contract.type: {"$ref": f"#/components/messages/{contract.type}"}},
        "bindings": {"amqp": binding},
    }


def _operations(contracts: Iterable[Contract]) -> Iterable[tuple[str, dict[str, Any]]]:
    for one in contracts:
        if one.kind == "event" and one.taken_by:
            yield f"receive.{one.type}", {**_operation("receive", one.type), "summary": _used("taken", one.taken_by)}
        if one.sent_by:
            sent = {**_operation("send", one.type), "summary": _used("sent", one.sent_by)}
            yield f"send.{one.type}", sent | (_reply(one) if one.reply else {})


def _operation(action: str, message_type: str) -> dict[str, Any]:
    channel = f"#/channels/{message_type}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{message_type}"}],
    }


def _used(verb: str, sagas: tuple[str, ...]) -> str:
    return f"{verb} by {', '.join(sagas)}"


def _reply(contract: Contract) -> dict[str, Any]:
    channel = f"#/channels/{contract.reply}"
    return {
        "reply": {
            "address": {"location": "$message.header#/reply_to"},
            "channel": {"$ref": channel},
            "messages": [{"$ref": f"{channel}/messages/{contract.reply}"}],
        }
    }


def _message(contract: Contract) -> dict[str, Any]:
    documented = (contract.model.__doc__ or "").strip().partition("\n")[0]
    return {
        "name": contract.type,
        "title": contract.model.__name__,
        **({"summary": documented} if documented else {}),
        "contentType": CONTENT_TYPES[contract.codec],
        "traits": [{"$ref": f"#/components/messageTraits/{IDS}"}],
        "correlationId": {"location": "$message.header#/ce-correlationid"},
        "payload": {"$ref": f"#/components/schemas/{contract.type}"},
        "bindings": {"amqp": {"messageType": contract.type, "bindingVersion": BINDINGS}},
        **{name: part for name, part in contract.told.items() if name.startswith("x-")},
    }


def _schemas(contracts: Iterable[Contract]) -> dict[str, Schema]:
    """Each contract's schema; what it defines inside is lifted beside it, since a `$ref` counts from the document."""
    lifted: dict[str, Schema] = {}
    for one in contracts:
        inner = one.schema.get("$defs", {})
        outer = {**one.told, **{name: part for name, part in one.schema.items() if name != "$defs"}}
        for name, schema in {one.type: outer, **{f"{one.type}.{name}": inner[name] for name in inner}}.items():
            lifted[name] = _pointed(schema, one.type)
    return lifted


def _pointed(value: Any, message_type: str) -> Any:
    """A schema whose references into its own `$defs` point at the lifted ones."""
    if isinstance(value, list):
        return [_pointed(item, message_type) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, dict):
        return value
    parts: dict[str, Any] = {}
    for name, part in value.items():  # pyright: ignore[reportUnknownVariableType]
        if name == "$ref" and isinstance(part, str):
            parts[name] = part.replace("#/$defs/", f"#/components/schemas/{message_type}.")
        else:
            parts[str(name)] = _pointed(part, message_type)  # pyright: ignore[reportUnknownArgumentType]
    return parts


def _headers() -> Schema:
    text = {"type": "string"}
    required = ("ce-id", "ce-source", "ce-type", "ce-specversion")
    more = ("ce-time", "ce-dataversion", "ce-correlationid", "ce-causationid", "traceparent", "tracestate")
    return {"type": "object", "properties": dict.fromkeys((*required, *more), text), "required": list(required)}
