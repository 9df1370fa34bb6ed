"""The app: the API under /api/v1, its reference, health, and whatever pages are put beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from orchestrator.console.api import health
from orchestrator.console.api.description import PREFIX, ROUTERS, TITLE, description
from orchestrator.console.api.guarding import Guard
from orchestrator.console.api.problems import KINDS, install
from orchestrator.console.api.reference import problem_page, reference_page
from orchestrator.console.browsing import colours

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from orchestrator.console.api.context import Console

STATIC = Path(__file__).parent.parent / "static"


def build_app(console: Console, *, pages: Iterable[APIRouter] = (), lost: APIRouter | None = None) -> FastAPI:
    """The app of a console.

    Args:
        console: what the routes work with.
        pages: routers of HTML pages; the API and its reference come first.
        lost: a page for whoever looks for one where nothing is; programs are told by a problem document.
    """
    app = FastAPI(title=TITLE, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.console = console
    install(app)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    app.include_router(health.router)
    app.include_router(_references())
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for router in pages:
        app.include_router(router)
    if lost is not None:
        app.router.default = _elsewhere(lost, app.router.default)
    app.add_middleware(Guard, max_body=console.max_body, only_here=not console.identity.is_on)
    return app


def _elsewhere(lost: ASGIApp, otherwise: ASGIApp) -> ASGIApp:
    """What answers where no route is."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        is_looked_at = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        is_page = is_looked_at and not Request(scope).url.path.startswith(scope.get("root_path", "") + "/api/")
        await (lost if is_page else otherwise)(scope, receive, send)

    return answer


def _references() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get(f"{PREFIX}/openapi.json")
    async def openapi() -> JSONResponse:
        """The API for programs."""
        return JSONResponse(description())

    @router.get("/docs")
    async def reference(request: Request) -> HTMLResponse:
        """The API for people."""
        root = request.scope.get("root_path", "")
        return HTMLResponse(reference_page(description(), root=root, theme=colours(request)))

    @router.get("/problems/{code}")
    async def problem(request: Request, code: str) -> HTMLResponse:
        """What a kind of problem means."""
        if code not in KINDS:
            raise HTTPException(404, "there is no such kind of problem")
        kind = KINDS[code]
        root = request.scope.get("root_path", "")
        return HTMLResponse(problem_page(code, kind.title, kind.status, kind.remedy, root=root, theme=colours(request)))

    return router
