"""The app: the API under /api/v1, its reference, health, and whatever pages are put beside it."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from orchestrator.console.api import administration, bulks, events, executions, health, operations, parked, sagas
from orchestrator.console.api.guarding import Guard
from orchestrator.console.api.health import PACKAGE
from orchestrator.console.api.problems import KINDS, Place, Problem, install
from orchestrator.console.api.reference import problem_page, reference_page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.console.api.context import Console

PREFIX = "/api/v1"
STATIC = Path(__file__).parent.parent / "static"
ROUTERS = (
    *(executions.router, operations.router, sagas.router, bulks.router),
    *(parked.router, administration.router, events.router),
)
ABOUT = (
    "Sagas: what they do, what was undone, and what people do about them. Every error is a problem with a code; "
    "what changes something needs the header Idempotency-Key, and If-Match with the ETag of what was seen."
)


def build_app(console: Console, *, pages: Iterable[APIRouter] = (), root_path: str = "") -> FastAPI:
    """The app of a console.

    Args:
        console: what the routes work with.
        pages: routers of HTML pages; the API and its reference come first.
        root_path: the path that a proxy puts before ours.
    """
    app = FastAPI(title="Saga orchestrator", docs_url=None, redoc_url=None, openapi_url=None, root_path=root_path)
    app.state.console = console
    install(app)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    app.include_router(health.router)
    app.include_router(_references(app))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for router in pages:
        app.include_router(router)
    app.add_middleware(Guard, max_body=console.max_body, only_here=not console.identity.is_on)
    return app


def describe(app: FastAPI) -> dict[str, Any]:
    """The API as OpenAPI 3.1."""
    document = get_openapi(
        title=app.title, version=version(PACKAGE), description=ABOUT, routes=app.routes, openapi_version="3.1.0"
    )
    document["paths"] = {path: item for path, item in document["paths"].items() if path.startswith(PREFIX)}
    schemas = document["components"]["schemas"]
    for model in (Problem, Place):
        schemas[model.__name__] = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas[model.__name__].pop("$defs", None)
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own, which we never answer
        schemas.pop(name, None)
    return document


def _references(app: FastAPI) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get(f"{PREFIX}/openapi.json")
    async def openapi() -> JSONResponse:
        """The API for programs."""
        return JSONResponse(describe(app))

    @router.get("/docs")
    async def reference(request: Request) -> HTMLResponse:
        """The API for people."""
        return HTMLResponse(reference_page(describe(app), root=request.scope.get("root_path", "")))

    @router.get("/problems/{code}")
    async def problem(request: Request, code: str) -> HTMLResponse:
        """What a kind of problem means."""
        if code not in KINDS:
            raise HTTPException(404, "there is no such kind of problem")
        kind = KINDS[code]
        root = request.scope.get("root_path", "")
        return HTMLResponse(problem_page(code, kind.title, kind.status, kind.remedy, root=root))

    return router
