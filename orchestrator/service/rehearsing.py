"""A real execution, rehearsed by today's definition with the answers that it got.

It reads the ledger and the event store. It has nothing by which it could send or change: no participant notices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import SagaNotFoundError, SealError
from orchestrator.service.access import Permission
from orchestrator.service.differing import compare
from orchestrator.service.event_ports import EventFilter
from orchestrator.service.events import BODIES_AT_ONCE
from orchestrator.service.recalling import Record, recall
from orchestrator.service.records import saga_of
from orchestrator.service.trail import MOST_ROWS, Sought
from orchestrator.stored import StoredMessage
from orchestrator.testing.rerun import rerun

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.saga.definition import Saga
    from orchestrator.saga.plan import Plan
    from orchestrator.service.access import Caller
    from orchestrator.service.differing import Comparison
    from orchestrator.service.events import Events
    from orchestrator.service.letters import MessagePlace
    from orchestrator.service.reading import Reading
    from orchestrator.service.records import MessageRecord
    from orchestrator.service.requests import Request
    from orchestrator.service.trail import Trail


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What came of it. `then`, `today`: the plan that it ran by, and that of today's definition."""

    execution_id: str
    then: Plan
    today: Plan
    comparison: Comparison


class Rehearsing:
    """The use case.

    Args:
        reading, trail, events: what is known of executions.
        sagas: the definitions of today.
    """

    def __init__(self, reading: Reading, trail: Trail, events: Events, sagas: Iterable[Saga]) -> None:
        self._reading = reading
        self._trail = trail
        self._events = events
        self._sagas = tuple(sagas)

    async def rehearse(self, caller: Caller, execution_id: str) -> Rehearsed:
        """Run it by today's definition, the newest version of its saga, and compare.

        Raises:
            DeniedError: the caller may not replay, not see payloads, or not read this saga.
            ExecutionNotFoundError: the ledger does not know it.
            SagaNotFoundError: today there is no such saga.
            SealError: its state is sealed with a key that is not known here.
            StoreUnavailableError: the database is away.
        """
        name = saga_of(execution_id)
        for permission in (Permission.REPLAY, Permission.PAYLOAD):
            caller.require(permission, name)
        saga = self._today(caller, name)
        record = await self._record(caller, execution_id)
        recalled = recall(record)
        made = rerun(saga, execution_id, recalled.told, recalled.walk.lengths)
        return Rehearsed(
            execution_id=execution_id, then=record.plan, today=saga.plan, comparison=compare(recalled, made)
        )

    def _today(self, caller: Caller, name: str) -> Saga:
        known = [saga for saga in self._sagas if saga.name == name]
        if not known:
            raise SagaNotFoundError(name, None, known=caller.reads(saga.name for saga in self._sagas))
        return max(known, key=lambda saga: saga.version)

    async def _record(self, caller: Caller, execution_id: str) -> Record:
        look = await self._reading.look(caller, execution_id)
        messages, missing = await self._messages(caller, execution_id)
        return Record(
            plan=look.plan,
            state=look.state,
            journal=await self._reading.journal(caller, execution_id),
            messages=messages,
            requests=await self._requests(caller, execution_id),
            missing=missing,
        )

    async def _messages(self, caller: Caller, execution_id: str) -> tuple[list[StoredMessage], str]:
        """Its messages, and why some are missing: those the ledger noted, and over them those of the event store."""
        found: list[StoredMessage] = []
        try:
            found += await self._noted(caller, execution_id)
            async for some in self._events.all(caller, EventFilter(execution_id=execution_id), contents="all"):
                found += some
        except SealError as error:
            return found, str(error)
        return found, ""

    async def _noted(self, caller: Caller, execution_id: str) -> list[StoredMessage]:
        """What the ledger noted as sent: all there is where no event store is kept."""
        found: list[StoredMessage] = []
        before: MessagePlace | None = None
        while True:
            page = await self._reading.messages(caller, execution_id, before=before, limit=BODIES_AT_ONCE, bodies=True)
            found += [_stored(one) for one in page.messages if one.direction == "out"]
            before = page.following
            if before is None:
                return found

    async def _requests(self, caller: Caller, execution_id: str) -> Mapping[str, Request]:
        found: dict[str, Request] = {}
        before: tuple[int, str] | None = None
        while page := await self._trail.operations(caller, Sought(target=execution_id), before=before, limit=MOST_ROWS):
            found |= {one.id: one.request for one in page}
            before = page[-1].accepted_ms, page[-1].id
        return found


def _stored(noted: MessageRecord) -> StoredMessage:
    return StoredMessage(
        identity=noted.message_id,
        source="",
        message_id=noted.message_id,
        type=noted.type,
        kind=noted.kind,
        way=noted.direction,
        step=noted.step,
        call=noted.call,
        attempt=noted.attempt,
        at_ms=noted.at_ms,
        size=noted.size,
        body=noted.body,
    )
