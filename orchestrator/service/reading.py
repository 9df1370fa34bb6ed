"""What may be read of executions, by whom: the use cases that API, console and command line share.

They work from the ledger alone, so they answer while Temporal is away. Each answer says as of when it is true. Payloads
(facts, inputs, bodies) are shown to those who have the right of their own; everybody else sees where they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

from orchestrator.errors import ExecutionNotFoundError, InvalidRequestError, MessageNotFoundError
from orchestrator.saga.plan import leaves
from orchestrator.service.access import Permission
from orchestrator.service.attempts import attempts
from orchestrator.service.compensation import plan_undo
from orchestrator.service.letters import Letter, Letters
from orchestrator.service.offering import offered
from orchestrator.service.records import Count, Filter, Status, StepRow, saga_of
from orchestrator.service.subjects import Subject, kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from orchestrator.engine.states import State
    from orchestrator.saga.plan import Leaf, Plan
    from orchestrator.service.access import Caller
    from orchestrator.service.attempts import Attempt
    from orchestrator.service.compensation import UndoPlan
    from orchestrator.service.journal import JournalEntry
    from orchestrator.service.letters import MessagePlace
    from orchestrator.service.operations import Clock
    from orchestrator.service.ports import LedgerReader
    from orchestrator.service.records import Cursor, Detail, ExecutionRow
    from orchestrator.service.rules import Action
    from orchestrator.stored import Way

MOST_ROWS = 200
STATUSES: tuple[Status, ...] = get_args(Status)
COUNT_CAP = 10_000


@dataclass(frozen=True, slots=True)
class AsOf:
    """How far an answer can be trusted.

    Attributes:
        moment: it shows everything that had happened by then, as far as is known.
        is_stale: changes behind `moment` may be missing: the ledger could not be written for a while.
        reconciled: when everything was last compared with Temporal; None = never yet.
    """

    moment: datetime
    is_stale: bool
    reconciled: datetime | None


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of executions, the newest change first; `following` is None at the end."""

    rows: tuple[ExecutionRow, ...]
    following: Cursor | None
    as_of: AsOf


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step, wait or sleep of the flow, and where it stands; `row.phase` is idle for what was never begun."""

    leaf: Leaf
    row: StepRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One execution, whole.

    Attributes:
        plan: the plan that it runs by.
        state: the engine's state; without facts, edited facts and payloads of held events unless `shows_payloads`.
        steps: in the order of the flow.
        in_doubt: of one that was ended from outside, the steps that a lost attempt may have begun.
        actions: every operation, whether this caller may do it now, and why not.
    """

    row: ExecutionRow
    plan: Plan
    state: State
    steps: tuple[StepLine, ...]
    in_doubt: tuple[str, ...]
    actions: tuple[Action, ...]
    shows_payloads: bool
    as_of: AsOf


