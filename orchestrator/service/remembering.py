"""Executions whose starts the ledger remembers when the engine has forgotten them. Implements `ports.Executions`.

The engine knows an execution that has ended only as long as its namespace keeps it. A start event that is older than
that may be a copy of one that was carried out (express.md, 17).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.errors import StartTooOldError
from orchestrator.service.records import IN_FLIGHT
from orchestrator.service.routing import met_before
from orchestrator.wallclock import now

if TYPE_CHECKING:
    from datetime import timedelta

    from orchestrator.contracts.protocol import Reply
    from orchestrator.messages import Envelope
    from orchestrator.saga.plan import Plan
    from orchestrator.service.ports import Delivery, Executions, LedgerReader


class RememberingExecutions:
    """Asks the ledger before it lets an old event start anything.

    Args:
        executions: the engine's.
        ledger: what it knows of those that have ended.
        engine_keeps: how long the engine knows an execution after its end.
        ledger_keeps: the same of the ledger: what it does not know of an older start, nobody does.
    """

    def __init__(
        self, executions: Executions, ledger: LedgerReader, *, engine_keeps: timedelta, ledger_keeps: timedelta
    ) -> None:
        self._executions = executions
        self._ledger = ledger
        self._engine_keeps = engine_keeps
        self._ledger_keeps = ledger_keeps

    async def start(self, plan: Plan, execution_id: str, trigger: Envelope, payload: Any) -> Delivery:
        """Start, unless it was carried out long ago.

        Raises:
            StartTooOldError: nobody can tell whether it was.
            StoreUnavailableError: the ledger is away, and only it could tell.
        """
        if now() - trigger.time > self._engine_keeps:
            said = await self._recalled(execution_id, trigger)
            if said is not None:
                return said
        return await self._executions.start(plan, execution_id, trigger, payload)

    async def _recalled(self, execution_id: str, trigger: Envelope) -> Delivery | None:
        """What the ledger says of an old start; None: it was never carried out, or the engine has it in hand."""
        found = await self._ledger.find(execution_id)
        if found is not None and found.row.status not in IN_FLIGHT:
            return met_before(found.state["seen"], trigger.identity, trigger.body_hash)
        age = now() - trigger.time
        if found is None and age > self._ledger_keeps:
            raise StartTooOldError(execution_id, age)
        return None

    async def deliver(self, execution_id: str, event: Envelope, payload: Any) -> Delivery:
        """As the engine says."""
        return await self._executions.deliver(execution_id, event, payload)

    async def answer(self, reply: Reply) -> Delivery:
        """As the engine says."""
        return await self._executions.answer(reply)

    async def is_available(self) -> bool:
        """As the engine says."""
        return await self._executions.is_available()
