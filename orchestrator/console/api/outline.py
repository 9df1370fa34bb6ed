"""What a reference of the API says, read from its OpenAPI document; how it looks is the matter of whoever writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

METHODS = ("get", "post", "put", "patch", "delete")
PARAMETERS = ("name", "in", "", "type", "meaning")
ANSWERS = ("status", "meaning", "answer")
FIELDS = ("field", "", "type", "meaning")


class Markup(NamedTuple):
    """How a reference writes.

    Attributes:
        text: any text, made harmless.
        link: the name of a document, as a link to where it is told of.
    """

    text: Callable[[str], str]
    link: Callable[[str], str]


@dataclass(frozen=True)
class Request:
    """One request: rows of `PARAMETERS` and of `ANSWERS`, in the markup that was asked for.

    Attributes:
        name: unique in the whole document, plain text as method, path and group are.
        group: to which it belongs.
        about: what it does, in the markup.
    """

    name: str
    group: str
    method: str
    path: str
    about: str
    parameters: list[tuple[str, ...]]
    answers: list[tuple[str, ...]]


@dataclass(frozen=True)
class DocumentType:
    """What a body is made of: rows of `FIELDS`, in the markup that was asked for.

    Attributes:
        name: plain text.
        about: what it is, in the markup; of one that has no fields, what it may be.
    """

    name: str
    about: str
    fields: list[tuple[str, ...]]


def requests_of(document: Mapping[str, Any], markup: Markup) -> Iterator[Request]:
    """Every request, in the order of the document."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield _request(path, method, item[method], markup)


def _request(path: str, method: str, operation: Mapping[str, Any], markup: Markup) -> Request:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    rows = [_parameter(one, markup) for one in operation.get("parameters", ())]
    return Request(
        name=operation["operationId"],
        group=operation.get("tags", [""])[0],
        method=method.upper(),
        path=path,
        about=markup.text(operation.get("description") or operation.get("summary", "")),
        parameters=rows + ([("body", "body", "needed", type_of(body, markup), "")] if body else []),
        answers=[_answer(status, one, markup) for status, one in sorted(operation["responses"].items())],
    )


def _answer(status: Any, one: Mapping[str, Any], markup: Markup) -> tuple[str, ...]:
    content = one.get("content", {}).items()
    answered = ", ".join(type_of(body.get("schema"), markup) or markup.text(kind) for kind, body in content)
    return str(status), markup.text(one.get("description", "")), answered


def _parameter(one: Mapping[str, Any], markup: Markup) -> tuple[str, ...]:
    needed = "needed" if one.get("required") else ""
    meaning = one.get("description") or one.get("schema", {}).get("description", "")
    return (
        markup.text(one["name"]),
        markup.text(one["in"]),
        needed,
        type_of(one.get("schema"), markup),
        _told(meaning, markup),
    )


def document_types_of(document: Mapping[str, Any], markup: Markup) -> Iterator[DocumentType]:
    """Everything that bodies are made of, by name."""
    for name, schema in sorted(document["components"]["schemas"].items()):
        needed = schema.get("required", ())
        fields = schema.get("properties", {})
        rows: list[tuple[str, ...]] = [
            (
                markup.text(field),
                "needed" if field in needed else "",
                type_of(one, markup),
                _told(one.get("description", ""), markup),
            )
            for field, one in fields.items()
        ]
        about = _told(schema.get("description", ""), markup) or ("" if fields else type_of(schema, markup))
        yield DocumentType(name, about, rows)


def _told(text: str, markup: Markup) -> str:
    return markup.text(" ".join(text.split()))


def type_of(schema: Mapping[str, Any] | None, markup: Markup) -> str:
    """A type in a few words; documents are links. Empty for none."""
    if schema is None:
        return ""
    if "$ref" in schema:
        return markup.link(str(schema["$ref"]).rpartition("/")[2])
    if "const" in schema:
        return markup.text(repr(schema["const"]))
    if "enum" in schema:
        return markup.text(" | ".join(str(value) for value in schema["enum"]))
    kinds: list[dict[str, Any]] = schema.get("anyOf") or schema.get("oneOf") or []
    if kinds:
        return markup.text(" | ").join(type_of(kind, markup) for kind in kinds)
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}), markup)}"
    words = [str(schema.get("type", "anything")), f"({schema['format']})" if "format" in schema else ""]
    return markup.text(" ".join(filter(None, words)))
