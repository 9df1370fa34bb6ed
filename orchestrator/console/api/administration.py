"""Switches, the audit, API tokens, and who one is."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from orchestrator.console.api.answering import Key, answer_once, made
from orchestrator.console.api.context import NO_NUL, Asking, CursorText, Given, Limit, Name, PathText, Reason, Text
from orchestrator.console.api.problems import documented
from orchestrator.console.api.records import (
    AuditLines,
    IssuedDocument,
    Switchboard,
    TokenDocument,
    TokenLines,
    audit_line,
    switch_document,
    token_document,
    token_values,
)
from orchestrator.service.access import ROLES, Caller, Permission, Role
from orchestrator.service.once import Answer
from orchestrator.service.switches import Kind
from orchestrator.service.tokens import MAX_NAME
from orchestrator.service.trail import Sought

router = APIRouter(tags=["administration"], responses=documented())


class Me(BaseModel):
    """Who asks, and what they may."""

    actor: str
    role: Role
    permissions: list[Permission]
    sagas: list[str] | None = Field(description="null = all")


class SwitchBody(BaseModel):
    """Hold starts of a saga or commands to a participant, or let them go on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    name: Name
    held: bool
    new: bool = Field(default=False, description="hold it also by a name that nothing has run by yet")
    reason: Reason


class TokenBody(BaseModel):
    """A token that is wanted: role, further rights and sagas of its bearer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME, pattern=NO_NUL)]
    role: Role
    granted: frozenset[Permission] = frozenset()
    sagas: frozenset[Name] | None = Field(None, description="null = all")
    days: float | None = Field(
        None, gt=0, le=3_650, allow_inf_nan=False, description="how long it lasts; null = for ever"
    )
    reason: Reason


class RevocationBody(BaseModel):
    """Why a token is revoked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Reason


class Verification(BaseModel):
    """Whether the audit's chain is whole."""

    is_whole: bool
    faults: list[str]


@router.get("/me")
async def show_me(caller: Asking) -> Me:
    """Who asks, and what they may."""
    permissions = sorted(ROLES[caller.role] | caller.granted)
    sagas = None if caller.sagas is None else sorted(caller.sagas)
    return Me(actor=caller.actor, role=caller.role, permissions=permissions, sagas=sagas)


@router.get("/switches")
async def list_switches(console: Given, caller: Asking) -> Switchboard:
    """Everything that is held."""
    return Switchboard(items=[switch_document(one) for one in await console.service.switching.all(caller)])


@router.post("/switches", response_model=Switchboard, responses=documented(409, 413, 415))
async def turn_switch(request: Request, console: Given, caller: Asking, body: SwitchBody, key: Key = None) -> Response:
    """Hold something, or let it go on."""

    async def work(_: str) -> Answer:
        switching = console.service.switching
        if body.held:
            await switching.suspend(caller, body.kind, body.name, body.reason, is_new=body.new)
        else:
            await switching.resume(caller, body.kind, body.name, body.reason)
        return made(200, Switchboard(items=[switch_document(one) for one in await switching.all(caller)]))

    return await answer_once(request, console, caller, key, work)


@router.get("/audit")
async def list_audit(
    *,
    console: Given,
    caller: Asking,
    target: Annotated[Text, Query(description="as `trip:t1`, `starts:trip`, `bulk:...`, `token:...`")] = "",
    actor: Annotated[Text, Query()] = "",
    limit: Limit = 50,
    cursor: CursorText = None,
) -> AuditLines:
    """Who did what, and what was refused, the newest first."""
    of = f"audit {target} {actor}"
    place = console.cursors.read(of, cursor)
    before = None if place is None else int(place[0])
    found = await console.service.trail.audit(caller, Sought(target=target, actor=actor), before=before, limit=limit)
    last = (found[-1].number,) if len(found) == limit else None
    return AuditLines(items=[audit_line(row) for row in found], next_cursor=console.cursors.write(of, last))


@router.get("/audit/verification")
async def verify_audit(console: Given, caller: Asking) -> Verification:
    """Read the audit from its beginning, and tell every row that was changed, left out or put in."""
    faults = await console.service.trail.verify(caller)
    return Verification(is_whole=not faults, faults=[f"row {one.number}: {one.text}" for one in faults])


@router.get("/tokens")
async def list_tokens(console: Given, caller: Asking, limit: Limit = 50, cursor: CursorText = None) -> TokenLines:
    """API tokens, revoked and expired ones too."""
    place = console.cursors.read("tokens", cursor)
    after = "" if place is None else str(place[0])
    found = await console.service.issuing.all(caller, after=after, limit=limit)
    last = (found[-1].id,) if len(found) == limit else None
    return TokenLines(items=[token_document(one) for one in found], next_cursor=console.cursors.write("tokens", last))


@router.post("/tokens", status_code=201, response_model=IssuedDocument, responses=documented(409, 413, 415))
async def create_token(request: Request, console: Given, caller: Asking, body: TokenBody, key: Key = None) -> Response:
    """A new API token. It is shown in this answer alone; a repeat of the request does not show it again."""
    text: str | None = None

    async def work(_: str) -> Answer:
        nonlocal text
        wanted = Caller(actor="", role=body.role, granted=body.granted, sagas=body.sagas)
        lasts = None if body.days is None else timedelta(days=body.days)
        issued = await console.service.issuing.create(caller, body.name, wanted, body.reason, lasts=lasts)
        text = issued.text
        return made(201, IssuedDocument(**token_values(issued.token), token=None))

    kept = await answer_once(request, console, caller, key, work)
    if text is None:
        return kept
    whole = IssuedDocument.model_validate_json(bytes(kept.body)).model_copy(update={"token": text})
    return Response(whole.model_dump_json(), kept.status_code, media_type="application/json")


@router.post("/tokens/{token_id}/revocation", response_model=TokenDocument, responses=documented(409, 413, 415))
async def revoke_token(
    *, request: Request, console: Given, caller: Asking, token_id: PathText, body: RevocationBody, key: Key = None
) -> Response:
    """Let nobody in with a token any more."""

    async def work(_: str) -> Answer:
        return made(200, token_document(await console.service.issuing.revoke(caller, token_id, body.reason)))

    return await answer_once(request, console, caller, key, work)
