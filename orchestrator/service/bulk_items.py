"""Does one item of a bulk: what is asked of its execution, and what came of it.

A retry asks for every step of the execution that waits for a person, each an operation of its own. What was asked for
before a kill is found by its key and not asked for again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.errors import EngineUnavailableError, RefusedCommandError, StoreUnavailableError
from orchestrator.messages import short_hash
from orchestrator.service.about import ids
from orchestrator.service.bulk_records import Part
from orchestrator.service.compensation import plan_undo
from orchestrator.service.operating import REFUSALS, Operating
from orchestrator.service.operations import Instruction
from orchestrator.service.requests import Abandon, Cancel, Compensate, Release, Resume, Retry, Suspend
from orchestrator.service.snapshots import failed_step, waiting_steps

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from orchestrator.service.bulk_records import Bulk, BulkItem, BulkWord, ItemState
    from orchestrator.service.operating import World
    from orchestrator.service.operations import OperationRecord
    from orchestrator.service.requests import Request
    from orchestrator.service.subjects import Subject

log = logging.getLogger(__name__)
_PLAIN: dict[BulkWord, type[Suspend | Resume | Cancel | Abandon | Release]] = {
    "suspend": Suspend,
    "resume": Resume,
    "cancel": Cancel,
    "abandon": Abandon,
    "release": Release,
}


class Outcome(NamedTuple):
    """What became of an item, why, and by which operation."""

    state: ItemState
    text: str = ""
    operation_id: str = ""


class BulkItems:
    """What does single items."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._operating = Operating(world)

    async def asked(self, bulk: Bulk, items: Sequence[BulkItem]) -> dict[int, list[OperationRecord]]:
        """What items were asked for in their present round, by number: a process that was killed may have done so."""
        found = await self._world.register.of_bulk(bulk.id, [item.execution_id for item in items])
        of_item: dict[tuple[str, ...], list[OperationRecord]] = {}
        for record in found:
            of_item.setdefault(tuple(record.key.split(":")[1:3]), []).append(record)
        return {item.number: of_item.get((str(item.number), str(item.round)), []) for item in items}

    async def do(self, bulk: Bulk, item: BulkItem, asked: Sequence[OperationRecord]) -> Outcome:
        """Do an item; `asked`: see there.

        Raises:
            EngineUnavailableError, StoreUnavailableError: a server is away; the item waits.
        """
        try:
            return await self._done(bulk, item, asked)
        except RefusedCommandError as error:
            return Outcome("skipped", str(error))
        except (EngineUnavailableError, StoreUnavailableError):
            raise
        except REFUSALS as error:
            return Outcome("failed", str(error))
        except Exception as error:
            log.exception("item %s of bulk %s", item.number, bulk.id, extra=ids(item.execution_id))
            return Outcome("failed", f"a fault of the orchestrator: {type(error).__name__}")

    async def _done(self, bulk: Bulk, item: BulkItem, asked: Sequence[OperationRecord]) -> Outcome:
        # What was asked for is not thought out anew.
        again = [Instruction(request=one.request, reason=bulk.reason, key=one.key) for one in asked]
        done = [_outcome(await self._operating.operate(bulk.caller, item.execution_id, one)) for one in again]
        if done and bulk.word != "retry":
            return done[0]
        if bulk.word == "retry":
            return await self._retried(bulk, item, asked, done)
        if bulk.word != "compensate":
            return await self._operated(bulk, item, _PLAIN[bulk.word]())
        # The whole of it, as its plan is now; past the pivot only if those who began it had the right and said so.
        subject = await self._world.subjects.find(item.execution_id)
        plan = plan_undo(subject.to_undo(), None)
        return await self._operated(bulk, item, Compensate(plan=plan.hash, override=bulk.override), subject)

    async def _retried(
        self, bulk: Bulk, item: BulkItem, asked: Sequence[OperationRecord], done: list[Outcome]
    ) -> Outcome:
        """The first step under the item's own key, each further one under a key that its name makes."""
        subject = await self._world.subjects.find(item.execution_id)
        before = [one.request.step for one in asked if isinstance(one.request, Retry)]
        steps = [name for name in waiting_steps(subject.execution) if name not in before]
        if not (steps or before):
            steps = [failed_step(subject.execution) or "none"]  # the table, or the execution, says why not
        told = dict(zip(before, done, strict=True))
        for step in steps:
            suffix = f":{short_hash(step)[:16]}" if told else ""
            told[step] = await self._told(self._operated(bulk, item, Retry(step=step), subject, suffix), alone=not told)
        return _joined(told)

    async def _told(self, work: Awaitable[Outcome], *, alone: bool) -> Outcome:
        """What became of one step; that a further one is refused is told beside what was done."""
        try:
            return await work
        except RefusedCommandError as error:
            if alone:
                raise
            return Outcome("skipped", str(error))

    async def _operated(
        self, bulk: Bulk, item: BulkItem, request: Request, subject: Subject | None = None, suffix: str = ""
    ) -> Outcome:
        given = Instruction(request=request, reason=bulk.reason, key=f"{bulk.id}:{item.number}:{item.round}{suffix}")
        part = Part(bulk=bulk.id, subject=subject, is_new=True)
        return _outcome(await self._operating.operate(bulk.caller, item.execution_id, given, part))


def _outcome(record: OperationRecord) -> Outcome:
    if record.state == "accepted":
        raise EngineUnavailableError(record.text)
    return Outcome("failed" if record.state == "failed" else "done", record.text, record.id)


def _joined(told: dict[str, Outcome]) -> Outcome:
    """Of several steps: failed if one is, done if one is, and what is to be said of each."""
    if len(told) == 1:
        return next(iter(told.values()))
    states = {one.state for one in told.values()}
    state: ItemState = "failed" if "failed" in states else "done" if "done" in states else "skipped"
    text = "; ".join(f"{step}: {one.text or 'tried again'}" for step, one in told.items())
    return Outcome(state, text, next(iter(told.values())).operation_id)
