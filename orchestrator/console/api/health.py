"""Whether this process lives, whether it can work, and which version it is; for everybody, so they say no more."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Response

from orchestrator.console.api.context import Given

router = APIRouter(tags=["health"])
PACKAGE = "saga-orchestrator"


@router.get("/healthz")
async def is_alive() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "A server is away"}})
async def is_ready(console: Given, response: Response) -> dict[str, Any]:
    """Whether ledger and Temporal answer; without Temporal everything can still be read."""
    found = await console.health.answers("ledger", "temporal")
    ready = all(found.values())
    response.status_code = 200 if ready else 503
    return {"status": "ready" if ready else "degraded", "answers": found}


@router.get("/version")
async def show_version() -> dict[str, str]:
    """Which version this is."""
    return {"name": PACKAGE, "version": version(PACKAGE)}
