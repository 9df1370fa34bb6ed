"""A world without servers for the service layer: Temporal, the ledger, the register and the clock by hand."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from orchestrator.errors import ConflictError, EngineUnavailableError, RefusedCommandError, StoreUnavailableError
from orchestrator.saga.handlers import Handlers
from orchestrator.service.access import Caller, Role
from orchestrator.service.auditing import AuditEntry, AuditRow, Head, chained
from orchestrator.service.bulk import Bulking
from orchestrator.service.bulk_records import Bulk, BulkCounts, BulkItem
from orchestrator.service.bulk_running import BulkRunning
from orchestrator.service.live import Seen, Taken, linked_id
from orchestrator.service.operating import Operating, World
from orchestrator.service.operations import Instruction, OperationRecord
from orchestrator.service.reading import Reading
from orchestrator.service.records import (
    Count,
    Cursor,
    Detail,
    ExecutionRow,
    Filter,
    Freshness,
    MessageRecord,
    Page,
    Position,
    Snapshot,
    milliseconds,
    saga_of,
)
from orchestrator.service.requests import REQUEST
from orchestrator.service.settling import Settling
from orchestrator.service.snapshots import entry_of, row_of, steps_of
from orchestrator.service.subjects import Subjects
from orchestrator.service.switches import Switch
from orchestrator.together import together
from tests.hand_kit import Hand, event
from tests.trip_kit import trip

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from orchestrator.engine.signals import CompensateRequested, Operator
    from orchestrator.service.bulk_records import BulkState, ItemState
    from orchestrator.service.letters import MessagePlace
    from orchestrator.service.switches import Kind
    from orchestrator.service.trail import Sought
    from orchestrator.stored import Way

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TRIGGER = event("trip.ordered", trip="t1")
WHY = "decided by hand"


@dataclass
class ManualClock:
    """A clock that only sleeping moves."""

    moment: datetime = NOW
    slept: list[timedelta] = field(default_factory=list)

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, length: timedelta) -> None:
        self.slept.append(length)
        self.moment += max(length, timedelta(0))
        await asyncio.sleep(0)  # what goes on beside it has its turn


@dataclass
class MemoryRegister:
    """Operations and the audit, in memory."""

    operations: dict[str, OperationRecord] = field(default_factory=dict)
    rows: list[AuditRow] = field(default_factory=list)

    async def accept(self, operation: OperationRecord, entry: AuditEntry) -> OperationRecord:
        known = await self.by_key(operation.actor, operation.key)
        if known is None and operation.plan:
            known = await self.confirming(operation.execution_id, operation.plan)
        if known is not None:
            return known
        self.operations[operation.id] = operation
        await self.note(entry)
        return operation

    async def change(self, operation: OperationRecord, entry: AuditEntry | None = None) -> bool:
        if operation.id not in self.operations or self.operations[operation.id].is_final:
            return False
        self.operations[operation.id] = operation
        if entry is not None:
            await self.note(entry)
        return True

    async def note(self, entry: AuditEntry) -> None:
        self.rows.append(chained(await self.audit_head(), entry))

    async def find(self, operation_id: str) -> OperationRecord | None:
        return self.operations.get(operation_id)

    async def by_key(self, actor: str, key: str) -> OperationRecord | None:
        return next((one for one in self.operations.values() if (one.actor, one.key) == (actor, key)), None)

    async def of_bulk(self, bulk_id: str, execution_ids: Sequence[str]) -> tuple[OperationRecord, ...]:
        found = (one for one in self.operations.values() if one.bulk == bulk_id and one.execution_id in execution_ids)
        return tuple(sorted(found, key=lambda one: (one.accepted_ms, one.key)))

    async def confirming(self, execution_id: str, plan: str) -> OperationRecord | None:
        found = (one for one in self.operations.values() if (one.execution_id, one.plan) == (execution_id, plan))
        return next((one for one in found if one.state not in ("failed", "no_effect")), None)

    async def of_execution(self, execution_id: str, *, limit: int = 50) -> tuple[OperationRecord, ...]:
        found = [one for one in self.operations.values() if one.execution_id == execution_id]
        return tuple(sorted(found, key=lambda one: (-one.accepted_ms, one.id))[:limit])

    async def page(
        self, sought: Sought, *, before: tuple[int, str] | None = None, limit: int = 50
    ) -> tuple[OperationRecord, ...]:
        newest = sorted(self.operations.values(), key=lambda one: (one.accepted_ms, one.id), reverse=True)
        found = (one for one in newest if _is_sought(one.execution_id, one.actor, sought))
        return tuple(one for one in found if before is None or (one.accepted_ms, one.id) < before)[:limit]

    async def trail(self, sought: Sought, *, before: int | None = None, limit: int = 50) -> tuple[AuditRow, ...]:
        found = (row for row in reversed(self.rows) if _is_sought(row.entry.target, row.entry.actor, sought))
        return tuple(row for row in found if before is None or row.number < before)[:limit]

    async def unsettled(self, *, after: str = "", limit: int = 200) -> tuple[OperationRecord, ...]:
        found = [one for name, one in sorted(self.operations.items()) if name > after and not one.is_final]
        return tuple(found[:limit])

    async def audit(self, *, after: int = 0, limit: int = 1_000) -> tuple[AuditRow, ...]:
        return tuple(row for row in self.rows if row.number > after)[:limit]

    async def audit_head(self) -> Head:
        return Head(self.rows[-1].number, self.rows[-1].hash) if self.rows else Head()


def _is_sought(target: str, actor: str, sought: Sought) -> bool:
    first, _, second = target.partition(":")
    in_scope = sought.sagas is None or first in sought.sagas or (first == "starts" and second in sought.sagas)
    return in_scope and sought.target in ("", target) and sought.actor in ("", actor)


@dataclass
class MemoryBulks:
    """Bulks, in memory."""

    register: MemoryRegister = field(default_factory=MemoryRegister)
    bulks: dict[str, Bulk] = field(default_factory=dict)
    kept: dict[str, dict[int, BulkItem]] = field(default_factory=dict)

    async def create(self, bulk: Bulk, ids: Sequence[str], entry: AuditEntry) -> Bulk:
        known = await self.by_key(bulk.caller.actor, bulk.key)
        if known is not None:
            return known
        self.bulks[bulk.id] = bulk
        self.kept[bulk.id] = {n: BulkItem(number=n, execution_id=name) for n, name in enumerate(ids, start=1)}
        await self.register.note(entry)
        return bulk

    async def find(self, bulk_id: str) -> Bulk | None:
        return self.bulks.get(bulk_id)

    async def by_key(self, actor: str, key: str) -> Bulk | None:
        return next((one for one in self.bulks.values() if (one.caller.actor, one.key) == (actor, key)), None)

    async def running(self) -> tuple[Bulk, ...]:
        found = [one for one in self.bulks.values() if one.state == "running"]
        return tuple(sorted(found, key=lambda one: (one.created_ms, one.id)))

    async def recent(self, seen_by: Caller, *, before: tuple[int, str] | None = None, limit: int) -> tuple[Bulk, ...]:
        seen = [one for one in self.bulks.values() if await self.is_seen_by(seen_by, one.id)]
        found = sorted(seen, key=lambda one: (one.created_ms, one.id), reverse=True)
        return tuple(one for one in found if before is None or (one.created_ms, one.id) < before)[:limit]

    async def is_seen_by(self, caller: Caller, bulk_id: str) -> bool:
        sagas = {saga_of(item.execution_id) for item in self.kept[bulk_id].values()}
        is_own = self.bulks[bulk_id].caller.actor == caller.actor
        return caller.sagas is None or is_own or (bool(sagas) and sagas <= caller.sagas)

    async def end(self, bulk_id: str, state: BulkState) -> None:
        if self.bulks[bulk_id].state == "running":
            self.bulks[bulk_id] = replace(self.bulks[bulk_id], state=state)

    async def move(self, bulk_id: str, states: Collection[BulkState], state: BulkState, entry: AuditEntry) -> bool:
        if self.bulks[bulk_id].state not in states:
            return False
        self.bulks[bulk_id] = replace(self.bulks[bulk_id], state=state)
        await self.register.note(entry)
        return True

    async def settle(self, bulk_id: str, item: BulkItem, state: ItemState, *, text: str, operation_id: str) -> None:
        if self.kept[bulk_id][item.number].round == item.round:
            self.kept[bulk_id][item.number] = replace(item, state=state, text=text, operation_id=operation_id)

    async def renew_failed(self, bulk_id: str) -> int:
        failed = [one for one in self.kept[bulk_id].values() if one.state == "failed"]
        for one in failed:
            self.kept[bulk_id][one.number] = replace(one, state="waiting", round=one.round + 1)
        return len(failed)

    async def counts(self, bulk_id: str) -> BulkCounts:
        counted = Counter[str](one.state for one in self.kept[bulk_id].values())
        return BulkCounts(**counted)

    async def items(
        self, bulk_id: str, state: ItemState | None = None, *, after: int = 0, limit: int = 200
    ) -> tuple[BulkItem, ...]:
        found = (one for one in self.kept[bulk_id].values() if one.number > after and state in (None, one.state))
        return tuple(itertools.islice(found, limit))


@dataclass
class MemorySwitches:
    """Switches, in memory."""

    held: dict[tuple[str, str], Switch] = field(default_factory=dict)
    away: bool = False
    register: MemoryRegister = field(default_factory=MemoryRegister)
    names: dict[str, frozenset[str]] = field(
        default_factory=lambda: {
            "starts": frozenset({"trip", "order"}),
            "commands": frozenset({"bank", "inventory", "trip"}),
        }
    )

    async def known(self, kind: Kind) -> frozenset[str]:
        self._check()
        return self.names[kind]

    async def all(self) -> tuple[Switch, ...]:
        self._check()
        return tuple(self.held[name] for name in sorted(self.held))

    async def set(self, switch: Switch, entry: AuditEntry) -> bool:
        self._check()
        is_new = self.held.setdefault((switch.kind, switch.name), switch) is switch
        if is_new:
            await self.register.note(entry)
        return is_new

    async def clear(self, kind: Kind, name: str, entry: AuditEntry) -> bool:
        self._check()
        was_held = self.held.pop((kind, name), None) is not None
        if was_held:
            await self.register.note(entry)
        return was_held

    def _check(self) -> None:
        if self.away:
            raise StoreUnavailableError("the store is away")


@dataclass
class FakeLive:
    """Temporal by hand: each run is an execution that is driven as its `Hand` answers."""

    runs: dict[str, Hand] = field(default_factory=dict)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    away: bool = False
    on_command: Callable[[], object] = lambda: None
    started: list[str] = field(default_factory=list)

    async def look(self, execution_id: str) -> Seen | None:
        self._check()
        names = [name for name in (linked_id(execution_id), execution_id) if name in self.runs]
        if not names:
            return None
        own = self.seen.get(execution_id, {})
        execution = self.runs[names[0]].execution.copy()
        ended = NOW if execution.state.ended else None
        known: dict[str, Any] = {
            "workflow_id": names[0],
            "is_open": not execution.state.ended,
            "execution": execution,
            "trigger": TRIGGER,
            "thread": {"correlation_id": execution_id},
            "ended": ended,
            "first_ended": NOW if names[0] != execution_id else ended,
        }
        return Seen(**{**known, **own})

    async def command(self, workflow_id: str, command: Operator, *, revision: int | None = None) -> Taken:
        self._check()
        self.on_command()
        hand = self.runs[workflow_id]
        execution = hand.execution
        if revision not in (None, execution.state.revision):
            raise ConflictError("it has moved", revision=execution.state.revision)
        objection = execution.objection(command)
        if objection:
            raise RefusedCommandError("command", objection)
        before = execution.state.revision
        hand.tell(command)
        return Taken(before=before, after=before + 1, word=execution.word)

    async def begin_undo(self, seed: Seen, command: CompensateRequested) -> bool:
        self._check()
        workflow_id = linked_id(seed.execution.state.execution_id)
        found = self.runs.get(workflow_id)
        gone = self.seen.get(seed.execution.state.execution_id, {}).get("gone", "")
        if found is not None and not (found.execution.state.ended or gone):
            return False
        if found is not None and seed.workflow_id != workflow_id:
            raise ConflictError("another undo of it has ended meanwhile", revision=seed.execution.state.revision)
        self.started.append(workflow_id)
        hand = self.runs[workflow_id] = Hand.of(seed.execution.copy())
        hand.tell(command)
        return True

    def _check(self) -> None:
        if self.away:
            raise EngineUnavailableError("Temporal is away")


@dataclass
class FakeLedger:
    """What the service asks of a ledger: executions that Temporal may have forgotten.

    Attributes:
        counted: how often it was asked for counts.
    """

    details: dict[str, Detail] = field(default_factory=dict)
    journals: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    letters: dict[str, tuple[MessageRecord, ...]] = field(default_factory=dict)
    fresh: Freshness = field(default_factory=lambda: Freshness(None, None))
    away: bool = False
    counted: int = 0

    def keep(self, hand: Hand, **more: Any) -> None:
        """Keep an execution as it stands, ended unless it is said to be open."""
        execution = hand.execution
        position = Position(run_id="r", run_ms=0, history=1, revision=execution.state.revision)
        given: dict[str, Any] = {
            "workflow_id": execution.state.execution_id,
            "correlation_id": "c",
            "started_ms": 0,
            "changed_ms": milliseconds(NOW),
            "confirmed": True,
            "ended_ms": milliseconds(NOW),
            "journal": tuple(entry_of(e.revision, milliseconds(NOW), e.signal, e.ignored) for e in execution.journal),
            **more,
        }
        plan_hash = execution.plan.content_hash
        self.add(Snapshot(execution=execution.copy(), position=position, plan_hash=plan_hash, **given))

    def keep_open(self, hand: Hand, **more: Any) -> None:
        """Keep an execution that goes on."""
        self.keep(hand, confirmed=False, ended_ms=None, **more)

    def add(self, snapshot: Snapshot) -> None:
        """Keep a snapshot in place of whatever was kept of its execution."""
        execution, name = snapshot.execution, snapshot.execution_id
        state = json.loads(json.dumps(execution.dump()))
        self.details[name] = Detail(row=row_of(snapshot), steps=steps_of(execution), plan=execution.plan, state=state)
        self.journals[name] = snapshot.journal

    async def write(self, snapshots: Sequence[Snapshot], messages: Sequence[MessageRecord] = ()) -> None:
        """Keep snapshots, and messages behind those that were kept."""
        for one in snapshots:
            self.add(one)
        for letter in messages:
            self.letters[letter.execution_id] = (*self.letters.get(letter.execution_id, ()), letter)

    async def find(self, execution_id: str) -> Detail | None:
        self._check()
        return self.details.get(execution_id)

    async def page(self, wanted: Filter, *, after: Cursor | None = None, limit: int = 50) -> Page:
        self._check()
        found = [row for row in self._newest() if _is_wanted(row, wanted)]
        behind = [row for row in found if after is None or _place(row) < (after.changed_ms, after.execution_id)]
        some = tuple(behind[:limit])
        return Page(some, Cursor(*_place(some[-1])) if len(behind) > limit else None)

    async def counts(self, wanted: Sequence[Filter], *, cap: int = 10_000) -> tuple[Count, ...]:
        self._check()
        self.counted += 1
        numbers = [sum(_is_wanted(row, one) for row in self._newest()) for one in wanted]
        return tuple(Count(min(number, cap), number > cap) for number in numbers)

    async def journal(self, execution_id: str) -> tuple[Any, ...]:
        self._check()
        return self.journals.get(execution_id, ())

    async def messages(
        self, execution_id: str, *, before: MessagePlace | None = None, limit: int = 200, bodies: bool = False
    ) -> tuple[MessageRecord, ...]:
        self._check()
        newest = sorted(self.letters.get(execution_id, ()), key=lambda one: one.place, reverse=True)
        found = [one for one in newest if before is None or one.place < before]
        return tuple(one if bodies else replace(one, body=None) for one in found[:limit])

    async def message(self, execution_id: str, message_id: str, direction: Way) -> MessageRecord | None:
        self._check()
        key = message_id, direction
        return next((one for one in self.letters.get(execution_id, ()) if one.place[1:] == key), None)

    async def freshness(self) -> Freshness:
        self._check()
        return self.fresh

    def _newest(self) -> list[ExecutionRow]:
        return sorted((detail.row for detail in self.details.values()), key=_place, reverse=True)

    def _check(self) -> None:
        if self.away:
            raise StoreUnavailableError("the ledger is away")


def _place(row: ExecutionRow) -> tuple[int, str]:
    return milliseconds(row.changed), row.execution_id


def _is_wanted(row: ExecutionRow, wanted: Filter) -> bool:
    exact = ("saga", "version", "correlation_id", "business_key", "current_step", "failed_step", "fingerprint")
    return (
        (not wanted.statuses or row.status in wanted.statuses)
        and (not wanted.sagas or row.saga in wanted.sagas)
        and all(getattr(wanted, name) in ("", None, getattr(row, name)) for name in exact)
        and (wanted.changed_after is None or row.changed > wanted.changed_after)
        and (wanted.changed_before is None or row.changed < wanted.changed_before)
        and (
            not wanted.text
            or wanted.text == row.correlation_id
            or row.business_key.startswith(wanted.text)
            or (":" in wanted.text and row.execution_id.startswith(wanted.text))
        )
    )


@dataclass
class ServiceBench:
    """The service layer in a world by hand."""

    live: FakeLive = field(default_factory=FakeLive)
    ledger: FakeLedger = field(default_factory=FakeLedger)
    register: MemoryRegister = field(default_factory=MemoryRegister)
    clock: ManualClock = field(default_factory=ManualClock)
    bulks: MemoryBulks = field(default_factory=MemoryBulks)

    def __post_init__(self) -> None:
        self.bulks.register = self.register

    @property
    def bulking(self) -> Bulking:
        world = self.world
        return Bulking(self.bulks, world.ledger, world.register, world.clock)

    @property
    def running(self) -> BulkRunning:
        return BulkRunning(self.world, self.bulks)

    @property
    def settling(self) -> Settling:
        return Settling(self.world, self.operating)

    @property
    def world(self) -> World:
        ledger: Any = self.ledger
        return World(
            live=self.live,
            ledger=ledger,
            register=self.register,
            clock=self.clock,
            subjects=Subjects(self.live, ledger),
            handlers=Handlers.of([trip.handlers]),
        )

    @property
    def operating(self) -> Operating:
        return Operating(self.world)

    @property
    def reading(self) -> Reading:
        ledger: Any = self.ledger
        return Reading(ledger, self.clock)

    def run(self, name: str = "t1", **answers: str) -> Hand:
        """An execution that waits for its approval, or stands where its answers have brought it."""
        hand = self.live.runs[f"trip:{name}"] = Hand(trip.plan, f"trip:{name}", TRIGGER, **answers)
        return hand

    def completed(self, name: str = "t1", **answers: str) -> Hand:
        hand = self.run(name, **answers)
        hand.arrives("trip.approved")
        hand.arrives("trip.confirmed")
        return hand

    def stuck(self, name: str = "t1") -> Hand:
        hand = self.run(name, undo_book_flight="reject")
        hand.tell(_cancel(name))
        return hand

    def parked(self, name: str = "t1") -> Hand:
        return self.completed(name, send_papers="reject")

    async def operate(self, operation: str, *, name: str = "t1", **more: Any) -> OperationRecord:
        caller = more.pop("caller", ADMIN)
        return await self.operating.operate(caller, f"trip:{name}", asked(operation, **more))

    @property
    def results(self) -> list[tuple[str, str]]:
        """What the audit says: word and result, in order."""
        return [(row.entry.what, row.entry.result) for row in self.register.rows]


ADMIN = Caller(actor="ann", role=Role.ADMIN)
OPERATOR = Caller(actor="bob", role=Role.OPERATOR)
VIEWER = Caller(actor="eve", role=Role.VIEWER)


def asked(operation: str, **more: Any) -> Instruction:
    """An instruction; `reason`, `key` and `revision` may be given, the rest belongs to the request."""
    given = {name: more.pop(name) for name in ("reason", "key", "revision") if name in more}
    request = REQUEST.validate_python({"operation": operation, **more})
    return replace(Instruction(request=request, reason=WHY, key=f"key-{operation}"), **given)


def _cancel(name: str) -> Any:
    from tests.trip_kit import command

    return command("CancelRequested", command_id=f"cancel-{name}")


async def run_all(running: BulkRunning) -> None:
    """Go on with every bulk that is running, side by side, as the upkeep of a worker does."""
    await together(map(running.run, await running.running()))
