"""Looking at parked messages: groups, lists, one message whole; payloads only for those who may see them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic_core import from_json

from orchestrator.errors import ParkedNotFoundError
from orchestrator.service.access import Permission
from orchestrator.service.checking import differences
from orchestrator.service.records import milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.service.access import Caller
    from orchestrator.service.checking import Change
    from orchestrator.service.operations import Clock
    from orchestrator.service.parked_actions import ParkedAction, Target
    from orchestrator.service.parked_ports import ParkedReader
    from orchestrator.service.parked_records import (
        JSON,
        Content,
        Contents,
        GroupFilter,
        GroupPage,
        ParkedFilter,
        ParkedGroup,
        ParkedMessage,
        ParkedOverview,
        ParkedPage,
        Place,
    )
    from orchestrator.service.records import Count

PUBLIC = ("ce-", "saga-", "cloudevents_", "cloudevents:", "traceparent")
"""Headers that are shown without the right to see payloads: what a message says about itself."""


@dataclass(frozen=True, slots=True)
class Look:
    """One message, as far as a caller may see it.

    Attributes:
        contents: what is in it; None without the right to see payloads.
        headers: those that say what it is, for everybody.
        changes: what was edited; None without that right.
    """

    message: ParkedMessage
    contents: Contents | None
    headers: Mapping[str, JSON]
    changes: tuple[Change, ...] | None


class ParkedReading:
    """The use cases that change nothing."""

    def __init__(self, reader: ParkedReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def overview(self, caller: Caller) -> ParkedOverview:
        """How many wait, since when, and how many came in the last hour.

        Raises:
            DeniedError: no right to see parked messages. All other use cases raise it too.
        """
        caller.require(Permission.PARKED_READ)
        return await self._reader.overview(milliseconds(self._clock.now()), caller.sagas)

    async def groups(
        self, caller: Caller, wanted: GroupFilter, *, after: Place | None = None, limit: int = 50
    ) -> GroupPage:
        """Groups, the one that was added to last comes first."""
        caller.require(Permission.PARKED_READ)
        return await self._reader.groups(replace(wanted, sagas=caller.sagas), after=after, limit=limit)

    async def group(self, caller: Caller, fingerprint: str) -> ParkedGroup:
        """One group.

        Raises:
            ParkedNotFoundError: there is none, or none that this caller may see.
        """
        caller.require(Permission.PARKED_READ)
        group = await self._reader.group(fingerprint)
        if group is None or not may_touch(caller, Permission.PARKED_READ, group.saga):
            raise ParkedNotFoundError("group of parked messages", fingerprint)
        return group

    async def messages(
        self, caller: Caller, wanted: ParkedFilter, *, after: Place | None = None, limit: int = 50
    ) -> ParkedPage:
        """Messages, the last parked first."""
        caller.require(Permission.PARKED_READ)
        return await self._reader.page(replace(wanted, sagas=caller.sagas), after=after, limit=limit)

    async def count(self, caller: Caller, wanted: ParkedFilter, *, cap: int = 10_000) -> Count:
        """How many there are; counting stops at `cap`."""
        caller.require(Permission.PARKED_READ)
        return await self._reader.count(replace(wanted, sagas=caller.sagas), cap=cap)

    async def find(self, caller: Caller, message: str) -> ParkedMessage:
        """One message, without its content.

        Raises:
            ParkedNotFoundError: there is none, or none that this caller may see.
        """
        caller.require(Permission.PARKED_READ)
        found = await self._reader.find(message)
        if found is None or not may_touch(caller, Permission.PARKED_READ, found.saga):
            raise ParkedNotFoundError("parked message", message)
        return found

    async def look(self, caller: Caller, message: str) -> Look:
        """One message with what is in it, without taking it from anywhere. Errors: see `find`."""
        found = await self.find(caller, message)
        contents = await self._reader.contents(message)
        if contents is None:  # it was forgotten between the two
            raise ParkedNotFoundError("parked message", message)
        may_see = may_touch(caller, Permission.PAYLOAD, found.saga)
        return Look(
            message=found,
            contents=contents if may_see else None,
            headers={name: value for name, value in contents.outgoing.headers.items() if _is_public(name)},
            changes=_edits(contents) if may_see else None,
        )

    async def action(self, caller: Caller, action: str) -> ParkedAction:
        """How far an action is.

        Raises:
            ParkedNotFoundError: there is none, or none that this caller may see.
        """
        caller.require(Permission.PARKED_READ)
        found = await self._reader.action(action)
        if found is None or not may_touch(caller, Permission.PARKED_READ, await self._saga_of(found.target)):
            raise ParkedNotFoundError("action on parked messages", action)
        return found

    async def _saga_of(self, target: Target) -> str:
        """Empty if it belongs to none, or nobody knows any more to which."""
        if target.message:
            message = await self._reader.find(target.message)
            return "" if message is None else message.saga
        group = await self._reader.group(target.fingerprint)
        return "" if group is None else group.saga


def may_touch(caller: Caller, permission: Permission, saga: str) -> bool:
    """Whether a caller has a right for a message of this saga.

    One that belongs to no saga, or nobody knows to which, is for those only who may touch all of them.
    """
    return caller.may(permission, saga) if saga else caller.sagas is None and caller.may(permission)


def content_changes(before: Content, after: Content) -> tuple[Change, ...]:
    """What is different between two forms of a message: headers, and the body field by field if both are JSON."""
    return tuple(differences("", _as_json(before), _as_json(after)))


def _edits(contents: Contents) -> tuple[Change, ...]:
    return () if contents.edited is None else content_changes(contents.original, contents.edited)


def _as_json(content: Content) -> JSON:
    try:
        body = from_json(content.body)
    except ValueError:
        body = content.body.decode(errors="replace")
    return {"headers": dict(content.headers), "body": body}


def _is_public(name: str) -> bool:
    return name.lower().startswith(PUBLIC)
