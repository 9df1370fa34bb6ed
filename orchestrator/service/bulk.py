"""One operation on many executions: counted first, throttled, suspended and resumed, one result per item.

The items are frozen when it begins, so it never touches what came later. `bulk_running` does them.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from orchestrator.errors import (
    DeniedError,
    InvalidRequestError,
    KeyReusedError,
    RefusedCommandError,
    SelectionMovedError,
)
from orchestrator.service.access import Permission
from orchestrator.service.auditing import AuditEntry
from orchestrator.service.bulk_reading import BulkReading
from orchestrator.service.bulk_records import Bulk
from orchestrator.service.operating import REFUSALS
from orchestrator.service.reasons import check_reason, check_words
from orchestrator.service.records import milliseconds
from orchestrator.service.rules import PERMISSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.service.access import Caller
    from orchestrator.service.bulk_records import BulkCounts, Bulks, BulkState, BulkWord
    from orchestrator.service.operations import Clock, Register
    from orchestrator.service.ports import LedgerReader
    from orchestrator.service.records import Filter

MOST_ITEMS = 10_000
PAGE = 200
MIN_RATE, MAX_RATE = 0.1, 1_000.0
Order: TypeAlias = Literal["suspend", "resume", "cancel", "retry_failed"]
FOLLOWING: dict[Order, tuple[tuple[BulkState, ...], BulkState]] = {
    "suspend": (("running",), "suspended"),
    "resume": (("suspended",), "running"),
    "cancel": (("running", "suspended"), "cancelled"),
    "retry_failed": (("completed", "partially_completed", "failed", "cancelled"), "running"),
}
"""From which states an order leads to which."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a filter selects now. `token` names it: beginning carries it, so nobody begins what they have not seen."""

    ids: tuple[str, ...]
    token: str

    @classmethod
    def of(cls, ids: list[str], *, override: bool = False) -> Selection:
        """The selection of these; to go past the point of no return with them is another one."""
        content = "\n".join((*ids, *(("",) if override else ())))
        return cls(tuple(ids), hashlib.sha256(content.encode()).hexdigest()[:32])


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkWish:
    """What a caller wants.

    Attributes:
        rate: items a second at most. `token`: of the selection that was shown.
        override: compensate past the point of no return too; a right of its own.
    """

    word: BulkWord
    wanted: Filter
    reason: str
    key: str
    token: str
    rate: float = 20.0
    override: bool = False


