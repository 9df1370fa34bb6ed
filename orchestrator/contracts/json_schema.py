"""All contracts as one JSON Schema document (2020-12): a bundle in which each message type is a schema of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from orchestrator.contracts.codecs.boxes import boxed, described, records
from orchestrator.contracts.reading import PROTOBUF
from orchestrator.errors import OrchestratorError
from orchestrator.shapes import shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.contracts.contract import Contract, Schema
    from orchestrator.shapes import Record

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def bundle(contracts: Iterable[Contract]) -> Schema:
    """The contracts by message type under `$defs`; each has an `$id` of its own, so that its references stay within it.

    What is beside the schema (`x-kind`, `x-participant`, `x-reply`) is for readers; validators pass over it.
    """
    return {"$schema": DIALECT, "$id": "urn:saga:contracts", "$defs": {one.type: resource(one) for one in contracts}}


def schemas_of(document: Any) -> Mapping[str, Schema]:
    """The schemas in a document that `bundle` made, by message type.

    Raises:
        OrchestratorError: it is another document; says what to do.
    """
    found = cast("dict[str, Any]", document).get("$defs") if isinstance(document, dict) else None
    if not isinstance(found, dict):
        remedy = "write one by saga contracts export --format jsonschema > contracts.json"
        raise OrchestratorError(f"the document has no $defs, so it is no bundle of contracts: {remedy}")
    return cast("dict[str, Schema]", found)


def resource(contract: Contract) -> Schema:
    """One contract as a schema that stands by itself."""
    schema = contract.schema
    if contract.codec == "protobuf":
        schema = _numbered(schema, {one.name: one for one in records(boxed(shape_of(contract.model)))}, contract)
    told = {"x-kind": contract.kind, "x-participant": contract.participant, "x-reply": contract.reply}
    return {
        "$id": f"urn:saga:{contract.type}",
        **{name: text for name, text in told.items() if text},
        **contract.told,
        **schema,
    }


def _numbered(schema: Schema, placed: Mapping[str, Record], contract: Contract) -> Schema:
    """The schema with the number and the kind of each field in Protobuf: what must not change."""
    parts = {contract.model.__name__: schema, **schema.get("$defs", {})}
    written: dict[str, Schema] = {}
    for name, part in parts.items():
        fields = {one.name: described(one) for one in placed[name].fields} if name in placed else {}
        properties = {
            field: {**inner, PROTOBUF: fields[field]} if field in fields else inner
            for field, inner in part.get("properties", {}).items()
        }
        written[name] = {**part, "properties": properties} if "properties" in part else part
    root = written.pop(contract.model.__name__)
    return {**root, "$defs": written} if written else root
