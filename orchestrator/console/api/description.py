"""The API described: OpenAPI 3.1, the same whatever is put beside it. `make docs` stores it as docs/openapi.json."""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from orchestrator.console.api import (
    administration,
    bulks,
    events,
    executions,
    files,
    messages,
    operations,
    parked,
    personal,
    sagas,
    statistics,
)
from orchestrator.console.api.answering import KEY, NEEDED
from orchestrator.console.api.health import PACKAGE
from orchestrator.console.api.meanings import MEANINGS
from orchestrator.console.api.problems import Place, Problem
from orchestrator.service.reasons import MAX_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "/api/v1"
TITLE = "Saga orchestrator"
ROUTERS = (
    *(executions.router, operations.router, sagas.router, bulks.router),
    *(parked.router, statistics.router, messages.router, administration.router, events.router),
    *(personal.router, files.router),
)
ABOUT = (
    "Sagas: what they do, what was undone, and what people do about them. Every error is a problem with a code; "
    "what changes something needs the header Idempotency-Key, and If-Match with the ETag of what was seen; "
    "PUT and DELETE need neither: sent again they change nothing more."
)
FILE = Path("docs/openapi.json")


@cache
def description() -> dict[str, Any]:
    """The document. Nobody changes it."""
    app = FastAPI()
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    document = get_openapi(
        title=TITLE, version=version(PACKAGE), description=ABOUT, routes=app.routes, openapi_version="3.1.0"
    )
    for parameter in _parameters(document):
        _sharpen(parameter)
    schemas = document["components"]["schemas"]
    for model in (Problem, Place):
        schemas[model.__name__] = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas[model.__name__].pop("$defs", None)
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own, which we never answer
        schemas.pop(name, None)
    return document


def _parameters(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        for operation in item.values():
            yield from operation.get("parameters", ())


def _sharpen(parameter: dict[str, Any]) -> None:
    """Say what our code insists on and FastAPI does not know: it would answer 422 where we have a better word."""
    schema = parameter["schema"]
    if meaning := MEANINGS.get((parameter["in"], parameter["name"])):
        parameter.setdefault("description", meaning)
    if parameter["in"] == "header":
        schema.pop("anyOf", None)  # a header has no null
        schema["type"] = "string"
    if parameter["name"] == KEY:
        schema |= {"minLength": 1, "maxLength": MAX_KEY}
        parameter["required"] = schema.pop(NEEDED, False)


def written() -> str:
    """The document as it is stored."""
    return json.dumps(description(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
