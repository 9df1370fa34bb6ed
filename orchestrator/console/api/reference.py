"""The API's reference as a page, drawn on the server from its OpenAPI document: no script, nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

METHODS = ("get", "post", "put", "patch", "delete")


def reference_page(document: Mapping[str, Any], *, root: str, theme: str = "system") -> str:
    """The page. `document`: OpenAPI 3.1. `root`: the path that stands before every address. `theme`: its colours."""
    parts = ["".join(_operations(document)), "".join(_schemas(document))]
    title = escape(document["info"]["title"])
    head = _head(title, root, theme)
    about = f"<h1>{title} {escape(document['info']['version'])}</h1><p>{escape(document['info']['description'])}</p>"
    link = f'<p><a href="{escape(root)}/api/v1/openapi.json">The same for programs: OpenAPI 3.1</a></p>'
    return f"{head}<body><main>{about}{link}{''.join(parts)}</main></body></html>"


def problem_page(code: str, title: str, status: int, remedy: str, *, root: str, theme: str = "system") -> str:
    """The page that a problem's `type` names."""
    return (
        f"{_head(escape(title), root, theme)}<body><main>"
        f"<h1>{escape(title)}</h1><p><code>{escape(code)}</code>, status {status}</p><p>{escape(remedy)}</p>"
        "</main></body></html>"
    )


def _head(title: str, root: str, theme: str) -> str:
    chosen = "" if theme == "system" else f' data-theme="{escape(theme)}"'
    return (
        f'<!doctype html><html lang="en"{chosen}><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" type="image/svg+xml" href="{escape(root)}/static/icon.svg">'
        f'<link rel="stylesheet" href="{escape(root)}/static/reference.css"></head>'
    )


def _operations(document: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Requests</h2>"
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield from _operation(path, method, item[method])


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    name = escape(operation["operationId"])
    yield f'<section id="{name}"><h3><a href="#{name}">{method.upper()} <code>{escape(path)}</code></a></h3>'
    yield f"<p>{escape(operation.get('description') or operation.get('summary', ''))}</p>"
    rows = [_parameter(one) for one in operation.get("parameters", ())]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    rows += [("body", "body", "needed", _type(body), "")] if body else []
    yield _table(("name", "in", "", "type", "meaning"), rows)
    answers = [(str(status), escape(one.get("description", "")), _answered(one)) for status, one in _answers(operation)]
    yield _table(("status", "meaning", "answer"), answers) + "</section>"


def _answers(operation: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return sorted(operation["responses"].items())


def _answered(answer: Mapping[str, Any]) -> str:
    return ", ".join(_type(one.get("schema")) or escape(kind) for kind, one in answer.get("content", {}).items())


def _parameter(one: Mapping[str, Any]) -> tuple[str, ...]:
    needed = "needed" if one.get("required") else ""
    meaning = one.get("description") or one.get("schema", {}).get("description", "")
    return escape(one["name"]), escape(one["in"]), needed, _type(one.get("schema")), escape(meaning)


def _schemas(document: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Documents</h2>"
    for name, schema in sorted(document["components"]["schemas"].items()):
        about = escape(schema.get("description", ""))
        yield f'<section id="schema-{escape(name)}"><h3>{escape(name)}</h3><p>{about}</p>'
        needed = schema.get("required", ())
        rows = [
            (escape(field), "needed" if field in needed else "", _type(one), escape(one.get("description", "")))
            for field, one in schema.get("properties", {}).items()
        ]
        yield _table(("field", "", "type", "meaning"), rows) + "</section>"


def _type(schema: dict[str, Any] | None) -> str:
    """A type in a few words; documents are links."""
    if schema is None:
        return ""
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if "const" in schema:
        return escape(repr(schema["const"]))
    if "enum" in schema:
        return " | ".join(escape(str(value)) for value in schema["enum"])
    kinds: list[dict[str, Any]] = schema.get("anyOf") or schema.get("oneOf") or []
    if kinds:
        return " | ".join(_type(kind) for kind in kinds)
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    words = [str(schema.get("type", "anything")), f"({schema['format']})" if "format" in schema else ""]
    return escape(" ".join(filter(None, words)))


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    first = "".join(f'<th scope="col">{escape(one)}</th>' if one else "<td></td>" for one in head)
    rest = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide" tabindex="0"><table><thead><tr>{first}</tr></thead><tbody>{rest}</tbody></table></div>'