class Bulking(BulkReading):
    """The use cases of bulks: beginning and orders. They need the ledger alone; `bulk_running` needs Temporal."""

    def __init__(self, bulks: Bulks, ledger: LedgerReader, register: Register, clock: Clock) -> None:
        super().__init__(bulks)
        self._ledger = ledger
        self._register = register
        self._clock = clock

    async def preview(self, caller: Caller, word: BulkWord, wanted: Filter, *, override: bool = False) -> Selection:
        """The executions that would be touched: those of the filter that this caller may do it to, by id.

        Raises:
            DeniedError: no bulks, or not this operation, or not past the point of no return.
            InvalidRequestError: there are more than `MOST_ITEMS`, or another operation than compensate is to override.
        """
        rights = _rights(word, override=override)
        for right in rights:
            caller.require(right)
        found: list[str] = []
        after = None
        while True:
            page = await self._ledger.page(wanted, after=after, limit=PAGE)
            found += [row.execution_id for row in page.rows if all(caller.may(right, row.saga) for right in rights)]
            after = page.following
            if len(found) > MOST_ITEMS:
                raise InvalidRequestError([("/filter", f"more than {MOST_ITEMS} executions: narrow it")])
            if after is None:
                return Selection.of(sorted(set(found)), override=override)

    async def begin(self, caller: Caller, wish: BulkWish) -> Bulk:
        """Freeze the items and begin. The same key again is the same bulk.

        Raises:
            SelectionMovedError: the filter selects something else now.
            KeyReusedError: the key came before with another wish.
            DeniedError, InvalidRequestError: see `preview`. Each is audited.
        """
        bulk = Bulk(
            id=uuid.uuid4().hex,
            caller=caller,
            word=wish.word,
            reason=wish.reason,
            key=wish.key,
            rate=wish.rate,
            state="running",
            total=0,
            created_ms=milliseconds(self._clock.now()),
            override=wish.override,
        )
        try:
            return await self._begun(bulk, wish)
        except REFUSALS as error:
            await self._refuse(self._entry(caller, bulk, f"begin {wish.word}", wish.reason), error)
            raise

    async def _begun(self, bulk: Bulk, wish: BulkWish) -> Bulk:
        check_words(wish.reason, wish.key)
        if not MIN_RATE <= wish.rate <= MAX_RATE:
            raise InvalidRequestError([("/rate", f"{MIN_RATE:g} to {MAX_RATE:g} items a second")])
        known = await self._bulks.by_key(bulk.caller.actor, wish.key)
        if known is None:
            selection = await self.preview(bulk.caller, wish.word, wish.wanted, override=wish.override)
            if selection.token != wish.token:
                raise SelectionMovedError(selection.token, count=len(selection.ids))
            number = len(selection.ids)
            new = replace(bulk, total=number, state="running" if number else "completed")
            entry = self._entry(bulk.caller, new, f"begin {wish.word}", wish.reason)
            known = await self._bulks.create(new, selection.ids, entry)
        if known.id != bulk.id:
            await self._check_same(known, wish)
        return known

    async def _check_same(self, known: Bulk, wish: BulkWish) -> None:
        items = await self._bulks.items(known.id, limit=MOST_ITEMS)
        token = Selection.of([item.execution_id for item in items], override=known.override).token
        if (known.word, known.reason, known.rate, token) != (wish.word, wish.reason, wish.rate, wish.token):
            raise KeyReusedError(wish.key, known.id)

    async def order(self, caller: Caller, bulk_id: str, order: Order, reason: str) -> Bulk:
        """Suspend, resume, cancel, or try what failed again.

        Raises:
            OperationNotFoundError: there is no such bulk.
            DeniedError, InvalidRequestError: not by this caller, or without a reason.
            RefusedCommandError: not in its state. Each of these is audited.
        """
        bulk = await self.find(bulk_id)
        entry = self._entry(caller, bulk, order, reason)
        try:
            self._check_order(caller, bulk, reason)
            allowed, state = FOLLOWING[order]
            if bulk.state in allowed and order == "retry_failed":
                await self._bulks.renew_failed(bulk_id)  # first: one that runs and has nothing waiting ends
            if not await self._bulks.move(bulk_id, allowed, state, entry):
                raise RefusedCommandError(order, f"the bulk is {(await self.find(bulk_id)).state}")
        except REFUSALS as error:
            await self._refuse(entry, error)
            raise
        return await self.find(bulk_id)

    def _check_order(self, caller: Caller, bulk: Bulk, reason: str) -> None:
        for right in _rights(bulk.word, override=bulk.override):
            caller.require(right)
        if not _may_order(caller, bulk):
            raise DeniedError(actor=caller.actor, permission=Permission.BULK, saga="of others")
        check_reason(reason)

    async def _refuse(self, entry: AuditEntry, error: Exception) -> None:
        await self._register.note(replace(entry, result="refused", text=str(error)))

    def _entry(self, caller: Caller, bulk: Bulk, what: str, reason: str) -> AuditEntry:
        return AuditEntry(
            at_ms=milliseconds(self._clock.now()),
            actor=caller.actor,
            role=caller.role.value,
            what=f"bulk {what}",
            target=f"bulk:{bulk.id}",
            result="accepted",
            reason=reason,
            text=f"{bulk.total} executions{', also past the point of no return' if bulk.override else ''}",
            origin=caller.origin,
        )


def lacking(caller: Caller, word: BulkWord) -> Permission | None:
    """The first right that a caller lacks to do this to many; None if they have all. Doing it checks them again."""
    return next((right for right in _rights(word, override=False) if not caller.may(right)), None)


def orders_offered(caller: Caller, bulk: Bulk, counts: BulkCounts) -> Mapping[Order, str]:
    """Every order, with why this caller may not give it now; empty if they may. `Bulking.order` checks it again."""
    lacks = next((right for right in _rights(bulk.word, override=bulk.override) if not caller.may(right)), None)
    why = "" if _may_order(caller, bulk) else "it was begun for more sagas"
    why = f"it needs the permission {lacks}" if lacks else why
    return {order: why or _unfit(bulk, counts, order) for order in FOLLOWING}


def _unfit(bulk: Bulk, counts: BulkCounts, order: Order) -> str:
    if bulk.state not in FOLLOWING[order][0]:
        return f"not for a bulk that is {bulk.state.replace('_', ' ')}"
    return "none of it failed" if order == "retry_failed" and not counts.failed else ""


def _may_order(caller: Caller, bulk: Bulk) -> bool:
    """Whether it was begun for no other sagas than theirs."""
    begun_for = bulk.caller.sagas
    return caller.sagas is None or (begun_for is not None and begun_for <= caller.sagas)


def _rights(word: BulkWord, *, override: bool) -> tuple[Permission, ...]:
    """What somebody must be allowed.

    Raises:
        InvalidRequestError: there is nothing to override.
    """
    if override and word != "compensate":
        raise InvalidRequestError(
            [("/override", f"{word} does not go past the point of no return: it is for compensate")]
        )
    return (Permission.BULK, PERMISSIONS[word], *((Permission.OVERRIDE,) if override else ()))
