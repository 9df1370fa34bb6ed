"""The page of an address that nothing is at: somebody mistyped it, or a link is old."""

from __future__ import annotations

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from orchestrator.console.pages.routing import pages_router

router = pages_router()
"""Takes every path: to be asked when no other route does, see `build_app`."""


@router.get("/{path:path}", response_class=Response)
async def lost(request: Request) -> Response:
    """Say so, with a way back."""
    here = request.url.path.removeprefix(request.scope.get("root_path", ""))
    raise HTTPException(404, f"there is no page at {here}: see the menu above for those that there are")
