"""Whether a reader takes everything that a writer may send, by their JSON Schemas. Pure.

The rules cover what pydantic writes for messages: objects, arrays, tuples, enumerations, alternatives, references and
limits. Whatever else differs is `unknown`: neither allowed nor refused, a person must look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from orchestrator.contracts.limits import limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.contracts.contract import Schema

Verdict: TypeAlias = Literal["breaks", "unknown"]
Doc: TypeAlias = "Mapping[str, Any]"

ANNOTATIONS = frozenset(
    {"$schema", "$id", "$defs", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly"}
    | {"writeOnly", "discriminator", "contentEncoding", "contentMediaType"}
)
"""Say nothing about what is valid; neither does anything that begins with `x-`."""
STRUCTURE = frozenset(
    {"$ref", "type", "enum", "const", "anyOf", "oneOf", "properties", "required", "additionalProperties", "items"}
    | {"prefixItems"}
)
LIMITS = frozenset(
    {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems"}
    | {"maxItems", "minProperties", "maxProperties", "uniqueItems", "pattern", "format"}
)

PROTOBUF = "x-protobuf"
"""Keyword of ours: how a field stands in Protobuf, as `repeated string = 3`."""
MOST_VALUES = 5
"""How many values of an enumeration are named."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing that the reader may not take. `place`: as `lines[].quantity`; empty = the whole."""

    place: str
    verdict: Verdict
    text: str


def doubts(reader: Schema, writer: Schema) -> tuple[Doubt, ...]:
    """Everything that keeps `reader` from taking all that `writer` may send."""
    return tuple(_Comparison(reader, writer).of(reader, writer, ""))


class _Comparison:
    """Two documents, whose references count from their own roots."""

    def __init__(self, reader: Schema, writer: Schema) -> None:
        self._reader, self._writer = reader, writer
        self._under_way: set[tuple[str, str]] = set()

    def of(self, reader: Any, writer: Any, place: str) -> Iterator[Doubt]:
        """Doubts about one place. A pair of references under way counts as settled: types may hold themselves."""
        pair = _reference(reader), _reference(writer)
        if all(pair):
            if pair in self._under_way:
                return
            self._under_way.add(pair)
        yield from self._alternatives(_resolved(reader, self._reader), _resolved(writer, self._writer), place)
        self._under_way.discard(pair)

    def _alternatives(self, reader: Doc, writer: Doc, place: str) -> Iterator[Doubt]:
        yield from _unknown(reader, writer, place)
        wanted, offered = _choices(reader), _choices(writer)
        if wanted is None and offered is None:
            yield from self._one(reader, writer, place)
            return
        for choice in offered or [writer]:
            tries = [tuple(self.of(one, choice, place)) for one in wanted or [reader]]
            if all(tries):
                nearest = min(tries, key=len)
                told = f"{_named(_resolved(choice, self._writer))} is not taken: {nearest[0].text}"
                verdict: Verdict = (
                    "breaks" if all(any(d.verdict == "breaks" for d in one) for one in tries) else "unknown"
                )
                yield Doubt(place, verdict, told)

    def _one(self, reader: Doc, writer: Doc, place: str) -> Iterator[Doubt]:
        if misfit := _kind_misfit(reader, writer):
            yield Doubt(place, "breaks", misfit)
            return
        for verdict, text in limits(reader, writer):
            yield Doubt(place, verdict, text)
        yield from self._object(reader, writer, place)
        yield from self._array(reader, writer, place)

    def _object(self, reader: Doc, writer: Doc, place: str) -> Iterator[Doubt]:
        known: Doc = reader.get("properties", {})
        sent: Doc = writer.get("properties", {})
        for name in reader.get("required", ()):
            if name not in writer.get("required", ()):
                missing = "may be missing" if name in sent else "is not sent"
                yield Doubt(_below(place, name), "breaks", f"is required, and {missing}")
        yield from _numbers(known, sent, place)
        for name in sent:
            if name in known:
                yield from self.of(known[name], sent[name], _below(place, name))
            else:
                yield from self._additional(reader, sent[name], _below(place, name))
        if not sent and _is_object(writer):
            yield from self._free(reader, writer, place)

    def _additional(self, reader: Doc, sent: Any, place: str) -> Iterator[Doubt]:
        """A field that the reader does not name."""
        allowed = reader.get("additionalProperties", True)
        if allowed is False:
            yield Doubt(place, "breaks", "is sent, and no such field is allowed")
        elif isinstance(allowed, dict):
            yield from self.of(allowed, sent, place)

    def _free(self, reader: Doc, writer: Doc, place: str) -> Iterator[Doubt]:
        """A mapping: the writer names no fields, so any may come, those that the reader names too."""
        allowed, sent = reader.get("additionalProperties", True), writer.get("additionalProperties", True)
        if isinstance(allowed, dict) and sent is not False:
            yield from self.of(allowed, sent, f"{place}{{}}")
        if sent is False or "additionalProperties" not in writer:
            return
        if allowed is False:
            yield Doubt(f"{place}{{}}", "breaks", "any field may be sent, and no other is allowed")
        for name, part in reader.get("properties", {}).items():
            yield from self.of(part, sent, _below(place, name))

    def _array(self, reader: Doc, writer: Doc, place: str) -> Iterator[Doubt]:
        if not _has(writer, "array"):
            return
        wanted, sent = reader.get("prefixItems", []), writer.get("prefixItems", [])
        for number in range(max(len(wanted), len(sent))):
            if number < int(writer.get("maxItems", number + 1)):
                yield from self.of(_item(reader, number), _item(writer, number), f"{place}[{number}]")
        if int(writer.get("maxItems", len(sent) + 1)) > max(len(wanted), len(sent)):
            yield from self.of(reader.get("items", True), writer.get("items", True), f"{place}[]")


