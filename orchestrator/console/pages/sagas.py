"""Pages of the sagas that this process knows: what each does, who looks after it, and the messages it lives by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request, Response
from pydantic_core import to_json

from orchestrator.console.api.context import Asking, Given, PathText
from orchestrator.console.api.files import asyncapi_of
from orchestrator.console.diagram.svg import svg_of
from orchestrator.console.pages.rendering import page
from orchestrator.console.pages.routing import pages_router
from orchestrator.contracts.json_schema import bundle

if TYPE_CHECKING:
    from typing import Any

router = pages_router("/sagas")


@router.get("")
async def sagas(request: Request, console: Given, caller: Asking) -> Response:
    """The sagas that this process knows, with how many of each version are in flight."""
    known = console.service.definitions.all(caller)
    counts = await console.service.definitions.in_flight(caller, [one.identity for one in known])
    as_of = await console.service.reading.as_of()
    return page(request, "sagas.html", known=list(zip(known, counts, strict=True)), as_of=as_of)


@router.get("/messages.schema.json")
async def schemas(console: Given, caller: Asking) -> Response:
    """JSON Schema of every message that they take, send or are answered by, as a file."""
    return _file("messages.schema.json", bundle(console.service.definitions.contracts(caller)))


@router.get("/asyncapi.json")
async def described(console: Given, caller: Asking) -> Response:
    """The same as AsyncAPI, with where each message travels."""
    return _file("asyncapi.json", asyncapi_of(console, caller))


@router.get("/{name}")
async def saga(
    request: Request, console: Given, caller: Asking, name: PathText, version: int | None = None
) -> Response:
    """One saga: its picture, its versions and how many of each are in flight, and what its events look like."""
    definitions = console.service.definitions
    found = definitions.find(caller, name, version)
    versions = [one.plan.version for one in definitions.all(caller) if one.plan.saga == name]
    everything, *each = await definitions.in_flight(caller, [(name, None), *((name, number) for number in versions)])
    counts = list(zip(versions, each, strict=True))
    drawings = {way: svg_of(found.plan, direction=way) for way in ("right", "down")}
    # What goes on under a version that no code here speaks of: its plan is in the ledger, and goes on.
    others = everything.number - sum(count.number for _, count in counts)
    as_of = await console.service.reading.as_of()
    return page(request, "saga.html", found=found, drawings=drawings, counts=counts, others=max(0, others), as_of=as_of)


def _file(name: str, document: dict[str, Any]) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(to_json(document, indent=2), media_type="application/json", headers=headers)
