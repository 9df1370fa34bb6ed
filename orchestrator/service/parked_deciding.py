"""Deciding about parked messages: edit, redrive, discard, restore; one message, or a group as far as it was seen.

Each needs a right, a reason and an idempotency key, and is audited, also when it is refused.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic_core import to_json

from orchestrator.errors import (
    ConflictError,
    InvalidRequestError,
    KeyReusedError,
    ParkedNotFoundError,
    PublishUnknownError,
    RefusedCommandError,
)
from orchestrator.service.access import Permission
from orchestrator.service.auditing import AuditEntry
from orchestrator.service.operating import REFUSALS
from orchestrator.service.parked_actions import FROM_TO, ParkedAction, Target
from orchestrator.service.parked_reading import content_changes, may_touch
from orchestrator.service.parked_records import ParkedFilter
from orchestrator.service.reasons import check_words
from orchestrator.service.records import milliseconds, moment

if TYPE_CHECKING:
    from orchestrator.service.access import Caller
    from orchestrator.service.checking import Change
    from orchestrator.service.operations import Clock, Register
    from orchestrator.service.parked_actions import Deed, Edited
    from orchestrator.service.parked_editing import Edit, EditRules
    from orchestrator.service.parked_ports import ParkedReader, ParkedStore
    from orchestrator.service.parked_records import ParkedGroup, ParkedMessage
    from orchestrator.service.parked_redriving import Redriving

PERMISSIONS: dict[Deed, Permission] = {
    "edit": Permission.PARKED_EDIT,
    "redrive": Permission.PARKED_REDRIVE,
    "discard": Permission.PARKED_DISCARD,
    "restore": Permission.PARKED_DISCARD,
}
"""The right that each needs, beside `parked:read`."""
MOST_COUNTED = 1_000_000
REFUSED = (*REFUSALS, ParkedNotFoundError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a caller wants.

    Attributes:
        target: one message, or a group as far as it was seen; `up_to` 0 = as far as it goes now, for `check` alone.
        key: idempotency key: the same key and wish again is the same action.
        revision: of the one message, as the caller saw it; None = whatever it is.
    """

    target: Target
    reason: str
    key: str
    revision: int | None = None