def _numbers(known: Doc, sent: Doc, place: str) -> Iterator[Doubt]:
    """Protobuf knows fields by their numbers: a field keeps its own, and one that was used is not used again."""
    taken, given = (
        {
            name: str(cast("Doc", part)[PROTOBUF])
            for name, part in parts.items()
            if not isinstance(part, bool) and PROTOBUF in part
        }
        for parts in (known, sent)
    )
    by_number = {text.rpartition(" = ")[2]: name for name, text in given.items()}
    for name, text in taken.items():
        if name in given and given[name] != text:
            yield Doubt(_below(place, name), "breaks", f"is {text!r}, and {given[name]!r} where it is sent")
        other = by_number.get(text.rpartition(" = ")[2], name)
        if other != name and name not in given:
            yield Doubt(_below(place, name), "breaks", f"has the number of {other!r} where it is sent: take a new one")


def _item(schema: Doc, number: int) -> Any:
    prefix = schema.get("prefixItems", [])
    return prefix[number] if number < len(prefix) else schema.get("items", True)


def _reference(schema: Any) -> str:
    return str(cast("Doc", schema).get("$ref", "")) if isinstance(schema, dict) else ""


def _resolved(schema: Any, root: Schema) -> Doc:
    """The schema behind a reference, with what stands beside the reference; `true` and `false` as mappings."""
    if isinstance(schema, bool):
        return {} if schema else {"enum": []}
    found: Doc = cast("Doc", schema)
    while reference := _reference(found):
        beside = {name: part for name, part in found.items() if name != "$ref"}
        found = {**root.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {"not-found": reference}), **beside}
    return found


def _choices(schema: Doc) -> list[Any] | None:
    """The alternatives that it offers; None if it is no choice."""
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return list(schema[word])
    types = schema.get("type")
    if isinstance(types, list):
        return [{**schema, "type": one} for one in cast("list[str]", types)]
    return None


def _unknown(reader: Doc, writer: Doc, place: str) -> Iterator[Doubt]:
    """Keywords without a rule, unless both say the same; and limits that stand beside alternatives."""
    for schema in (reader, writer):
        choice = {"anyOf", "oneOf"} & set(schema)
        beside = [word for word in sorted(set(schema) - ANNOTATIONS - choice) if not word.startswith("x-")]
        if choice and beside:
            yield Doubt(place, "unknown", f"{', '.join(beside)} beside alternatives, for which there is no rule")
    for word in sorted({*reader, *writer} - ANNOTATIONS - STRUCTURE - LIMITS):
        if not word.startswith("x-") and reader.get(word) != writer.get(word):
            yield Doubt(place, "unknown", f"{word!r} changed, for which there is no rule")


def _kind_misfit(reader: Doc, writer: Doc) -> str:
    """Why the kinds of value do not fit; empty if they do."""
    wanted, sent = _types(reader), _types(writer)
    if wanted is not None and sent is None:
        return f"anything may be sent, only {_listed(wanted)} is taken"
    if wanted is not None and sent is not None and not all(_fits(one, wanted) for one in sent):
        return f"{_listed(sent)} is sent, only {_listed(wanted)} is taken"
    taken, values = _values(reader), _values(writer)
    if taken is None:
        return ""
    if values is None:
        return f"any {_listed(sent or {'value'})} may be sent, only {_shown(taken)} is taken"
    missing = [value for value in values if value not in taken]
    return f"{_shown(missing)} may be sent, and is not taken" if missing else ""


def _types(schema: Doc) -> set[str] | None:
    """The JSON types that are valid; None = all."""
    if "type" in schema:
        return {str(schema["type"])}
    values = _values(schema)
    return None if values is None else {_type_of(value) for value in values}


def _fits(sent: str, wanted: set[str]) -> bool:
    return sent in wanted or (sent == "integer" and "number" in wanted)


def _values(schema: Doc) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return list(schema["enum"]) if "enum" in schema else None


def _type_of(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _is_object(schema: Doc) -> bool:
    return _has(schema, "object")


def _has(schema: Doc, kind: str) -> bool:
    types = _types(schema)
    return types is None or kind in types


def _named(schema: Doc) -> str:
    values = _values(schema)
    return (
        _shown(values) if values else str(schema.get("title") or schema.get("format") or schema.get("type", "anything"))
    )


def _listed(types: set[str]) -> str:
    return " or ".join(sorted(types))


def _shown(values: list[Any]) -> str:
    more = f" and {len(values) - MOST_VALUES} more" if len(values) > MOST_VALUES else ""
    return ", ".join(repr(value) for value in values[:MOST_VALUES]) + more


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
