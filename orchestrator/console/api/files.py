"""What other programs take as a file: sagas and executions as pictures, messages as AsyncAPI and JSON Schema."""

from __future__ import annotations

import base64
import hashlib
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Response

from orchestrator.console.api.context import LARGEST, Asking, Given, PathText
from orchestrator.console.api.health import PACKAGE
from orchestrator.console.api.problems import documented
from orchestrator.console.diagram.svg import Standing, style_sheet, svg_of
from orchestrator.contracts.asyncapi import asyncapi
from orchestrator.contracts.json_schema import bundle

if TYPE_CHECKING:
    from orchestrator.console.api.context import Console
    from orchestrator.saga.plan import Plan
    from orchestrator.service.access import Caller
    from orchestrator.service.reading import Look

SVG = "image/svg+xml"
PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture", "content": {SVG: {"schema": {"type": "string"}}}}
}
router = APIRouter(tags=["files"], responses=documented())


class Picture(Response):
    """An SVG that carries its style sheet; that one, named by its hash, is all that a browser lets it use."""

    media_type = SVG


@router.get("/sagas/{name}/diagram.svg", response_class=Picture, responses=PICTURE)
async def draw_saga(
    console: Given, caller: Asking, name: PathText, version: Annotated[int | None, Query(ge=0, le=LARGEST)] = None
) -> Response:
    """The picture of a saga, of its newest version unless another is named."""
    return _picture(console.service.definitions.find(caller, name, version).plan)


@router.get("/executions/{execution_id}/diagram.svg", response_class=Picture, responses=PICTURE)
async def draw_execution(console: Given, caller: Asking, execution_id: PathText) -> Response:
    """The picture of an execution: what was done, left, undone, and what is stuck."""
    look = await console.service.reading.look(caller, execution_id)
    return _picture(look.plan, standing_of(look))


@router.get("/asyncapi.json")
async def describe_messages(console: Given, caller: Asking) -> dict[str, Any]:
    """Every message that the sagas of this process take, send or are answered by, as AsyncAPI."""
    return asyncapi_of(console, caller)


@router.get("/messages.schema.json")
async def show_schemas(console: Given, caller: Asking) -> dict[str, Any]:
    """The same as one JSON Schema."""
    return bundle(console.service.definitions.contracts(caller))


def asyncapi_of(console: Console, caller: Caller) -> dict[str, Any]:
    """AsyncAPI of the sagas that a caller may see, with where each message travels."""
    prefix, contracts = console.links.prefix, console.service.definitions.contracts(caller)
    return asyncapi(contracts, title=prefix, version=version_of(PACKAGE), prefix=prefix)


def standing_of(look: Look) -> Standing:
    """Where an execution stands, as its picture shows it."""
    return Standing(
        {one.row.step: one.row for one in look.steps},
        is_unwinding=look.state.is_unwinding,
        has_completed=look.state.completed,
        is_undone=look.row.status == "compensated",
    )


def _picture(plan: Plan, standing: Standing | None = None) -> Response:
    digest = base64.b64encode(hashlib.sha256(style_sheet().encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'"
    drawn = svg_of(plan, standing, with_styles=True)
    return Picture(drawn, headers={"Content-Security-Policy": policy})
