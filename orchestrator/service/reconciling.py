"""The reconciler: makes the ledger say what Temporal has recorded.

A *pass* looks at what has ended since the last one and at everything that is open:

- an end that Temporal has recorded is written and confirmed, whether a row was there or not;
- a row of an execution that does not run any more gets the way in which it ended: terminated, timed out, deleted;
- an execution that runs and has no row gets one;
- a *deep* pass also asks of each open row whether it shows the last recorded change: that is one call for each.

An empty ledger has no mark of a last pass, so its first one rebuilds it from all that Temporal keeps.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from orchestrator.engine.execution import Execution
from orchestrator.errors import EngineUnavailableError, LedgerOutdatedError, StoreUnavailableError
from orchestrator.service.about import ids
from orchestrator.service.records import Position, Snapshot, milliseconds, moment
from orchestrator.service.runs import gone_as
from orchestrator.together import together

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence

    from orchestrator.saga.plan import Plan
    from orchestrator.service.ports import LedgerKeeper, LedgerReader, LedgerWriter, Survey
    from orchestrator.service.records import Gone, OpenRow
    from orchestrator.service.runs import RunSeen

Given = TypeVar("Given", bound="OpenRow | RunSeen")
log = logging.getLogger(__name__)

CLOSED_UNTIL = "closed-until"
OVERLAP = timedelta(minutes=2)
"""How far a pass looks back before the one before it: an end may become visible late."""
GRACE = timedelta(seconds=5)
"""How long a change has to come into the ledger by itself, and an end into Temporal's list."""
AT_ONCE = 16
BATCH = 200
MOST_JOURNALS = 100
"""So many journals one pass reads anew from histories."""
AWAY = (EngineUnavailableError, StoreUnavailableError, LedgerOutdatedError)
BEGINNING = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


@dataclass(slots=True)
class PassCounts:
    """What a pass did.

    Attributes:
        compared: open rows looked at. `confirmed`: ends written as recorded, those from outside among them.
        repaired: rows of running executions that were missing or did not show the last change. `gone`: found ended from
            outside.
        unknown: nobody could tell; the next pass tries again.
    """

    compared: int = 0
    confirmed: int = 0
    repaired: int = 0
    gone: int = 0
    unknown: int = 0


