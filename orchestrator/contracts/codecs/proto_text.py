"""A descriptor as the text of a .proto file, for those who have a compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.contracts.codecs.boxes import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto

SCALARS = {9: WORDS["text"], 3: WORDS["whole"], 1: WORDS["number"], 8: WORDS["flag"]}
"""Number of a type in a descriptor -> its word."""


def proto_text(file: FileDescriptorProto) -> str:
    """The file; compiled, it is the same descriptor."""
    head = ["// Made from the message's class: change that, not this.", f'syntax = "{file.syntax}";', ""]
    return "\n".join([*head, f"package {file.package};", *_messages(file)]) + "\n"


def _messages(file: FileDescriptorProto) -> Iterator[str]:
    for message in file.message_type:
        yield ""
        yield f"message {message.name} {{"
        for field in message.field:
            yield f"  {_kind(field, message)} {field.name} = {field.number};"
        yield "}"


def _kind(field: FieldDescriptorProto, owner: DescriptorProto) -> str:
    entries = {entry.name: entry for entry in owner.nested_type}
    entry = entries.get(field.type_name.rpartition(".")[2])
    if field.label == field.LABEL_REPEATED and entry is not None:
        return f"map<string, {_word(entry.field[1])}>"
    if field.label == field.LABEL_REPEATED:
        return f"repeated {_word(field)}"
    return f"optional {_word(field)}" if field.proto3_optional else _word(field)


def _word(field: FieldDescriptorProto) -> str:
    return SCALARS.get(field.type) or field.type_name
