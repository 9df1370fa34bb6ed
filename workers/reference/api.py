"""The REST API as a document: docs/api.md is made by it, and a test holds the file to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.console.api.description import description
from orchestrator.console.api.outline import ANSWERS, FIELDS, PARAMETERS, Markup, document_types_of, requests_of
from orchestrator.console.api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.console.api.outline import DocumentType, Request

FILE = Path("docs/api.md")
HEAD = """# The REST API

`saga console` serves it below `/api/v1`, with this reference at `/docs` and its description,
[OpenAPI 3.1](openapi.json), at `/api/v1/openapi.json`.

- With `SAGA_ACCESS_CONTROL=1` whoever asks shows a token, `Authorization: Bearer ...` (of `saga token create`, or a JWT
  of your provider); a request that is refused says which permission is missing.
- What changes something needs the header `Idempotency-Key`: the same key with the same request is answered again, not
  done again. What acts on something that may have changed needs `If-Match` with the ETag of what was seen.
- Lists come in pages: `next_cursor` goes into `cursor` of the next request, with the same filter, until it is null.
- Times are RFC 3339 with their offset; ids are text.
- Every error is `application/problem+json`, see [Problem](#problem), with a code that stays: [all of
  them](errors.md#problems-of-the-api).

This file is made by `make docs` from the API itself.
"""


def _text(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


MARKUP = Markup(_text, _link)
PROBLEM = _link(Problem.__name__)


def document() -> str:
    """The whole file."""
    return HEAD + "".join(_requests()) + "\n## Documents\n" + "".join(_documents())


def _requests() -> Iterator[str]:
    groups: dict[str, list[Request]] = {}
    for request in requests_of(description(), MARKUP):
        groups.setdefault(request.group, []).append(request)
    for group, requests in groups.items():
        yield f"\n## Requests: {group}\n"
        for request in requests:
            yield from _request(request)


def _request(request: Request) -> Iterator[str]:
    yield f"\n### {request.method} `{request.path}`\n\n{_sentence(request.about)}\n"
    yield _table(PARAMETERS, request.parameters)
    yield _table(ANSWERS, (row for row in request.answers if row[-1] != PROBLEM))
    problems = ", ".join(row[0] for row in request.answers if row[-1] == PROBLEM)
    yield f"\nProblems: {problems}\n" if problems else ""


def _documents() -> Iterator[str]:
    for one in document_types_of(description(), MARKUP):
        yield from _document(one)


def _document(one: DocumentType) -> Iterator[str]:
    yield f"\n### {one.name}\n"
    yield f"\n{one.about}\n" if one.about else ""
    yield _table(FIELDS, one.fields)


def _sentence(text: str) -> str:
    return " ".join(text.split())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = "".join(_line(row) for row in rows)
    return f"\n{_line(head)}|{'---|' * len(head)}\n{lines}" if lines else ""


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |\n"


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
