"""Sagas as a good engineer writes them on Temporal by hand: activities and a list of compensations.

The SDK's own defaults throughout, the sandbox included.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from benchmarks.orders import Ledger, Order
    from benchmarks.rows.opened import Opened, Place

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Sequence
    from contextlib import AbstractAsyncContextManager

LIMIT = timedelta(seconds=30)
RETRY = RetryPolicy(maximum_attempts=5)


@dataclass
class Done:
    """What a step returns."""

    reference: str


class Shop:
    """The activities."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def all(self) -> Sequence[Callable[..., Any]]:
        """All of them."""
        forward = [self.reserve, self.charge, self.label, self.carrier, self.receipt]
        return [*forward, self.undo_reserve, self.undo_charge, self.undo_label]

    def _do(self, order: Order, step: str) -> Done:
        self._ledger.book(order.order_id, step)
        return Done(f"{step}-{order.order_id}")

    @activity.defn
    async def reserve(self, order: Order) -> Done:
        """Take the pieces off the shelf."""
        return self._do(order, "reserve")

    @activity.defn
    async def undo_reserve(self, order: Order) -> None:
        """Put them back."""
        self._do(order, "undo-reserve")

    @activity.defn
    async def charge(self, order: Order) -> Done:
        """Take the money."""
        return self._do(order, "charge")

    @activity.defn
    async def undo_charge(self, order: Order) -> None:
        """Give it back."""
        self._do(order, "undo-charge")

    @activity.defn
    async def label(self, order: Order) -> Done:
        """Print the label."""
        return self._do(order, "label")

    @activity.defn
    async def undo_label(self, order: Order) -> None:
        """Void it."""
        self._do(order, "undo-label")

    @activity.defn
    async def carrier(self, order: Order) -> Done:
        """Book a carrier, who may refuse."""
        if order.refused:
            raise ApplicationError("the carrier does not go there", type="Refused", non_retryable=True)
        return self._do(order, "carrier")

    @activity.defn
    async def receipt(self, order: Order) -> Done:
        """Send the receipt."""
        return self._do(order, "receipt")


@workflow.defn
class NormalSaga:
    """Each step a normal activity."""

    @workflow.run
    async def run(self, order: Order) -> str:
        """Carry the order out, or undo what was done."""
        compensations: list[Callable[[Shop, Order], Any]] = []
        try:
            await self._perform(Shop.reserve, order)
            compensations.append(Shop.undo_reserve)
            await self._perform(Shop.charge, order)
            compensations.append(Shop.undo_charge)
            await self._perform(Shop.label, order)
            compensations.append(Shop.undo_label)
            await self._perform(Shop.carrier, order)
            await self._perform(Shop.receipt, order)
        except FailureError:
            for compensation in reversed(compensations):
                await self._perform(compensation, order)
            return "Compensated"
        return "Completed"

    async def _perform(self, step: Callable[[Shop, Order], Any], order: Order) -> Any:
        return await workflow.execute_activity_method(step, order, start_to_close_timeout=LIMIT, retry_policy=RETRY)


@workflow.defn
class LocalSaga(NormalSaga):
    """Each step a local activity."""

    @workflow.run
    async def run(self, order: Order) -> str:
        """The same flow."""
        return await super().run(order)

    async def _perform(self, step: Callable[[Shop, Order], Any], order: Order) -> Any:
        return await workflow.execute_local_activity_method(
            step, order, start_to_close_timeout=LIMIT, retry_policy=RETRY
        )


def row_by_hand(saga: type[NormalSaga]) -> Callable[[Place], AbstractAsyncContextManager[Opened]]:
    """A row that runs this workflow with a worker as the SDK's documentation shows it."""

    @asynccontextmanager
    async def row(place: Place) -> AsyncGenerator[Opened]:
        ledger = Ledger()
        client = await Client.connect(place.settings.temporal_address, namespace=place.settings.temporal_namespace)
        queue = place.settings.task_queue

        async def read_ledger() -> Ledger:
            return ledger

        async with Worker(client, task_queue=queue, workflows=[saga], activities=Shop(ledger).all()):
            yield Opened(performer(client, saga, queue), client, lambda placed: placed.order_id, read_ledger)

    return row


def performer(client: Client, saga: type[NormalSaga], queue: str) -> Callable[[Order], Awaitable[str]]:
    """Starts an order's workflow and waits for its end."""

    async def perform(placed: Order) -> str:
        return await client.execute_workflow(saga.run, placed, id=placed.order_id, task_queue=queue)

    return perform
