"""Pages to act on parked messages: one operation on one of them or on a group as far as it was seen."""

from __future__ import annotations

import secrets
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse

from orchestrator.console.api.context import Asking, Console, Given, PathText
from orchestrator.console.api.problems import KINDS, failure_of
from orchestrator.console.pages.forms import form_of, number_of
from orchestrator.console.pages.rendering import page
from orchestrator.console.pages.routing import pages_router
from orchestrator.errors import InvalidRequestError, OrchestratorError
from orchestrator.service.access import Caller
from orchestrator.service.parked_actions import FROM_TO, Deed, Target
from orchestrator.service.parked_deciding import Wish
from orchestrator.service.parked_editing import Edit
from orchestrator.service.parked_offering import offered, offered_for_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.service.checking import Change
    from orchestrator.service.parked_actions import ParkedAction
    from orchestrator.service.parked_reading import Look
    from orchestrator.service.parked_records import ParkedGroup

router = pages_router("/parked")
Kind: TypeAlias = Literal["messages", "groups"]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one operation on a message or a group is prepared: who asks for what."""

    request: Request
    console: Console
    caller: Caller
    kind: Kind
    name: str
    deed: Deed

    async def look(self) -> Look | None:
        """The message, if it is about one."""
        return (
            await self.console.service.parked.reading.look(self.caller, self.name) if self.kind == "messages" else None
        )

    async def group(self) -> ParkedGroup | None:
        """The group, if it is about one."""
        return (
            await self.console.service.parked.reading.group(self.caller, self.name) if self.kind == "groups" else None
        )

    def wish(self, given: Mapping[str, str]) -> Wish:
        """What a form asks for, as far as its sender saw it."""
        number = number_of(given.get("seen", "")) or 0
        if self.kind == "messages":
            return Wish(target=Target(self.name), reason=given["reason"], key=given["key"], revision=number or None)
        target = Target(fingerprint=self.name, up_to=number)
        return Wish(target=target, reason=given["reason"], key=given["key"])

    async def count(self, seen: int) -> int:
        """How many messages of the group it would move, as far as the group was seen."""
        wish = Wish(target=Target(fingerprint=self.name, up_to=seen), reason="", key="")
        _, found = await self.console.service.parked.deciding.check(self.caller, self.deed, wish)
        return found


def desk_of(*, request: Request, console: Given, caller: Asking, kind: Kind, name: PathText, deed: Deed) -> Desk:
    """The desk of a request."""
    return Desk(request, console, caller, kind, name, deed)


AtDesk = Annotated[Desk, Depends(desk_of)]


@router.get("/{kind}/{name}/do/{deed}")
async def prepare(desk: AtDesk) -> Response:
    """The form: what would be done, and where to say why."""
    return await _form(desk, {"key": _fresh_key()})


@router.post("/{kind}/{name}/do/{deed}")
async def confirm(desk: AtDesk) -> Response:
    """Do it, once however often the form is sent; a refusal is told in the form, as it was filled."""
    given = defaultdict(str, await form_of(desk.request))
    try:
        if "preview" in given:
            changes = await desk.console.service.parked.deciding.preview(
                desk.caller, desk.name, await _edit(desk, given)
            )
            return await _form(desk, given, changes=changes)
        done = await _done(desk, given)
    except OrchestratorError as error:
        # What was refused must not be answered from memory: another try is another operation.
        return await _form(desk, {**given, "key": _fresh_key()}, error=error)
    root = desk.request.scope.get("root_path", "")
    return RedirectResponse(f"{root}/parked/operations/{done.id}", status_code=303)


async def _done(desk: Desk, given: Mapping[str, str]) -> ParkedAction:
    deciding, wish = desk.console.service.parked.deciding, desk.wish(given)
    typed = given["typed"].strip()
    if desk.kind == "groups" and (not typed or typed != given["count"]):
        raise InvalidRequestError([("/typed", f"type {given['count']}, the number of messages, to confirm")])
    if desk.deed == "edit":
        return await deciding.edit(desk.caller, wish, await _edit(desk, given))
    orders = {"redrive": deciding.redrive, "discard": deciding.discard, "restore": deciding.restore}
    return await orders[desk.deed](desk.caller, wish)


async def _edit(desk: Desk, given: Mapping[str, str]) -> Edit:
    """What is to be different: a body that stayed as it was is no edit of it.

    Raises:
        InvalidRequestError: a line of the headers is none.
    """
    look = await desk.look()
    before = look.contents.outgoing.body if look and look.contents else None
    # A browser sends the lines of a text with CRLF, whatever they had.
    body = given["body"].replace("\r\n", "\n").encode() if "body" in given else None
    is_same = before is not None and body == before.replace(b"\r\n", b"\n")
    return Edit(body=None if is_same else body, headers=dict(_headers(given.get("headers", ""))))


def _headers(text: str) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, equals, value = line.partition("=")
        if not (name and equals):
            raise InvalidRequestError([("/headers", f"{line[:100]!r}: write NAME=VALUE, or NAME= to leave it out")])
        found.append((name.strip(), value.strip() or None))
    return found


async def _form(
    desk: Desk, given: Mapping[str, str], *, error: OrchestratorError | None = None, changes: tuple[Change, ...] = ()
) -> Response:
    look, group = await desk.look(), await desk.group()
    failure = None if error is None else failure_of(error)
    seen = look.message.revision if look else group.last_number if group else 0
    body = None if look is None or look.contents is None else _text(look.contents.outgoing.body)
    why_not, count = await _offer(desk, look, group)
    return page(
        desk.request,
        "parked_operate.html",
        status=200 if failure is None else (failure.status or KINDS[failure.code].status),
        deed=desk.deed,
        look=look,
        group=group,
        seen=seen,
        body=body,
        why_not=why_not,
        count=count,
        given=defaultdict(str, given),
        failure=failure,
        changes=changes,
    )


async def _offer(desk: Desk, look: Look | None, group: ParkedGroup | None) -> tuple[str, int]:
    """Why it may not be done now, empty if it may; and how many messages it would move."""
    if look is not None:
        return offered(desk.caller, look.message)[desk.deed], 1
    why_not = "" if group is None else offered_for_all(desk.caller, group)[desk.deed]
    count = 0 if group is None or why_not else await desk.count(group.last_number)
    return why_not or ("" if count else f"nothing of it is {FROM_TO[desk.deed][0]}"), count


def _text(body: bytes) -> str | None:
    """A body as a form can hold it; None if it is no text."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _fresh_key() -> str:
    return secrets.token_urlsafe(16)
