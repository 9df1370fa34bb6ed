"""All contracts as Avro schemas, or as .proto files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.contracts.codecs.avro import avro_schema
from orchestrator.contracts.codecs.proto_text import proto_text
from orchestrator.contracts.codecs.protobuf import descriptor_of
from orchestrator.errors import UncarriableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.contracts.contract import Contract, Schema


def avro_document(contracts: Iterable[Contract]) -> dict[str, Schema]:
    """The Avro schema of each contract that Avro can carry, by message type.

    Raises:
        UncarriableError: one of those that are declared with it cannot be carried.
    """
    return {one.type: avro_schema(one.model) for one in contracts if is_carried(one, "avro")}


def proto_files(contracts: Iterable[Contract]) -> dict[str, str]:
    """A .proto file for each contract that Protobuf can carry: path -> text.

    Raises:
        MissingExtraError: its runtime is not installed.
        UncarriableError: one of those that are declared with it cannot be carried.
    """
    files = (descriptor_of(one.model) for one in contracts if is_carried(one, "protobuf"))
    return {file.name: proto_text(file) for file in files}


def is_carried(contract: Contract, codec: str) -> bool:
    """Whether it is to be in a codec's document: it is declared with it, or could be."""
    if contract.codec == codec:
        return True
    try:
        descriptor_of(contract.model) if codec == "protobuf" else avro_schema(contract.model)
    except UncarriableError:
        return False
    return True
