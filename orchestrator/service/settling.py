"""Brings operations to their end though nobody asks: gives those that were only accepted, sees what came of others.

An operation is looked at again after an eighth of its age, two seconds at least and a minute at most: what has just
been asked for is told soon, and what rests for hours costs little.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from orchestrator.errors import EngineUnavailableError, StoreUnavailableError
from orchestrator.service.about import ids
from orchestrator.service.abreast import Abreast

if TYPE_CHECKING:
    from orchestrator.service.operating import Operating, World
    from orchestrator.service.operations import OperationRecord

log = logging.getLogger(__name__)

AT_ONCE = 8
OWN_TURN_MS = 15_000
"""So long whoever accepted an operation is left to give it; a command takes ten seconds at most."""
SOONEST_MS, LATEST_MS = 2_000, 60_000


class Settling:
    """What looks at operations without an end. It remembers only when it looked: any process may go on at any time."""

    def __init__(self, world: World, operating: Operating) -> None:
        self._world = world
        self._operating = operating
        self._due: dict[str, int] = {}

    async def is_any_open(self) -> bool:
        """Whether there is an operation without an end."""
        return bool(await self._world.register.unsettled(limit=1))

    async def settle_all(self) -> int:
        """Bring every operation that is due as far as it can be now; how many were looked at.

        Raises:
            StoreUnavailableError: the ledger's database is away. That Temporal is away only leaves them for later.
        """
        looked, seen, after = 0, set[str](), ""
        async with Abreast(AT_ONCE) as under_way:
            while page := await self._world.register.unsettled(after=after):
                seen.update(record.id for record in page)
                for record in filter(self._is_due, page):
                    looked += 1
                    await under_way.begin(self._settle(record))
                after = page[-1].id
        self._due = {name: due for name, due in self._due.items() if name in seen}
        return looked

    def _is_due(self, record: OperationRecord) -> bool:
        first = record.accepted_ms + OWN_TURN_MS if record.state == "accepted" else 0
        return self._due.get(record.id, first) <= self._world.now_ms()

    async def _settle(self, record: OperationRecord) -> None:
        try:
            await self._operating.settle(record)
        except StoreUnavailableError:
            raise
        except EngineUnavailableError as error:
            log.info("operation %s waits: %s", record.id, error, extra=ids(record.execution_id))
        except Exception:
            log.exception(
                "operation %s cannot be settled: it is tried again", record.id, extra=ids(record.execution_id)
            )
        now = self._world.now_ms()
        self._due[record.id] = now + min(max(SOONEST_MS, (now - record.accepted_ms) // 8), LATEST_MS)