class ParkedDeciding:
    """The use cases that change something. `redriving`: sends in this process; None = the recorder alone does."""

    def __init__(
        self,
        reader: ParkedReader,
        store: ParkedStore,
        register: Register,
        clock: Clock,
        *,
        rules: EditRules,
        redriving: Redriving | None = None,
    ) -> None:
        self._reader = reader
        self._store = store
        self._register = register
        self._clock = clock
        self._rules = rules
        self._redriving = redriving

    async def redrive(self, caller: Caller, wish: Wish) -> ParkedAction:
        """Send it back to where it came from, edited as it is; how far that is when this returns.

        If the broker does not confirm in time the action goes on: the recorder sends it again with the same id.

        Raises:
            DeniedError, InvalidRequestError, RefusedCommandError, ConflictError, KeyReusedError, ParkedNotFoundError:
                it was not accepted; the audit says so. The other use cases raise them too.
            StoreUnavailableError: the ledger is away.
        """
        accepted = await self._accept(caller, "redrive", wish)
        if self._redriving is None:
            return accepted
        try:
            if accepted.target.message:
                await self._redriving.send_mine(accepted.id, accepted.at_ms)
            await self._redriving.go_on(accepted.id)
        except PublishUnknownError:
            pass  # it stays accepted, and its numbers say what is still to be sent
        return await self._reader.action(accepted.id) or accepted

    async def discard(self, caller: Caller, wish: Wish) -> ParkedAction:
        """Put it aside; until it is forgotten it can be restored."""
        return await self._accept(caller, "discard", wish)

    async def restore(self, caller: Caller, wish: Wish) -> ParkedAction:
        """Let what was discarded wait again, behind all that came meanwhile."""
        return await self._accept(caller, "restore", wish)

    async def edit(self, caller: Caller, wish: Wish, edit: Edit) -> ParkedAction:
        """Keep another form of one message beside the original; a redrive sends it."""
        return await self._accept(caller, "edit", wish, edit)

    async def preview(self, caller: Caller, message: str, edit: Edit) -> tuple[Change, ...]:
        """What an edit would change of the message as it would be sent now; needs the right to see payloads."""
        found = await self._message(caller, "edit", message)
        if not may_touch(caller, Permission.PAYLOAD, found.saga):
            caller.require(Permission.PAYLOAD, found.saga or None)
        contents = await self._reader.contents(message)
        if contents is None:
            raise ParkedNotFoundError("parked message", message)
        return content_changes(contents.outgoing, self._rules.edited(found, contents, edit).content)

    async def check(self, caller: Caller, deed: Deed, wish: Wish) -> tuple[Target, int]:
        """The same checks without any effect: what it would be about, and how many messages it would move."""
        caller.require(Permission.PARKED_READ)
        check_target(deed, wish.target)
        action, _ = await self._checked(caller, deed, wish, None)
        target, (wanted, _) = action.target, FROM_TO[deed]
        if target.message:
            return target, 1
        covered = ParkedFilter(states=(wanted,), fingerprint=target.fingerprint, up_to=target.up_to)
        return target, (await self._reader.count(covered, cap=MOST_COUNTED)).number

    async def _accept(self, caller: Caller, deed: Deed, wish: Wish, edit: Edit | None = None) -> ParkedAction:
        try:
            return await self._accepted(caller, deed, wish, edit)
        except REFUSED as error:
            await self._register.note(self._entry(caller, deed, wish, "refused", str(error)))
            raise

    async def _accepted(self, caller: Caller, deed: Deed, wish: Wish, edit: Edit | None) -> ParkedAction:
        caller.require(Permission.PARKED_READ)
        check_target(deed, wish.target)
        check_words(wish.reason, wish.key)
        named = _body_hash(deed, wish, edit)
        known = await self._reader.by_key(caller.actor, wish.key)
        if known is None:
            made, edited = await self._checked(caller, deed, wish, edit)
            if wish.target.fingerprint and not wish.target.up_to:
                far = f"say how far you have seen the group: {made.target.up_to} is its last number now"
                raise InvalidRequestError([("/up_to", far)])
            action = replace(made, body_hash=named)
            entry = replace(self._entry(caller, deed, wish, "accepted", ""), operation_id=action.id)
            known = await self._store.accept(
                action, entry, edited=edited, revision=wish.revision, sends=self._redriving is not None
            )
        if known is None:
            raise await self._moved(caller, deed, wish)
        if known.body_hash != named:
            raise KeyReusedError(wish.key, known.id)
        return known

    async def _checked(
        self, caller: Caller, deed: Deed, wish: Wish, edit: Edit | None
    ) -> tuple[ParkedAction, Edited | None]:
        """The action as it is to be accepted, once all that can be known before is right."""
        target, edited = wish.target, None
        if target.message:
            message = await self._message(caller, deed, target.message)
            self._require_state(deed, message, wish.revision)
            if deed == "redrive" and not message.origin.is_known:
                raise RefusedCommandError(deed, "nobody says where it came from: publish it yourself, then discard it")
            if edit is not None:
                edited = await self._edited(message, edit)
        else:
            group = await self._group(caller, deed, target.fingerprint)
            if deed == "redrive" and not group.queue:
                raise RefusedCommandError(deed, "nobody says where they came from: publish them yourself")
            target = replace(target, up_to=min(target.up_to or group.last_number, group.last_number))
        return self._action(caller, deed, wish, target), edited

    def _action(self, caller: Caller, deed: Deed, wish: Wish, target: Target) -> ParkedAction:
        return ParkedAction(
            id=uuid.uuid4().hex,
            deed=deed,
            target=target,
            actor=caller.actor,
            role=caller.role.value,
            reason=wish.reason,
            key=wish.key,
            body_hash="",
            at_ms=milliseconds(self._clock.now()),
        )

    async def _edited(self, message: ParkedMessage, edit: Edit) -> Edited:
        contents = await self._reader.contents(message.id)
        if contents is None:
            raise ParkedNotFoundError("parked message", message.id)
        return self._rules.edited(message, contents, edit)

    async def _message(self, caller: Caller, deed: Deed, name: str) -> ParkedMessage:
        found = await self._reader.find(name)
        if found is None or not may_touch(caller, Permission.PARKED_READ, found.saga):
            raise ParkedNotFoundError("parked message", name)
        caller.require(PERMISSIONS[deed], found.saga or None)
        return found

    async def _group(self, caller: Caller, deed: Deed, fingerprint: str) -> ParkedGroup:
        found = await self._reader.group(fingerprint)
        if found is None or not may_touch(caller, Permission.PARKED_READ, found.saga):
            raise ParkedNotFoundError("group of parked messages", fingerprint)
        caller.require(PERMISSIONS[deed], found.saga or None)
        return found

    def _require_state(self, deed: Deed, message: ParkedMessage, revision: int | None) -> None:
        if revision not in (None, message.revision):
            raise ConflictError(
                f"the message is at revision {message.revision}, not {revision}: look at it again",
                revision=message.revision,
            )
        wanted, _ = FROM_TO[deed]
        if message.state != wanted:
            when = f" by {message.decided_by} at {moment(message.decided_ms):%F %T} UTC" if message.decided_ms else ""
            raise RefusedCommandError(deed, f"it is for messages that are {wanted}; this one is {message.state}{when}")

    async def _moved(self, caller: Caller, deed: Deed, wish: Wish) -> Exception:
        """There is nothing to move, or somebody was quicker; says who."""
        wanted, _ = FROM_TO[deed]
        if not wish.target.message:
            return RefusedCommandError(deed, f"nothing in this group is {wanted}, as far as it was given")
        message = await self._message(caller, deed, wish.target.message)
        return ConflictError(
            f"{message.decided_by or 'somebody'} was quicker: the message is {message.state} now",
            revision=message.revision,
        )

    def _entry(self, caller: Caller, deed: Deed, wish: Wish, result: str, text: str) -> AuditEntry:
        return AuditEntry(
            at_ms=milliseconds(self._clock.now()),
            actor=caller.actor,
            role=caller.role.value,
            what=f"parked {deed}",
            target=str(wish.target)[:255],
            result=result,
            reason=wish.reason,
            text=text,
            before=wish.revision,
            origin=caller.origin,
        )


def _body_hash(deed: Deed, wish: Wish, edit: Edit | None) -> str:
    edited = None if edit is None else [edit.body and hashlib.sha256(edit.body).hexdigest(), dict(edit.headers)]
    body = [deed, wish.target.message, wish.target.fingerprint, wish.target.up_to, wish.reason, wish.revision, edited]
    return hashlib.sha256(to_json(body)).hexdigest()


def check_target(deed: Deed, target: Target) -> None:
    """One message or one group is named; only one message can be edited.

    Raises:
        InvalidRequestError: neither or both, or a group is to be edited.
    """
    if bool(target.message) == bool(target.fingerprint):
        raise InvalidRequestError([("/target", "name one message or one group")])
    if deed == "edit" and not target.message:
        raise InvalidRequestError([("/target", "name one message: a group cannot be edited")])
