"""The API's reference as a page, drawn on the server from its OpenAPI document: no script, nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from orchestrator.console.api.outline import ANSWERS, FIELDS, PARAMETERS, Markup, document_types_of, requests_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def _link(name: str) -> str:
    return f'<a href="#schema-{escape(name)}">{escape(name)}</a>'


MARKUP = Markup(escape, _link)


def reference_page(document: Mapping[str, Any], *, root: str, theme: str = "system") -> str:
    """The page. `document`: OpenAPI 3.1. `root`: the path that stands before every address. `theme`: its colours."""
    parts = ["".join(_requests(document)), "".join(_documents(document))]
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


def _requests(document: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Requests</h2>"
    for request in requests_of(document, MARKUP):
        name, path = escape(request.name), escape(request.path)
        yield f'<section id="{name}"><h3><a href="#{name}">{request.method} <code>{path}</code></a></h3>'
        yield f"<p>{request.about}</p>"
        yield f"{_table(PARAMETERS, request.parameters)}{_table(ANSWERS, request.answers)}</section>"


def _documents(document: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Documents</h2>"
    for one in document_types_of(document, MARKUP):
        name = escape(one.name)
        yield f'<section id="schema-{name}"><h3>{name}</h3><p>{one.about}</p>{_table(FIELDS, one.fields)}</section>'


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    first = "".join(f'<th scope="col">{escape(one)}</th>' if one else "<td></td>" for one in head)
    rest = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide" tabindex="0"><table><thead><tr>{first}</tr></thead><tbody>{rest}</tbody></table></div>'
