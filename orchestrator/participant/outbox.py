"""Sends the events of a participant's outbox: at once after their command, and by a sweep what was left behind."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestrator.contracts.protocol import EXECUTION
from orchestrator.errors import PublishError, StoreUnavailableError
from orchestrator.together import stop, together

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from datetime import datetime

    from orchestrator.messages import Envelope
    from orchestrator.participant.ports import Store

log = logging.getLogger("saga.participant")

SWEEP_S = 1.0
"""How often the outbox is looked through, seconds."""
BATCH = 200
"""Rows taken at once."""


class Outbox:
    """Sends events with confirm; a row is removed only after that. A crash in between sends an event twice, same id.

    Args:
        store: where the rows lie.
        publish: returns when the broker has the event, else raises `PublishError`.
    """

    def __init__(self, store: Store, publish: Callable[[Envelope], Awaitable[None]]) -> None:
        self._store = store
        self._publish = publish
        # Confirmed, not yet removed. They are removed together, since each removal costs a commit.
        self._sent: set[int] = set()
        self._newest = 0
        self._left: Sequence[Envelope] = ()

    @property
    def waiting(self) -> int:
        """How many the last sweep found, at most `BATCH`."""
        return len(self._left)

    def age(self, now: datetime) -> timedelta:
        """How long the oldest of them waits; none: zero."""
        return max((now - event.time for event in self._left), default=timedelta(0))

    async def send(self, rows: Sequence[tuple[int, Envelope]]) -> None:
        """Send these. What the broker does not confirm stays for the sweep."""
        await together(self._send(number, event) for number, event in rows)

    async def sweep(self) -> None:
        """Remove what was sent; send what the last sweep saw already.

        What is younger is in the hands of the task, or of the other process, that has just stored it.
        """
        while True:
            await self._remove_sent()
            rows = [row for row in await self._store.unsent(BATCH) if row[0] not in self._sent]
            self._left = [event for _, event in rows]
            left = rows if len(rows) == BATCH else [row for row in rows if row[0] <= self._newest]
            await self.send(left)
            if not left or not self._sent.issuperset(number for number, _ in left):
                self._newest = max((number for number, _ in rows), default=self._newest)
                return

    @asynccontextmanager
    async def sweeping(self, *, every: float = SWEEP_S) -> AsyncGenerator[None]:
        """Sweep while the block runs, with a pause of `every` seconds; remove what was sent at its end."""
        task = asyncio.create_task(self._sweep_forever(every))
        try:
            yield
        finally:
            await stop(task)
            with suppress(StoreUnavailableError):
                await self._remove_sent()

    async def _send(self, number: int, event: Envelope) -> None:
        try:
            await self._publish(event)
        except PublishError as error:
            log.warning(
                "event %s %s waits in the outbox: %s",
                event.type,
                event.id,
                error,
                extra={"execution_id": event.headers.get(EXECUTION, ""), "correlation_id": event.correlation_id},
            )
        else:
            self._sent.add(number)

    async def _remove_sent(self) -> None:
        while self._sent:
            some = sorted(self._sent)[:BATCH]
            await self._store.mark_sent(some)
            self._sent.difference_update(some)

    async def _sweep_forever(self, pause: float) -> None:
        while True:
            try:
                await self.sweep()
            except StoreUnavailableError as error:
                log.warning("the outbox cannot be looked through now: %s", error)
            except Exception:
                # Whatever it is, it must not end the sweep without a word: events would stay behind for ever.
                log.exception("the outbox could not be looked through")
            await asyncio.sleep(pause)
