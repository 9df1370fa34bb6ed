"""What a write into the ledger changed: what was news to it. Pure.

After a crash an execution's journal is told again, by whoever goes on. The ledger knows how far it was told, so what
is counted from here is counted once, whoever tells it and how often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from orchestrator.service.records import IN_FLIGHT
from orchestrator.service.snapshots import status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from orchestrator.service.journal import JournalEntry
    from orchestrator.service.records import Snapshot, Status


@dataclass(frozen=True, slots=True)
class Stood:
    """Where the ledger had an execution before a write. `run_ms`, `revision`: up to there its journal was told."""

    status: Status
    run_ms: int
    revision: int
    started_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What was news about one execution.

    Attributes:
        before, status: its status before and after the write; before is None if it was not known.
        lasted_ms: how long it took from its start to this change.
        entries: what the journal was told for the first time.
    """

    execution_id: str
    saga: str
    before: Status | None
    status: Status
    lasted_ms: int
    entries: tuple[JournalEntry, ...]

    @property
    def is_end(self) -> bool:
        """Whether it came to an end, or to another one."""
        return self.status != self.before and self.status not in IN_FLIGHT


Tell: TypeAlias = "Callable[[Sequence[Change]], None]"
"""Is told what a write changed, once it is durable."""


def changes_of(
    newest: Sequence[Snapshot], told: Iterable[Snapshot], stood: Mapping[str, Stood], newer: Collection[str]
) -> Iterator[Change]:
    """What a write changed.

    Args:
        newest: the newest snapshot of each execution in it.
        told: all of them, with their journals.
        stood: where the ledger had those that it knew.
        newer: those whose row was replaced.
    """
    entries: dict[str, dict[tuple[int, int], JournalEntry]] = {}
    for one in told:
        known, run_ms = stood.get(one.execution_id), one.position.run_ms
        for entry in one.told:
            place = (run_ms, entry.revision)
            if known is None or place > (known.run_ms, known.revision):
                entries.setdefault(one.execution_id, {})[place] = entry
    for one in newest:
        known = stood.get(one.execution_id)
        status = status_of(one) if known is None or one.execution_id in newer else known.status
        ended_ms = one.ended_ms or one.changed_ms
        yield Change(
            execution_id=one.execution_id,
            saga=one.plan.saga,
            before=None if known is None else known.status,
            status=status,
            lasted_ms=ended_ms - (known.started_ms if known else one.started_ms),
            entries=tuple(entries.get(one.execution_id, {}).values()),
        )
