"""Executions whose starts can be held by a switch. Implements `service.ports.Executions` around another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.service.ports import Delivery

if TYPE_CHECKING:
    from orchestrator.contracts.protocol import Reply
    from orchestrator.messages import Envelope
    from orchestrator.saga.plan import Plan
    from orchestrator.service.ports import Executions
    from orchestrator.service.switches import SwitchBoard


class HoldingExecutions:
    """Starts nothing of a saga whose starts are held; what runs goes on, and replies always come through."""

    def __init__(self, executions: Executions, board: SwitchBoard) -> None:
        self._executions = executions
        self._board = board

    async def start(self, plan: Plan, execution_id: str, trigger: Envelope, payload: Any) -> Delivery:
        """Start, unless that is held. A copy for an execution that runs waits with the others: it loses nothing."""
        if self._board.why_held("starts", plan.saga):
            return Delivery.HELD
        return await self._executions.start(plan, execution_id, trigger, payload)

    async def deliver(self, execution_id: str, event: Envelope, payload: Any) -> Delivery:
        """Deliver; an event whose execution is held back waits as long as that does."""
        delivery = await self._executions.deliver(execution_id, event, payload)
        is_held = bool(self._board.why_held("starts", execution_id.partition(":")[0]))
        return Delivery.HELD if delivery is Delivery.MISSING and is_held else delivery

    async def answer(self, reply: Reply) -> Delivery:
        """Hand a late reply on."""
        return await self._executions.answer(reply)

    async def is_available(self) -> bool:
        """Whether the engine answers."""
        return await self._executions.is_available()
