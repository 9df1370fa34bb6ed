"""Requests that change something: carried out once per idempotency key, and answered again when they are repeated."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import Header, Response

from orchestrator.errors import InvalidRequestError, RequestProblemError
from orchestrator.service.once import Answer
from orchestrator.service.reasons import MAX_KEY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi import Request
    from pydantic import BaseModel

    from orchestrator.console.api.context import Console
    from orchestrator.service.access import Caller

NEEDED = "needed"
"""Marks, for the description, a header that we miss ourselves, with an answer that says so."""
KEY = "Idempotency-Key"
_MEANING = "the same key with the same request is answered again"
Key = Annotated[str | None, Header(alias=KEY, description=_MEANING, json_schema_extra={NEEDED: True})]
KeyUnlessDry = Annotated[str | None, Header(alias=KEY, description=f"{_MEANING}; not needed for a dry run")]


def needed(key: str | None) -> str:
    """The key.

    Raises:
        RequestProblemError: there is none.
        InvalidRequestError: it is too long.
    """
    if not key:
        raise RequestProblemError("idempotency-key-missing", f"the header {KEY} is missing")
    if len(key) > MAX_KEY:
        raise InvalidRequestError([(f"/header/{KEY}", f"at most {MAX_KEY} characters")])
    return key


async def answer_once(
    request: Request, console: Console, caller: Caller, key: str | None, work: Callable[[str], Awaitable[Answer]]
) -> Response:
    """The answer of `work`, which is given the key; of the first request, if this is a repeat.

    Raises:
        KeyReusedError, KeyInUseError: see `Once`.
    """
    given = needed(key)
    name = await _request_hash(request)
    answer = await console.service.once.perform(caller.actor, given, name, lambda: work(given))
    return Response(answer.body, answer.status, answer.headers, "application/json")


def made(status: int, document: BaseModel, *, location: str = "") -> Answer:
    """An answer with a document, and where to ask for what became of it."""
    headers = {"Location": location} if location else {}
    return Answer(status=status, body=document.model_dump_json().encode(), headers=headers)


def at(request: Request, name: str, **parts: str) -> str:
    """The path of a route."""
    root = str(request.scope.get("root_path", ""))
    return root + str(request.app.url_path_for(name, **{part: quote(text, safe="") for part, text in parts.items()}))


async def _request_hash(request: Request) -> str:
    """Names a request: however its JSON is spaced and ordered."""
    body = await request.body()
    said = json.dumps(json.loads(body), sort_keys=True) if body else ""
    asked = [request.method, request.url.path, request.headers.get("if-match", ""), said]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()
