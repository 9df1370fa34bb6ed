"""Whether what sagas need is there: the ledger, Temporal, the broker, workers. Told to whoever may see executions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from orchestrator.errors import OrchestratorError
from orchestrator.service.access import Permission
from orchestrator.together import together

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from orchestrator.service.access import Caller
    from orchestrator.service.operations import Clock
    from orchestrator.service.reading import Reading

Part: TypeAlias = Literal["ledger", "temporal", "broker", "workers"]
Probe: TypeAlias = Callable[[], Awaitable[str]]
"""Looks at one part and says in a sentence how it is; raises an error of ours if it is away."""
PATIENCE = timedelta(seconds=5)
KEEP = timedelta(seconds=5)
"""What was found is told again for so long: many open pages cost one look."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One part: whether it is there, and a sentence about it; `at`: when it was looked at."""

    part: Part
    is_there: bool
    text: str
    at: datetime


class Health:
    """The use case. `probes`: by part, in the order in which they are told."""

    def __init__(self, probes: Mapping[Part, Probe], clock: Clock) -> None:
        self._probes = probes
        self._clock = clock
        self._found: dict[Part, Standing] = {}
        self._looking = {part: asyncio.Lock() for part in probes}

    async def look(self, caller: Caller) -> tuple[Standing, ...]:
        """How every part is; never an error because one is away.

        Raises:
            DeniedError: the caller may see nothing.
        """
        caller.require(Permission.READ)
        return tuple(await together(self._standing(part, KEEP) for part in self._probes))

    async def answers(self, *parts: Part) -> dict[Part, bool]:
        """Whether these parts answer now, for everybody: no more is said. They are looked at anew."""
        found = await together(self._standing(part, timedelta(0)) for part in parts)
        return {one.part: one.is_there for one in found}

    async def _standing(self, part: Part, keep: timedelta) -> Standing:
        async with self._looking[part]:
            found, now = self._found.get(part), self._clock.now()
            if found is None or now - found.at >= keep:
                found = self._found[part] = await self._one(part, self._probes[part], now)
            return found

    async def _one(self, part: Part, probe: Probe, now: datetime) -> Standing:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                return Standing(part, is_there=True, text=await probe(), at=now)
        except OrchestratorError as error:
            return Standing(part, is_there=False, text=str(error), at=now)
        except TimeoutError:
            text = f"it did not answer within {PATIENCE.total_seconds():g} s"
            return Standing(part, is_there=False, text=text, at=now)


def ledger_probe(reading: Reading) -> Probe:
    """Looks at the ledger: whether it answers, and how far it can be trusted."""

    async def look() -> str:
        as_of = await reading.as_of()
        if as_of.is_stale:
            return f"changes since {as_of.moment:%F %T} UTC may be missing, until the reconciler has been through"
        if as_of.reconciled is None:
            return "it was never compared with Temporal: no worker, nor `saga reconciler`, has run yet"
        return f"compared with Temporal at {as_of.reconciled:%F %T} UTC"

    return look