class Reading:
    """The use cases.

    Every method raises `DeniedError` if the caller may not read the saga, and `StoreUnavailableError` if the ledger is
    away; those of one execution raise `ExecutionNotFoundError`, unless they say otherwise.
    """

    def __init__(self, ledger: LedgerReader, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def page(self, caller: Caller, wanted: Filter, *, after: Cursor | None = None, limit: int = 50) -> Listing:
        """Executions that the caller may see, beginning behind `after`.

        Raises:
            InvalidRequestError: `limit` is not 1 to `MOST_ROWS`.
        """
        _check_limit(limit)
        within = _within(caller, wanted)
        as_of = await self.as_of()
        if within is None:
            return Listing((), None, as_of)
        page = await self._ledger.page(within, after=after, limit=limit)
        return Listing(page.rows, page.following, as_of)

    async def count(self, caller: Caller, wanted: Filter, *, cap: int = COUNT_CAP) -> Count:
        """How many of them there are; counting stops at `cap`."""
        return (await self.counts(caller, (wanted,), cap=cap))[0]

    async def tally(self, caller: Caller, wanted: Filter, *, cap: int = COUNT_CAP) -> Mapping[Status, Count]:
        """How many of each status there are; those that the filter asks for, or all."""
        statuses = wanted.statuses or STATUSES
        each = [replace(wanted, statuses=(status,)) for status in statuses]
        return dict(zip(statuses, await self.counts(caller, each, cap=cap), strict=True))

    async def counts(self, caller: Caller, wanted: Sequence[Filter], *, cap: int = COUNT_CAP) -> tuple[Count, ...]:
        """How many there are of each, at one moment and by one question; counting stops at `cap` for each."""
        within = [_within(caller, one) for one in wanted]
        seen = [one for one in within if one is not None]
        found = iter(await self._ledger.counts(seen, cap=cap) if seen else ())
        return tuple(Count(0, is_capped=False) if one is None else next(found) for one in within)

    async def look(self, caller: Caller, execution_id: str) -> Look:
        """One execution with its steps and what may be done to it."""
        as_of = await self.as_of()
        detail, plan = await self._found(caller, execution_id)
        row, may_see = detail.row, caller.may(Permission.PAYLOAD, detail.row.saga)
        seen = kept(detail, plan, row.gone)
        state = seen.execution.state
        return Look(
            row=row,
            plan=plan,
            state=state if may_see else _without_payloads(state),
            steps=_in_order(plan, detail.steps),
            in_doubt=seen.in_doubt,
            actions=offered(caller, Subject(seen, row.window_ends), row.status, self._clock.now()),
            shows_payloads=may_see,
            as_of=as_of,
        )

    async def attempts(self, caller: Caller, execution_id: str) -> tuple[Attempt, ...]:
        """Every attempt of every step; when it began is known of the newest `MOST_ATTEMPTS` messages."""
        detail, _ = await self._found(caller, execution_id)
        journal = await self._ledger.journal(execution_id)
        sent = await self._ledger.messages(execution_id, limit=MOST_ATTEMPTS)
        return attempts(journal, sent, detail.steps)

    async def journal(self, caller: Caller, execution_id: str) -> tuple[JournalEntry, ...]:
        """What it was told, in order: attempts, events, timers, and what people did."""
        await self._found(caller, execution_id)
        return await self._ledger.journal(execution_id)

    async def messages(
        self,
        caller: Caller,
        execution_id: str,
        *,
        before: MessagePlace | None = None,
        limit: int = 50,
        bodies: bool = False,
    ) -> Letters:
        """Its messages, the newest first; `before`: the `following` of the page before. `bodies`: a caller may see.

        Raises:
            InvalidRequestError: `limit` is not 1 to `MOST_ROWS`.
        """
        _check_limit(limit)
        detail, _ = await self._found(caller, execution_id)
        may_see = caller.may(Permission.PAYLOAD, detail.row.saga)
        shown = bodies and may_see
        found = await self._ledger.messages(execution_id, before=before, limit=limit + 1, bodies=shown)
        some = found[:limit]
        return Letters(some, some[-1].place if len(found) > limit else None, may_see)

    async def message(self, caller: Caller, execution_id: str, message_id: str, direction: Way) -> Letter:
        """One of its messages.

        Raises:
            MessageNotFoundError: it has none like this, or there is no such execution.
        """
        saga = saga_of(execution_id)
        caller.require(Permission.READ, saga)
        found = await self._ledger.message(execution_id, message_id, direction)
        if found is None:
            raise MessageNotFoundError(f"message {message_id!r} ({direction}) of {execution_id!r}")
        may_see = caller.may(Permission.PAYLOAD, saga)
        return Letter(found if may_see else replace(found, body=None), may_see)

    async def related(
        self, caller: Caller, execution_id: str, *, after: Cursor | None = None, limit: int = 50
    ) -> Listing:
        """Executions of the same correlation id, this one included."""
        detail, _ = await self._found(caller, execution_id)
        return await self.page(caller, Filter(correlation_id=detail.row.correlation_id), after=after, limit=limit)

    async def undo_plan(self, caller: Caller, execution_id: str, from_step: str | None = None) -> UndoPlan:
        """What compensating would do, as far as the ledger knows; confirming compares it with Temporal by its hash.

        Raises:
            RefusedCommandError: it cannot be undone now at all.
        """
        detail, plan = await self._found(caller, execution_id)
        subject = Subject(kept(detail, plan, detail.row.gone), detail.row.window_ends)
        found = plan_undo(subject.to_undo(), from_step)
        return found if caller.may(Permission.PAYLOAD, detail.row.saga) else found.without_inputs()

    async def as_of(self) -> AsOf:
        """As of when answers are true now."""
        now = self._clock.now()
        freshness = await self._ledger.freshness()
        stale = freshness.stale_since
        return AsOf(now if stale is None else stale, stale is not None, freshness.reconciled)

    async def _found(self, caller: Caller, execution_id: str) -> tuple[Detail, Plan]:
        caller.require(Permission.READ, saga_of(execution_id))
        detail = await self._ledger.find(execution_id)
        if detail is None or detail.plan is None:
            raise ExecutionNotFoundError(execution_id)
        return detail, detail.plan


MOST_ATTEMPTS = 1_000


def statuses(words: Iterable[str]) -> tuple[Status, ...]:
    """Words of lists as they are typed.

    Raises:
        InvalidRequestError: one is none; says which there are.
    """
    known: dict[str, Status] = {status: status for status in STATUSES}
    given = tuple(dict.fromkeys(words))
    strangers = [word for word in given if word not in known]
    if strangers:
        raise InvalidRequestError([("/status", f"{strangers[0]!r} is none of {', '.join(STATUSES)}")])
    return tuple(known[word] for word in given)


def _within(caller: Caller, wanted: Filter) -> Filter | None:
    """The filter, narrowed to the sagas that the caller may read; None = there are none."""
    caller.require(Permission.READ, wanted.saga or None)
    if caller.sagas is None:
        return wanted
    sagas = caller.sagas.intersection(wanted.sagas) if wanted.sagas else caller.sagas
    return replace(wanted, sagas=tuple(sorted(sagas))) if sagas else None


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MOST_ROWS:
        raise InvalidRequestError([("/limit", f"1 to {MOST_ROWS}")])


def _in_order(plan: Plan, rows: Iterable[StepRow]) -> tuple[StepLine, ...]:
    known = {row.step: row for row in rows}
    return tuple(
        StepLine(leaf, known.get(leaf.id) or StepRow(step=leaf.id, phase="idle", outcome="none"))
        for leaf in leaves(plan.root)
    )


def _without_payloads(state: State) -> State:
    twin = state.copied()
    twin.facts = {}
    twin.held = [replace(event, payload=None) for event in twin.held]
    for step in twin.steps.values():
        step.edited = {}
    return twin
