"""Avro: the schema of a shape, and bodies in Avro's single-object encoding.

That is two fixed bytes, the fingerprint of the schema it was written by, and the data. A body can be read only by
somebody who has that very schema: that of the class, and those that the setting `SAGA_AVRO_SCHEMAS` names.
"""

from __future__ import annotations

from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticSerializationError, from_json, to_json

from orchestrator.contracts.codecs.avro_bounds import check_bounded
from orchestrator.errors import MalformedMessageError, MissingExtraError, UncarriableError
from orchestrator.shapes import NO_DEFAULT, namespace_of, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.contracts.contract import Schema
    from orchestrator.messages import Message
    from orchestrator.shapes import Field, Record, Shape

MARK = b"\xc3\x01"
HEAD = len(MARK) + 8
"""Bytes before the data: the mark and the fingerprint."""
NAMES = {"text": "string", "whole": "long", "number": "double", "flag": "boolean"}


def avro_schema(model: type[Message]) -> Schema:
    """The schema of a message type.

    Raises:
        UncarriableError: it has something that Avro cannot carry.
    """
    return {"namespace": namespace_of(model.message_type), **_record(shape_of(model), set())}


class AvroCodec:
    """Bodies of one message type.

    Args:
        model: its class.
        known: further schemas that its bodies may be written by.

    Raises:
        MissingExtraError: fastavro is not installed.
        UncarriableError: the type has something that Avro cannot carry, or a body by a known schema could be endless.
    """

    content_type = "application/avro"

    def __init__(self, model: type[Message], known: Iterable[Schema] = ()) -> None:
        self._avro = library()
        self._type = model.message_type
        self._own = self._avro.parse_schema(avro_schema(model))
        self._head = MARK + fingerprint(self._own)
        others = [self._avro.parse_schema(one) for one in known]
        for one in others:
            check_bounded(one)
        # The last counts: what others call the same is the same, but our own we know.
        self._known: Mapping[bytes, Any] = MappingProxyType({fingerprint(one): one for one in (*others, self._own)})

    def encode(self, body: bytes) -> bytes:
        """A JSON body as Avro.

        Raises:
            UncarriableError: it has a value that does not fit, as a whole number beyond 63 bits.
        """
        made = BytesIO()
        made.write(self._head)
        try:
            self._avro.schemaless_writer(made, self._own, from_json(body))
        except (ValueError, TypeError, AttributeError, LookupError, OverflowError) as error:
            raise UncarriableError(self._type, "", f"has a value that does not fit Avro: {error}") from error
        return made.getvalue()

    def decode(self, body: bytes) -> bytes:
        """An Avro body as JSON.

        Raises:
            MalformedMessageError: it is none, or was written by a schema that is not known here.
        """
        if body[: len(MARK)] != MARK or len(body) < HEAD:
            raise MalformedMessageError("the body is no Avro in single-object encoding: it must begin with C3 01")
        schema = self._known.get(body[len(MARK) : HEAD])
        if schema is None:
            remedy = "add that schema to SAGA_AVRO_SCHEMAS and send this again"
            shown = body[len(MARK) : HEAD].hex()
            raise MalformedMessageError(f"the body was written by an Avro schema {shown} not known here: {remedy}")
        data = BytesIO(body)
        data.seek(HEAD)
        try:
            value = self._avro.schemaless_reader(data, schema, None)
            text = to_json(value)
        except PydanticSerializationError:
            raise MalformedMessageError("the body has bytes where JSON has text: send them as base64") from None
        except Exception as error:
            # The library fails in a dozen ways over bytes that are no Avro.
            raise MalformedMessageError(f"the body cannot be read as Avro: {type(error).__name__}") from error
        if data.tell() != len(body):
            raise MalformedMessageError(f"the body has {len(body) - data.tell()} bytes too many to be Avro")
        return text


def library() -> Any:
    """fastavro, which is an optional extra."""
    try:
        import fastavro  # noqa: PLC0415 - an extra: only who has an Avro message needs it
    except ImportError:
        raise MissingExtraError("avro", "fastavro", "messages with codec='avro'") from None
    return fastavro


def fingerprint(schema: Any) -> bytes:
    """CRC-64-AVRO of a schema's canonical form, as it stands in a body."""
    tools = library().schema
    return bytes.fromhex(tools.fingerprint(tools.to_parsing_canonical_form(schema), "CRC-64-AVRO"))


def _record(record: Record, written: set[str]) -> Schema:
    written.add(record.name)
    return {"type": "record", "name": record.name, "fields": [_field(one, written) for one in record.fields]}


def _field(field: Field, written: set[str]) -> Schema:
    kind = _type(field.shape, written)
    if not field.shape.is_nullable:
        default = {} if field.default is NO_DEFAULT else {"default": field.default}
        return {"name": field.name, "type": kind, **default}
    if field.default is NO_DEFAULT:
        return {"name": field.name, "type": ["null", kind]}
    # A default must be of the first alternative.
    return {
        "name": field.name,
        "type": ["null", kind] if field.default is None else [kind, "null"],
        "default": field.default,
    }


def _type(shape: Shape, written: set[str]) -> Any:
    """The type, without its being nullable. A record is written out once, and named from then on."""
    if shape.record is not None:
        return shape.record.name if shape.record.name in written else _record(shape.record, written)
    if shape.item is not None:
        item = _type(shape.item, written)
        inner = ["null", item] if shape.item.is_nullable else item
        return {"type": "array", "items": inner} if shape.kind == "list" else {"type": "map", "values": inner}
    return NAMES[shape.kind]
