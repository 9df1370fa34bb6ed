"""The page about oneself: who one is here, and what one may."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from orchestrator.console.api.context import Asking
from orchestrator.console.pages.rendering import page
from orchestrator.console.pages.routing import PageRoute
from orchestrator.service.access import Permission

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/me")
async def show_me(request: Request, caller: Asking) -> Response:
    """Who one is, and every right, had or missing."""
    return page(request, "me.html", caller=caller, rights=[(one, caller.may(one)) for one in Permission])
