"""What people set for themselves: how pages look to them, and their own views of the list of executions."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from orchestrator.console.api.context import Asking, Given, PathText
from orchestrator.console.api.problems import documented
from orchestrator.console.listing import listed, query_of
from orchestrator.service.personal import MAX_QUERY, UTC, Preferences, Theme, View

router = APIRouter(prefix="/me", tags=["administration"], responses=documented())


class PreferencesBody(BaseModel):
    """How pages look to whoever asks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    theme: Theme = "system"
    time_zone: str = Field(UTC, max_length=100, description="a name of the IANA data base, as `Europe/Berlin`")


class ViewBody(BaseModel):
    """What a view shows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    query: str = Field(max_length=MAX_QUERY, description="as in the list's address: `status=stuck&saga=fulfil-order`")


class ViewDocument(BaseModel):
    """A view of the list of executions."""

    name: str
    query: str


class ViewLines(BaseModel):
    """Somebody's views, by name."""

    items: list[ViewDocument]


@router.get("/preferences")
async def show_preferences(console: Given, caller: Asking) -> PreferencesBody:
    """How pages look to whoever asks, and in which zone they tell time."""
    return _document(await console.service.personal.preferences(caller))


@router.put("/preferences", responses=documented(413, 415))
async def set_preferences(console: Given, caller: Asking, body: PreferencesBody) -> PreferencesBody:
    """Let pages look so from now on; what is not said is as in the beginning."""
    wanted = Preferences(theme=body.theme, time_zone=body.time_zone)
    return _document(await console.service.personal.prefer(caller, wanted))


@router.get("/views")
async def list_views(console: Given, caller: Asking) -> ViewLines:
    """The views that whoever asks has kept."""
    found = await console.service.personal.views(caller)
    return ViewLines(items=[ViewDocument(name=one.name, query=one.query) for one in found])


@router.put("/views/{view}", responses=documented(413, 415))
async def keep_view(console: Given, caller: Asking, view: PathText, body: ViewBody) -> ViewDocument:
    """Keep a view, in place of one of the same name. The place in the list is left out of its query."""
    kept = await console.service.personal.keep_view(caller, View(view, listed(query_of(body.query))))
    return ViewDocument(name=kept.name, query=kept.query)


@router.delete("/views/{view}", status_code=204, response_class=Response)
async def forget_view(console: Given, caller: Asking, view: PathText) -> None:
    """Remove a view; one that is not there is removed already."""
    await console.service.personal.forget_view(caller, view)


def _document(found: Preferences) -> PreferencesBody:
    return PreferencesBody(theme=found.theme, time_zone=found.time_zone)
