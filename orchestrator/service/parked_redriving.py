"""Sends parked messages back to where they came from.

What is guaranteed: a message goes out at least once for each accepted redrive, always with the same id; it goes out
more than once only if a process dies between the broker's confirm and the note of it, or if the confirm itself is lost,
and whoever consumes it recognises the second copy by its id. Two redrives of one message, at once or one after the
other, are one: the row leaves the state `parked` before anything is sent.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestrator.errors import MessageError, NackedError, PublishError, UnroutableError
from orchestrator.service.parked_actions import Sent
from orchestrator.service.records import milliseconds
from orchestrator.together import together

if TYPE_CHECKING:
    from orchestrator.service.operations import Clock
    from orchestrator.service.parked_actions import Claimed
    from orchestrator.service.parked_ports import ParkedStore, Redriver

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=30)
"""How long a process has to send what it claimed. Longer than a publish may take: another one then sends it again."""
AT_ONCE = 20
"""Messages that are claimed, sent and noted together."""


class Redriving:
    """Carries out what was accepted.

    Args:
        lease: see `LEASE`; never less than three times as long as a publish may take.
    """

    def __init__(self, store: ParkedStore, redriver: Redriver, clock: Clock, *, lease: timedelta = LEASE) -> None:
        self._store = store
        self._redriver = redriver
        self._clock = clock
        self._lease_ms = round(lease.total_seconds() * 1000)

    async def send_mine(self, action: str, claimed_ms: int) -> None:
        """Send the one message that was claimed when its redrive was accepted.

        Raises:
            PublishUnknownError: nobody knows whether the broker has it; `go_on` sends it again after the lease.
        """
        await self._send(await self._claim(action, claimed_ms + 1))

    async def go_on(self, action: str = "") -> int:
        """Send what nobody else is sending, of one action or of all; how many were sent or given up.

        Errors: see `send_mine`. What was noted until then stays noted.
        """
        number = 0
        while claimed := await self._claim(action, milliseconds(self._clock.now()) - self._lease_ms):
            await self._send(claimed)
            number += len(claimed)
        return number

    async def _claim(self, action: str, before_ms: int) -> list[Claimed]:
        now_ms = milliseconds(self._clock.now())
        return list(await self._store.claim(action=action, now_ms=now_ms, before_ms=before_ms, limit=AT_ONCE))

    async def _send(self, claimed: list[Claimed]) -> None:
        tried = await together(self._try(one) for one in claimed)
        known = [one for one in tried if isinstance(one, Sent)]
        await self._store.settle(known, milliseconds(self._clock.now()))
        for one in tried:
            if isinstance(one, PublishError):
                raise one

    async def _try(self, claimed: Claimed) -> Sent | PublishError:
        """What became of it; an error if nobody knows."""
        try:
            await self._redriver.send(claimed.id, claimed.content, claimed.origin)
        except (UnroutableError, NackedError, MessageError) as error:
            log.warning("parked message %s could not be redriven: %s", claimed.id, error)
            return Sent(claimed, str(error))
        except PublishError as error:
            return error
        return Sent(claimed)
