"""One operation on many executions: counted first, throttled, suspended and resumed, one result per item.

The items are frozen when it begins, so it never touches what came later. Everything is in the ledger's database: a
process that is killed leaves a bulk that the next one goes on with, and no item is done twice.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from orchestrator.errors import (
    ExecutionNotFoundError,
    InvalidRequestError,
    OperationNotFoundError,
    RefusedCommandError,
    SelectionMovedError,
)
from orchestrator.service.access import Permission
from orchestrator.service.auditing import AuditEntry
from orchestrator.service.bulk_records import Bulk, BulkItem
from orchestrator.service.operating import REFUSALS, Operating, check_words
from orchestrator.service.operations import Instruction
from orchestrator.service.requests import Abandon, Cancel, Release, Resume, Retry, Suspend
from orchestrator.service.rules import PERMISSIONS

if TYPE_CHECKING:
    from orchestrator.service.access import Caller
    from orchestrator.service.bulk_records import Bulks, BulkState, BulkWord, ItemState
    from orchestrator.service.operating import World
    from orchestrator.service.records import Filter
    from orchestrator.service.requests import Request

MOST_ITEMS = 10_000
PAGE = 200
MIN_RATE, MAX_RATE = 0.1, 1_000.0
Order: TypeAlias = Literal["suspend", "resume", "cancel", "retry_failed"]
_FOLLOWING: dict[Order, tuple[tuple[BulkState, ...], BulkState]] = {
    "suspend": (("running",), "suspended"),
    "resume": (("suspended",), "running"),
    "cancel": (("running", "suspended"), "cancelled"),
    "retry_failed": (("completed", "partially_completed", "failed", "cancelled"), "running"),
}
"""From which states an order leads to which."""
_PLAIN: dict[BulkWord, type[Suspend | Resume | Cancel | Abandon | Release]] = {
    "suspend": Suspend,
    "resume": Resume,
    "cancel": Cancel,
    "abandon": Abandon,
    "release": Release,
}


@dataclass(frozen=True, slots=True)
class Selection:
    """What a filter selects now. `token` names it: beginning carries it, so nobody begins what they have not seen."""

    ids: tuple[str, ...]
    token: str

    @classmethod
    def of(cls, ids: list[str]) -> Selection:
        """The selection of these."""
        return cls(tuple(ids), hashlib.sha256("\n".join(ids).encode()).hexdigest()[:32])


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkWish:
    """What a caller wants. `rate`: items a second at most. `token`: of the selection that was shown."""

    word: BulkWord
    wanted: Filter
    reason: str
    key: str
    token: str
    rate: float = 20.0


class Bulking:
    """The use cases of bulks."""

    def __init__(self, world: World, bulks: Bulks) -> None:
        self._world = world
        self._bulks = bulks
        self._operating = Operating(world)

    async def preview(self, caller: Caller, word: BulkWord, wanted: Filter) -> Selection:
        """The executions that would be touched: those of the filter that this caller may do it to, by id.

        Raises:
            DeniedError: no bulks, or not this operation.
            InvalidRequestError: there are more than `MOST_ITEMS`.
        """
        caller.require(Permission.BULK)
        caller.require(PERMISSIONS[word])
        found: list[str] = []
        after = None
        while True:
            page = await self._world.ledger.page(wanted, after=after, limit=PAGE)
            found += [row.execution_id for row in page.rows if caller.may(PERMISSIONS[word], row.saga)]
            after = page.following
            if len(found) > MOST_ITEMS:
                raise InvalidRequestError([("/filter", f"more than {MOST_ITEMS} executions: narrow it")])
            if after is None:
                return Selection.of(sorted(set(found)))

    async def begin(self, caller: Caller, wish: BulkWish) -> Bulk:
        """Freeze the items and begin; `run` does the work. The same key again is the same bulk.

        Raises:
            SelectionMovedError: the filter selects something else now.
            DeniedError, InvalidRequestError: see `preview`.
        """
        check_words(wish.reason, wish.key)
        if not MIN_RATE <= wish.rate <= MAX_RATE:
            raise InvalidRequestError([("/rate", f"{MIN_RATE:g} to {MAX_RATE:g} items a second")])
        known = await self._bulks.by_key(caller.actor, wish.key)
        if known is not None:
            return known
        selection = await self.preview(caller, wish.word, wish.wanted)
        if selection.token != wish.token:
            raise SelectionMovedError(selection.token, count=len(selection.ids))
        bulk = Bulk(
            id=uuid.uuid4().hex,
            caller=caller,
            word=wish.word,
            reason=wish.reason,
            key=wish.key,
            rate=wish.rate,
            state="running" if selection.ids else "completed",
            total=len(selection.ids),
            created_ms=self._world.now_ms(),
        )
        made = await self._bulks.create(bulk, selection.ids)
        await self._note(caller, bulk, f"begin {wish.word}", wish.reason)
        return made

    async def order(self, caller: Caller, bulk_id: str, order: Order, reason: str) -> Bulk:
        """Suspend, resume, cancel, or try what failed again.

        Raises:
            OperationNotFoundError: there is no such bulk.
            RefusedCommandError: not in its state.
        """
        caller.require(Permission.BULK)
        check_words(reason, bulk_id)
        bulk = await self.find(bulk_id)
        caller.require(PERMISSIONS[bulk.word])
        allowed, state = _FOLLOWING[order]
        if bulk.state not in allowed:
            raise RefusedCommandError(order, f"the bulk is {bulk.state}")
        if order == "retry_failed":
            await self._bulks.renew_failed(bulk_id)
        await self._bulks.set_state(bulk_id, state)
        await self._note(caller, bulk, order, reason)
        return await self.find(bulk_id)

    async def find(self, bulk_id: str) -> Bulk:
        """A bulk.

        Raises:
            OperationNotFoundError: there is none.
        """
        bulk = await self._bulks.find(bulk_id)
        if bulk is None:
            raise OperationNotFoundError(bulk_id)
        return bulk

    async def run_all(self) -> None:
        """Go on with every bulk that is running. For a worker that may be killed at any time.

        Raises:
            EngineUnavailableError, StoreUnavailableError: a server is away; call it again later.
        """
        for bulk in await self._bulks.running():
            await self.run(bulk)

    async def run(self, bulk: Bulk) -> None:
        """Do what is waiting, one by one, until nothing is or somebody stops it."""
        pause = timedelta(seconds=1 / bulk.rate)
        while (await self.find(bulk.id)).state == "running":
            item = await self._bulks.next_waiting(bulk.id)
            if item is None:
                await self._bulks.set_state(bulk.id, await self._end(bulk))
                return
            await self._do(bulk, item)
            await self._world.clock.sleep(pause)

    async def _do(self, bulk: Bulk, item: BulkItem) -> None:
        state: ItemState = "done"
        text, operation_id = "", ""
        try:
            given = Instruction(
                request=await self._request(bulk, item), reason=bulk.reason, key=f"{bulk.id}:{item.number}:{item.round}"
            )
            record = await self._operating.operate(bulk.caller, item.execution_id, given, bulk=bulk.id)
            state, text, operation_id = "failed" if record.state == "failed" else "done", record.text, record.id
        except RefusedCommandError as error:
            state, text = "skipped", str(error)
        except REFUSALS as error:
            state, text = "failed", str(error)
        await self._bulks.settle(bulk.id, item, state, text=text, operation_id=operation_id)

    async def _request(self, bulk: Bulk, item: BulkItem) -> Request:
        if bulk.word != "retry":
            return _PLAIN[bulk.word]()
        detail = await self._world.ledger.find(item.execution_id)
        if detail is None:
            raise ExecutionNotFoundError(item.execution_id)
        return Retry(step=detail.row.failed_step or "none")

    async def _end(self, bulk: Bulk) -> BulkState:
        counts = await self._bulks.counts(bulk.id)
        if counts.failed == 0:
            return "completed"
        return "partially_completed" if counts.done or counts.skipped else "failed"

    async def _note(self, caller: Caller, bulk: Bulk, what: str, reason: str) -> None:
        entry = AuditEntry(
            at_ms=self._world.now_ms(),
            actor=caller.actor,
            role=caller.role.value,
            what=f"bulk {what}",
            target=f"bulk:{bulk.id}",
            result="accepted",
            reason=reason,
            text=f"{bulk.total} executions",
            origin=caller.origin,
        )
        await self._world.register.note(entry)
