"""Protobuf: bodies by a descriptor that is built from the shape while the program runs, without a compiler.

Every field has presence, so that a reader knows what was not sent: single values are `optional`, and what Protobuf
cannot put where it stands (a list that may be None, a list of lists) stands in a message of its own, its box.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import from_json, to_json

from orchestrator.contracts.codecs.boxes import Box, boxed, records
from orchestrator.errors import MalformedMessageError, MissingExtraError, UncarriableError
from orchestrator.shapes import namespace_of, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto

    from orchestrator.messages import Message
    from orchestrator.shapes import Record, Shape


def library() -> Any:
    """The Protobuf runtime, which is an optional extra."""
    try:
        # Only who has a Protobuf message needs it.
        for part in ("descriptor_pb2", "descriptor_pool", "message_factory"):
            import_module(f"google.protobuf.{part}")
    except ImportError:
        raise MissingExtraError("protobuf", "protobuf", "messages with codec='protobuf'") from None
    return import_module("google.protobuf")


class ProtobufCodec:
    """Bodies of one message type.

    Raises:
        MissingExtraError: the runtime is not installed.
        UncarriableError: the type has something that Protobuf cannot carry.
    """

    content_type = "application/protobuf"

    def __init__(self, model: type[Message]) -> None:
        runtime = library()
        file = descriptor_of(model)
        pool = runtime.descriptor_pool.DescriptorPool()
        pool.Add(file)
        self._type = model.message_type
        self._record = boxed(shape_of(model))
        full_name = f"{file.package}.{self._record.name}"
        self._class: Callable[[], Any] = runtime.message_factory.GetMessageClass(pool.FindMessageTypeByName(full_name))

    def encode(self, body: bytes) -> bytes:
        """A JSON body as Protobuf.

        Raises:
            UncarriableError: it has a value that does not fit, as a whole number beyond 63 bits.
        """
        message = self._class()
        try:
            _fill(message, self._record, from_json(body))
            return bytes(message.SerializeToString(deterministic=True))
        except (ValueError, TypeError, AttributeError) as error:
            raise UncarriableError(self._type, "", f"has a value that does not fit Protobuf: {error}") from error

    def decode(self, body: bytes) -> bytes:
        """A Protobuf body as JSON.

        Raises:
            MalformedMessageError: it is none.
        """
        message: Any = self._class()
        try:
            message.ParseFromString(body)
        except Exception as error:
            # Its own error class is another one in each implementation of the runtime.
            raise MalformedMessageError(f"the body cannot be read as Protobuf: {type(error).__name__}") from error
        return to_json(_read(message, self._record))


def _fill(message: Any, record: Record, value: dict[str, Any]) -> None:
    for field in record.fields:
        # A field without presence of its own, a list, is never None; of the others what is not there is None.
        if field.name in value and not (value[field.name] is None and field.shape.is_nullable):
            _put(message, field.name, field.shape, value[field.name])


def _put(message: Any, name: str, shape: Shape, value: Any) -> None:
    there = getattr(message, name)
    match shape.kind:
        case "list":
            _add_all(there, cast("Shape", shape.item), value)
        case "map":
            _add_by_name(there, cast("Shape", shape.item), value)
        case "record":
            there.SetInParent()  # also an empty one is there
            _into(there, shape, value)
        case _:
            setattr(message, name, value)


def _add_all(there: Any, item: Shape, values: list[Any]) -> None:
    if item.record is None:
        there.extend(values)
    else:
        for value in values:
            _into(there.add(), item, value)


def _add_by_name(there: Any, item: Shape, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if item.record is None:
            there[name] = value
        else:
            _into(there[name], item, value)


def _into(message: Any, shape: Shape, value: Any) -> None:
    record = cast("Record", shape.record)
    if isinstance(shape, Box):
        _fill(message, record, {} if value is None else {"value": value})
    else:
        _fill(message, record, value)


def _read(message: Any, record: Record) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in record.fields:
        if field.shape.item is not None or message.HasField(field.name):
            values[field.name] = _got(getattr(message, field.name), field.shape)
        elif field.shape.is_nullable:
            values[field.name] = None
    return values


def _got(found: Any, shape: Shape) -> Any:
    match shape.kind:
        case "list":
            return [_got(item, cast("Shape", shape.item)) for item in found]
        case "map":
            return {name: _got(found[name], cast("Shape", shape.item)) for name in found}
        case "record":
            values = _read(found, cast("Record", shape.record))
            return values.get("value") if isinstance(shape, Box) else values
        case _:
            return found


def descriptor_of(model: type[Message]) -> FileDescriptorProto:
    """The file that describes a message type.

    Raises:
        MissingExtraError: the runtime is not installed.
        UncarriableError: the type has something that Protobuf cannot carry.
    """
    pb2 = library().descriptor_pb2
    package = namespace_of(model.message_type)
    file: FileDescriptorProto = pb2.FileDescriptorProto(
        name=f"{package.replace('.', '/')}.proto", package=package, syntax="proto3"
    )
    known: dict[str, Record] = {}
    for record in records(boxed(shape_of(model))):
        if record.name in known:
            if record != known[record.name]:
                raise UncarriableError(model.__name__, "", f"makes two Protobuf messages {record.name}: rename one")
            continue  # used twice, written once
        known[record.name] = record
        written = file.message_type.add(name=record.name)
        for field in record.fields:
            _describe(written, package, field.name, field.number, field.shape)
        _mark_optional(written)
    return file


def _describe(owner: DescriptorProto, package: str, name: str, number: int, shape: Shape) -> None:
    field = owner.field.add(name=name, number=number, label="LABEL_OPTIONAL")
    if shape.item is not None:
        field.label = field.LABEL_REPEATED
    if shape.kind != "map":
        _type(field, package, shape.item or shape)
        return
    entry = owner.nested_type.add(name=f"{''.join(word.capitalize() for word in name.split('_'))}Entry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label="LABEL_OPTIONAL", type="TYPE_STRING")
    value = entry.field.add(name="value", number=2, label="LABEL_OPTIONAL")
    _type(value, package, cast("Shape", shape.item))
    field.type, field.type_name = field.TYPE_MESSAGE, f".{package}.{owner.name}.{entry.name}"


def _type(field: FieldDescriptorProto, package: str, shape: Shape) -> None:
    match shape.kind:
        case "text":
            field.type = field.TYPE_STRING
        case "whole":
            field.type = field.TYPE_INT64
        case "number":
            field.type = field.TYPE_DOUBLE
        case "flag":
            field.type = field.TYPE_BOOL
        case _:
            field.type, field.type_name = field.TYPE_MESSAGE, f".{package}.{cast('Record', shape.record).name}"


def _mark_optional(written: DescriptorProto) -> None:
    """Single values have presence: Protobuf writes that as an alternative of one, behind all others."""
    for field in written.field:
        if field.label == field.LABEL_OPTIONAL and field.type != field.TYPE_MESSAGE:
            field.proto3_optional = True
            field.oneof_index = len(written.oneof_decl)
            written.oneof_decl.add(name=f"_{field.name}")
