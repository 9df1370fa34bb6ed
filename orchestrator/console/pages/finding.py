"""The search box of every page: a whole id leads to what it names, everything else to the list of executions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote, urlencode

from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict

from orchestrator.console.api.context import Asking, Given, Typed
from orchestrator.console.pages.routing import pages_router
from orchestrator.service.finding import named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.service.finding import Kind

router = pages_router()
PLACES: Mapping[Kind, str] = {
    "execution": "/executions",
    "operation": "/operations",
    "parked operation": "/parked/operations",
    "bulk": "/bulks",
}


class FindQuery(BaseModel):
    """What is looked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q: Typed = ""


@router.get("/find")
async def find(request: Request, console: Given, caller: Asking, query: Annotated[FindQuery, Query()]) -> Response:
    """To the page of what has this id, else to the executions whose id or key begins so, ended ones too."""
    found = await named(console.service, caller, query.q)
    list_of_them = f"/executions?{urlencode({'view': 'all', 'q': query.q})}"
    to = list_of_them if found is None else f"{PLACES[found.kind]}/{quote(found.id, safe='')}"
    return RedirectResponse(f"{request.scope.get('root_path', '')}{to}", status_code=303)