class Reconciler:
    """Compares ledger and engine. One pass at a time."""

    def __init__(self, survey: Survey, *, writer: LedgerWriter, reader: LedgerReader, keeper: LedgerKeeper) -> None:
        self._survey = survey
        self._writer = writer
        self._reader = reader
        self._keeper = keeper
        self._plans: dict[str, Plan] = {}
        self._forgotten: set[str] = set()
        self._untold: dict[str, RunSeen] = {}

    async def go_through(self, now: Callable[[], datetime], *, deep: bool) -> PassCounts:
        """One pass.

        Raises:
            EngineUnavailableError, StoreUnavailableError: one of the two is away; what was done stays done.
        """
        began, counts = now(), PassCounts()
        await self._take_ends(await self._since(), began, counts)
        running = {seen.workflow_id: seen async for seen in self._survey.open_runs()}
        unseen = set(running)
        async for rows in self._open_rows():
            unseen.difference_update(row.workflow_id for row in rows)
            compare = partial(self._compare, running=running, began=began, counts=counts, deep=deep)
            await self._each(rows, compare, counts)
        fresh = milliseconds(began - GRACE)
        missing = [running[name] for name in sorted(unseen) if running[name].run_ms < fresh]
        await self._each(missing, lambda seen: self._repair(seen, counts), counts)
        await self._keeper.set_mark(CLOSED_UNTIL, milliseconds(began))
        if deep:
            await self._keeper.reconciled(began)
        await self._fetch_journals(counts)
        return counts

    async def _since(self) -> datetime:
        """From when on ends are looked for: nothing is confirmed twice, so looking back too far only costs time."""
        until = await self._keeper.mark(CLOSED_UNTIL)
        if not until:
            return BEGINNING
        stale = (await self._reader.freshness()).stale_since
        return min(filter(None, (moment(until), stale))) - OVERLAP

    async def _take_ends(self, since: datetime, began: datetime, counts: PassCounts) -> None:
        fresh = milliseconds(began - GRACE)
        some: list[RunSeen] = []
        async for seen in self._survey.closed_runs(since):
            if seen.status != "continued" and (seen.closed_ms or 0) < fresh:
                some.append(seen)
            if len(some) == BATCH:
                await self._confirm(some, counts)
                some = []
        await self._confirm(some, counts)

    async def _confirm(self, ended: Collection[RunSeen], counts: PassCounts) -> None:
        known = await self._keeper.confirmed_among([seen.run_id for seen in ended])
        new = [seen for seen in ended if seen.run_id not in known]
        shown = await self._keeper.known_among([seen.run_id for seen in new])
        await self._each(new, lambda seen: self._take_new_end(seen, shown, counts), counts)

    async def _take_new_end(self, seen: RunSeen, shown: set[str], counts: PassCounts) -> Snapshot | None:
        found = await self._take_end(seen, None, counts)
        if found is not None and seen.run_id not in shown:
            self._untold[seen.run_id] = seen
        return found

    async def _fetch_journals(self, counts: PassCounts) -> None:
        """Of ended runs that no worker told the ledger of: their rows come first, and a pass must not take for ever."""
        some = [self._untold.pop(name) for name in list(self._untold)[:MOST_JOURNALS]]
        await self._each(some, self._with_journal, counts)

    async def _with_journal(self, seen: RunSeen) -> Snapshot | None:
        found = await self._survey.look(seen, await self._plan(seen.plan_hash))
        return None if found is None else replace(found, journal=await self._survey.journal(seen))

    async def _open_rows(self) -> AsyncIterator[list[OpenRow]]:
        after = ""
        while rows := list(await self._keeper.open_rows(after=after, limit=BATCH)):
            after = rows[-1].execution_id
            yield [row for row in rows if row.run_id not in self._forgotten]

    async def _compare(
        self, row: OpenRow, *, running: dict[str, RunSeen], began: datetime, counts: PassCounts, deep: bool
    ) -> Snapshot | None:
        counts.compared += 1
        if row.changed_ms > milliseconds(began - GRACE):
            return None
        seen = running.get(row.workflow_id)
        if seen is None or row.has_ended:
            return await self._find_end(row, counts)
        if seen.run_id == row.run_id and (not deep or await self._survey.is_current(row)):
            return None
        return await self._repair(seen, counts, row)

    async def _find_end(self, row: OpenRow, counts: PassCounts) -> Snapshot | None:
        """The list may be late, so the run itself is asked for."""
        seen = await self._survey.run(row.workflow_id)
        if seen is None:
            return await self._take_deleted(row, counts)
        if seen.status == "running":
            return None if seen.run_id == row.run_id else await self._repair(seen, counts, row)
        return await self._take_end(seen, row, counts)

    async def _take_end(self, seen: RunSeen, row: OpenRow | None, counts: PassCounts) -> Snapshot | None:
        found = await self._survey.look(seen, await self._plan(seen.plan_hash))
        if found is None and row is not None and seen.status != "completed":
            found = await self._from_row(row, gone_as(seen), seen.closed_ms or row.changed_ms)
        if found is None:
            counts.unknown += 1
            return None
        counts.confirmed += 1
        counts.gone += bool(found.gone)
        if found.gone:
            log.warning(
                "execution %s was ended from outside: %s",
                found.execution_id,
                found.gone,
                extra=ids(found.execution_id, found.correlation_id),
            )
        return found

    async def _take_deleted(self, row: OpenRow, counts: PassCounts) -> Snapshot | None:
        if row.has_ended:
            # Temporal has forgotten it before its end was confirmed: what the row says cannot be proved any more.
            self._forgotten.add(row.run_id)
            counts.unknown += 1
            return None
        counts.gone += 1
        log.warning("execution %s was deleted from Temporal", row.execution_id, extra=ids(row.execution_id))
        return await self._from_row(row, "deleted", row.changed_ms)

    async def _repair(self, seen: RunSeen, counts: PassCounts, row: OpenRow | None = None) -> Snapshot | None:
        found = await self._survey.look(seen, await self._plan(seen.plan_hash))
        if found is None:
            counts.unknown += 1
            return None
        # A workflow task that changed nothing, as one that told of a stuck step, leaves its row where it was.
        known = row and (row.run_id, row.revision)
        counts.repaired += known != (found.position.run_id, found.position.revision)
        return found

    async def _from_row(self, row: OpenRow, gone: Gone, ended_ms: int) -> Snapshot | None:
        """The last state that the ledger has, as an end from outside."""
        detail = await self._reader.find(row.execution_id)
        if detail is None or detail.plan is None:
            return None
        return Snapshot(
            execution=Execution.restore(detail.plan, detail.state),
            position=Position(run_id=row.run_id, run_ms=row.run_ms, history=row.history, revision=row.revision),
            workflow_id=row.workflow_id,
            correlation_id=detail.row.correlation_id,
            started_ms=milliseconds(detail.row.started),
            changed_ms=ended_ms,
            plan_hash=detail.row.plan,
            confirmed=True,
            gone=gone,
            ended_ms=ended_ms,
        )

    async def _each(
        self, given: Sequence[Given], look: Callable[[Given], Awaitable[Snapshot | None]], counts: PassCounts
    ) -> None:
        """Look at all of them, a few at once, and write what was found."""
        for start in range(0, len(given), AT_ONCE):
            found = await together(_looked(look, one, counts) for one in given[start : start + AT_ONCE])
            await self._write([one for one in found if one is not None], counts)

    async def _write(self, found: Sequence[Snapshot], counts: PassCounts) -> None:
        """In one transaction; singly, if a row is refused: it must not keep out the others, nor end the pass."""
        try:
            await self._writer.write(found)
        except AWAY:
            raise
        except Exception:
            if len(found) == 1:
                log.exception("the ledger refuses %s", found[0].execution_id, extra=ids(found[0].execution_id))
                counts.unknown += 1
                return
            for one in found:
                await self._write([one], counts)

    async def _plan(self, plan_hash: str) -> Plan | None:
        if plan_hash not in self._plans:
            found = await self._keeper.plan(plan_hash) if plan_hash else None
            if found is None:
                return None
            self._plans[plan_hash] = found
        return self._plans[plan_hash]


async def _looked(
    look: Callable[[Given], Awaitable[Snapshot | None]], one: Given, counts: PassCounts
) -> Snapshot | None:
    """What a look gives. One execution that cannot be read is a matter of its own: the pass goes on with the others."""
    try:
        return await look(one)
    except AWAY:
        raise
    except Exception:
        log.exception("%s cannot be looked at: the next pass tries again", one.workflow_id, extra=ids(one.workflow_id))
        counts.unknown += 1
        return None
