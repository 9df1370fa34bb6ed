"""Contracts against the official validator: what is called compatible is read, for whatever the old writer may send."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as some
from jsonschema import Draft202012Validator

from orchestrator.contracts.reading import doubts

NAMES = ("a", "b", "c")
LIMITS = some.integers(0, 4)


def bounded(kind: str, lower: str, upper: str) -> some.SearchStrategy[dict[str, Any]]:
    low = some.fixed_dictionaries({}, optional={lower: LIMITS})
    high = some.fixed_dictionaries({}, optional={upper: some.integers(5, 9)})
    return some.tuples(low, high).map(lambda both: {"type": kind, **both[0], **both[1]})


LEAVES = some.one_of(
    bounded("integer", "minimum", "maximum"),
    bounded("number", "exclusiveMinimum", "exclusiveMaximum"),
    bounded("string", "minLength", "maxLength"),
    some.sampled_from([{"type": "boolean"}, {"type": "null"}, {"const": "x"}]),
    some.lists(some.sampled_from(["x", "y", 1, 2, None]), min_size=1, max_size=3, unique=True).map(
        lambda v: {"enum": v}
    ),
)


def mappings(inner: some.SearchStrategy[dict[str, Any]]) -> some.SearchStrategy[dict[str, Any]]:
    return inner.map(lambda value: {"type": "object", "additionalProperties": value, "required": []})


def objects(inner: some.SearchStrategy[dict[str, Any]]) -> some.SearchStrategy[dict[str, Any]]:
    fields = some.dictionaries(some.sampled_from(NAMES), inner, max_size=3)
    return fields.flatmap(
        lambda known: (
            some.lists(some.sampled_from(sorted(known)), unique=True).map(
                lambda required: {"type": "object", "properties": known, "required": sorted(required)}
            )
            if known
            else some.just({"type": "object", "required": []})
        )
    )


def arrays(inner: some.SearchStrategy[dict[str, Any]]) -> some.SearchStrategy[dict[str, Any]]:
    limits = some.fixed_dictionaries({}, optional={"minItems": some.integers(0, 2), "maxItems": some.integers(2, 3)})
    lists = some.tuples(inner, limits).map(lambda both: {"type": "array", "items": both[0], **both[1]})
    pairs = some.lists(inner, min_size=2, max_size=2)
    tuples = pairs.map(lambda items: {"type": "array", "prefixItems": items, "minItems": 2, "maxItems": 2})
    return lists | tuples


def choices(inner: some.SearchStrategy[dict[str, Any]]) -> some.SearchStrategy[dict[str, Any]]:
    return some.lists(inner, min_size=1, max_size=2).map(lambda parts: {"anyOf": parts})


SCHEMAS = some.recursive(
    LEAVES, lambda inner: objects(inner) | mappings(inner) | arrays(inner) | choices(inner), max_leaves=4
)


@some.composite
def changed(draw: Any, schema: dict[str, Any]) -> Any:
    """A near relative: each part is kept most of the time, else replaced, loosened or wrapped."""
    match draw(some.integers(0, 9)):
        case 0:
            return draw(SCHEMAS)
        case 1:
            return {"anyOf": [schema, draw(LEAVES)]}
        case 2:
            return {name: part for name, part in schema.items() if name not in ("minimum", "minLength", "maxItems")}
        case _:
            return draw(deeper(schema))


@some.composite
def deeper(draw: Any, schema: dict[str, Any]) -> Any:
    new = copy.copy(schema)
    for word in ("items", "additionalProperties"):
        if word in new:
            new[word] = draw(changed(new[word]))
    for word in ("anyOf", "prefixItems"):
        if word in new:
            new[word] = [draw(changed(part)) for part in new[word]]
    if "additionalProperties" in new and draw(some.booleans()):  # a model in place of a mapping
        new["properties"] = {name: draw(changed(new["additionalProperties"])) for name in NAMES[:2]}
        del new["additionalProperties"]
    if "properties" in new:
        new["properties"] = {name: draw(changed(part)) for name, part in new["properties"].items()}
        extra = draw(some.dictionaries(some.sampled_from(NAMES), LEAVES, max_size=1))
        new["properties"] = {**extra, **new["properties"]}
        new["required"] = sorted(name for name in new["properties"] if draw(some.booleans()))
    return new


@some.composite
def sent_by(draw: Any, schema: dict[str, Any]) -> Any:
    """What a writer of this schema may send: only fields that it knows."""
    if "anyOf" in schema:
        return draw(sent_by(draw(some.sampled_from(schema["anyOf"]))))
    if values := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return draw(some.sampled_from(values))
    match schema["type"]:
        case "object":
            if "additionalProperties" in schema:
                return draw(some.dictionaries(some.sampled_from(NAMES), sent_by(schema["additionalProperties"])))
            known: dict[str, Any] = schema.get("properties", {})
            there = [name for name in known if name in schema["required"] or draw(some.booleans())]
            return {name: draw(sent_by(known[name])) for name in there}
        case "array" if "prefixItems" in schema:
            return [draw(sent_by(item)) for item in schema["prefixItems"]]
        case "array":
            number = draw(some.integers(schema.get("minItems", 0), schema.get("maxItems", 4)))
            return [draw(sent_by(schema["items"])) for _ in range(number)]
        case "integer":
            return draw(some.integers(schema.get("minimum", -9), schema.get("maximum", 20)))
        case "number":
            low, high = schema.get("exclusiveMinimum", -9), schema.get("exclusiveMaximum", 20)
            return draw(some.floats(low, high, exclude_min=True, exclude_max=True))
        case "string":
            number = draw(some.integers(schema.get("minLength", 0), schema.get("maxLength", 12)))
            return "s" * number
        case "boolean":
            return draw(some.booleans())
        case _:
            return None


@settings(max_examples=150, suppress_health_check=(HealthCheck.filter_too_much, HealthCheck.too_slow), deadline=None)
@given(some.data())
def test_what_is_called_compatible_is_read(data: Any) -> None:
    old = data.draw(SCHEMAS)
    new = data.draw(changed(old))
    assume(not doubts(new, old))
    sent = data.draw(sent_by(old))
    assert Draft202012Validator(new).is_valid(sent), (old, new, sent)


@given(SCHEMAS)
def test_every_contract_reads_itself(schema: dict[str, Any]) -> None:
    assert doubts(schema, schema) == ()
