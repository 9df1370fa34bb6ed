"""What tests of parked messages share: copies, a ledger of them in memory, a broker by hand."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from orchestrator.adapters.sql.databases import open_engine, open_reading_engine
from orchestrator.adapters.sql.migrating import migrate
from orchestrator.adapters.sql.parked_reader import SqlParkedReader
from orchestrator.adapters.sql.parked_store import SqlParkedStore
from orchestrator.adapters.sql.register import SqlRegister
from orchestrator.contracts.catalogue import Catalogue
from orchestrator.messages import Event
from orchestrator.sealing import OPEN, Seal
from orchestrator.service.auditing import AuditEntry
from orchestrator.service.parked_actions import FROM_TO, Claimed, Deed, ParkedAction, Sent, Target
from orchestrator.service.parked_arrivals import arrival_of
from orchestrator.service.parked_cases import ParkedCases
from orchestrator.service.parked_deciding import ParkedDeciding
from orchestrator.service.parked_editing import EditRules
from orchestrator.service.parked_reading import ParkedReading
from orchestrator.service.parked_records import (
    Attributes,
    Content,
    Contents,
    GroupPage,
    Origin,
    ParkedCopy,
    ParkedGroup,
    ParkedMessage,
    ParkedOverview,
    ParkedPage,
    Place,
)
from orchestrator.service.parked_redriving import Redriving
from orchestrator.service.records import Count
from tests.service_kit import ManualClock, MemoryRegister

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from orchestrator.service.operations import Register
    from orchestrator.service.parked_actions import Edited
    from orchestrator.service.parked_ports import ParkedReader, ParkedStore
    from orchestrator.service.parked_records import Arrival, GroupFilter, ParkedFilter

T0 = 1_700_000_000_000
HOUR_MS = 3_600_000
QUEUE = "saga.ingress"


def copy(number: int = 1, **changes: Any) -> ParkedCopy:
    """A message of the parking queue: an order whose schema is wrong."""
    body = changes.pop("body", b'{"order_id": %d}' % number)
    said: dict[str, Any] = {
        "id": f"m{number}",
        "source": "/shop",
        "type": "order.placed",
        "correlation_id": f"c{number}",
    }
    said |= changes.pop("said", {})
    headers = {f"ce-{name.replace('_', '')}": value for name, value in said.items() if value}
    given: dict[str, Any] = {
        "content": Content(body=body, headers=headers, properties={"content_type": "application/json"}),
        "attributes": Attributes(**said),
        "origin": Origin(QUEUE, "saga.events", "order.placed"),
        "home": QUEUE,
        "reason": "wrong-schema",
        "text": f"'order.placed' does not fit its contract: order_id {number} is no text",
        "at_ms": T0 + number,
    }
    return ParkedCopy(**{**given, **changes})


def arrival(number: int = 1, **changes: Any) -> Arrival:
    return arrival_of(copy(number, **changes))


def again(number: int = 1, *, later: int = 1_000, **changes: Any) -> Arrival:
    """The same message, parked once more."""
    return arrival(number, at_ms=T0 + number + later, **changes)


def action(deed: Deed, target: Target, number: int = 1, **changes: Any) -> ParkedAction:
    given: dict[str, Any] = {
        "id": f"a{number}",
        "deed": deed,
        "target": target,
        "actor": "ann",
        "role": "operator",
        "reason": "decided by hand",
        "key": f"k{number}",
        "body_hash": "h",
        "at_ms": T0 + 10_000,
    }
    return ParkedAction(**{**given, **changes})


def entry(given: ParkedAction, result: str = "accepted") -> AuditEntry:
    return AuditEntry(
        at_ms=given.at_ms,
        actor=given.actor,
        role=given.role,
        what=f"parked {given.deed}",
        target=str(given.target),
        result=result,
        reason=given.reason,
    )


@dataclass
class Row:
    """One message with what its line does not show."""

    line: ParkedMessage
    contents: Contents
    sent_as: str = ""
    claimed_ms: int = 0


@dataclass
class MemoryParked:
    """Parked messages, in memory."""

    register: MemoryRegister = field(default_factory=MemoryRegister)
    rows: dict[str, Row] = field(default_factory=dict)
    kept: dict[str, ParkedGroup] = field(default_factory=dict)
    copies: dict[str, tuple[str, int]] = field(default_factory=dict)
    actions: dict[str, ParkedAction] = field(default_factory=dict)
    recorded_ms: int | None = None

    async def record(self, arrival: Arrival, now_ms: int) -> bool:
        if arrival.copy_hash in self.copies:
            return False
        by_form = [one.line.id for one in self.rows.values() if one.sent_as == arrival.id]
        name = arrival.id if arrival.id in self.rows or not by_form else by_form[0]
        self.copies[arrival.copy_hash] = (name, now_ms)
        known = self.rows.get(name)
        number = self._enter(arrival, now_ms)
        if known is None:
            self.rows[name] = Row(_line(arrival, number), Contents(arrival.copy.content))
            return True
        if known.line.state == "parked":
            self._add(known.line.fingerprint, -1)
        if known.line.state == "redriving":
            await self._count(known.line.action, now_ms, "")
        fresh = _line(arrival, number)
        same = ("fingerprint", "number", "reason", "text", "saga", "origin", "candidates", "parked_ms")
        cause: dict[str, Any] = {name: getattr(fresh, name) for name in same}
        more: dict[str, Any] = {"seen": known.line.seen + 1, "revision": known.line.revision + 1}
        known.line = replace(known.line, **cause, **more, state="parked", problem="")
        return True

    async def accept(
        self,
        action: ParkedAction,
        entry: AuditEntry,
        *,
        edited: Edited | None = None,
        revision: int | None = None,
        sends: bool = False,
    ) -> ParkedAction | None:
        known = await self.by_key(action.actor, action.key)
        if known is not None:
            return known
        wanted, becomes = FROM_TO[action.deed]
        covered = [row for row in self._covered(action.target) if row.line.state == wanted]
        covered = [row for row in covered if revision in (None, row.line.revision)]
        if not covered:
            return None
        total = len(covered)
        made = replace(action, total=total, done=0 if action.deed == "redrive" else total)
        for row in sorted(covered, key=lambda row: row.line.number):
            self._move(row, made, edited, sends=sends)
            row.line = replace(row.line, state=becomes)
        self.actions[made.id] = made
        await self.register.note(entry)
        return made

    async def claim(self, *, action: str, now_ms: int, before_ms: int, limit: int) -> Sequence[Claimed]:
        free = [row for row in self.rows.values() if row.line.state == "redriving" and row.claimed_ms < before_ms]
        mine = [row for row in free if action in ("", row.line.action)]
        mine = sorted(mine, key=lambda row: (row.claimed_ms, row.line.number))[:limit]
        for row in mine:
            row.claimed_ms = now_ms
        return [
            Claimed(
                id=row.line.id,
                action=row.line.action,
                claimed_ms=now_ms,
                content=row.contents.outgoing,
                origin=row.line.origin,
            )
            for row in mine
        ]

    async def settle(self, results: Sequence[Sent], now_ms: int) -> None:
        for sent in results:
            row = self.rows[sent.claimed.id]
            if (row.line.state, row.line.action) != ("redriving", sent.claimed.action):
                continue
            row.line = replace(row.line, revision=row.line.revision + 1)
            if sent.problem:
                row.line = replace(row.line, state="parked", problem=sent.problem)
                self._add(row.line.fingerprint, 1)
            else:
                row.line = replace(row.line, state="redriven", decided_ms=now_ms)
            await self._count(sent.claimed.action, now_ms, sent.problem)

    async def forget(self, *, decided_before_ms: int, limit: int = 500) -> int:
        decided = [row.line for row in self.rows.values() if row.line.state in ("redriven", "discarded")]
        old = [line.id for line in decided if (line.decided_ms or 0) < decided_before_ms][:limit]
        for name in old:
            del self.rows[name]
        self.copies = {key: value for key, value in self.copies.items() if value[0] not in old}
        left = {row.line.fingerprint for row in self.rows.values()}
        self.kept = {
            key: group for key, group in self.kept.items() if key in left or group.last_ms >= decided_before_ms
        }
        self.actions = {key: one for key, one in self.actions.items() if one.waiting or one.at_ms >= decided_before_ms}
        return len(old)

    async def mark_recorded(self, now_ms: int) -> None:
        self.recorded_ms = now_ms

    async def groups(self, wanted: GroupFilter, *, after: Place | None = None, limit: int = 50) -> GroupPage:
        found = [group for name in self.kept if (group := await self.group(name)) and self._fits(wanted, group)]
        found.sort(key=lambda one: (one.last_ms, one.fingerprint), reverse=True)
        if wanted.waiting_only:
            found = [group for group in found if group.waiting]
        rest = [one for one in found if after is None or (one.last_ms, one.fingerprint) < (after.at_ms, after.id)]
        shown = tuple(rest[:limit])
        return GroupPage(shown, Place(shown[-1].last_ms, shown[-1].fingerprint) if len(rest) > limit else None)

    async def group(self, fingerprint: str) -> ParkedGroup | None:
        found = self.kept.get(fingerprint)
        waiting = [row.line for row in self.rows.values() if row.line.state == "parked"]
        oldest = min((line.parked_ms for line in waiting if line.fingerprint == fingerprint), default=None)
        return None if found is None else replace(found, oldest_ms=oldest)

    async def page(self, wanted: ParkedFilter, *, after: Place | None = None, limit: int = 50) -> ParkedPage:
        found = [row.line for row in self.rows.values() if self._fits_message(wanted, row.line)]
        found.sort(key=lambda one: (one.parked_ms, one.id), reverse=True)
        rest = [one for one in found if after is None or (one.parked_ms, one.id) < (after.at_ms, after.id)]
        shown = tuple(rest[:limit])
        return ParkedPage(shown, Place(shown[-1].parked_ms, shown[-1].id) if len(rest) > limit else None)

    async def count(self, wanted: ParkedFilter, *, cap: int = 10_000) -> Count:
        number = sum(self._fits_message(wanted, row.line) for row in self.rows.values())
        return Count(min(number, cap), number > cap)

    async def find(self, message: str) -> ParkedMessage | None:
        row = self.rows.get(message)
        return None if row is None else row.line

    async def contents(self, message: str) -> Contents | None:
        row = self.rows.get(message)
        return None if row is None else row.contents

    async def action(self, action: str) -> ParkedAction | None:
        return self.actions.get(action)

    async def by_key(self, actor: str, key: str) -> ParkedAction | None:
        return next((one for one in self.actions.values() if (one.actor, one.key) == (actor, key)), None)

    async def overview(self, now_ms: int, sagas: frozenset[str] | None = None) -> ParkedOverview:
        lines = {name: row.line for name, row in self.rows.items() if sagas is None or row.line.saga in sagas}
        waiting = [line for line in lines.values() if line.state == "parked"]
        recent = [name for name, stored in self.copies.values() if name in lines and stored > now_ms - HOUR_MS]
        return ParkedOverview(
            waiting=len(waiting),
            groups=len({line.fingerprint for line in waiting}),
            oldest_ms=min((line.parked_ms for line in waiting), default=None),
            inflow=len(recent),
            recorded_ms=self.recorded_ms,
        )

    def _enter(self, arrival: Arrival, now_ms: int) -> int:
        said, cause = arrival.copy, arrival.fingerprint
        known = self.kept.get(cause) or ParkedGroup(
            fingerprint=cause,
            reason=said.reason,
            text=said.text,
            type=said.attributes.type,
            queue=said.origin.queue,
            saga=arrival.saga,
            waiting=0,
            total=0,
            first_ms=now_ms,
            last_ms=now_ms,
            last_number=0,
        )
        if known.total and not known.waiting:
            known = replace(known, reopened=known.reopened + 1, reopened_ms=now_ms)
        more: dict[str, Any] = {
            "waiting": known.waiting + 1,
            "total": known.total + 1,
            "last_number": known.last_number + 1,
        }
        self.kept[cause] = replace(known, **more, last_ms=now_ms, text=said.text)
        return known.last_number + 1

    def _move(self, row: Row, action: ParkedAction, edited: Edited | None, *, sends: bool) -> None:
        more: dict[str, Any] = {
            "action": action.id,
            "decided_ms": action.at_ms,
            "decided_by": action.actor,
            "problem": "",
        }
        row.line = replace(row.line, **more, revision=row.line.revision + 1)
        if action.deed == "redrive":
            row.line = replace(row.line, redrives=row.line.redrives + 1)
            row.claimed_ms = action.at_ms if sends and action.target.message else 0
        if action.deed == "restore":
            group = self.kept[row.line.fingerprint]
            self.kept[row.line.fingerprint] = replace(group, last_number=group.last_number + 1)
            row.line = replace(row.line, number=group.last_number + 1)
        if action.deed != "edit":
            self._add(row.line.fingerprint, 1 if action.deed == "restore" else -1)
        if edited is not None:
            row.contents = Contents(row.contents.original, edited.content)
            row.sent_as = edited.sent_as
            origin = replace(row.line.origin, routing_key=edited.routing_key)
            row.line = replace(row.line, origin=origin, is_edited=True)

    def _covered(self, target: Target) -> list[Row]:
        if target.message:
            return [row for row in self.rows.values() if row.line.id == target.message]
        group = [row for row in self.rows.values() if row.line.fingerprint == target.fingerprint]
        return [row for row in group if row.line.number <= target.up_to]

    def _add(self, fingerprint: str, more: int) -> None:
        group = self.kept[fingerprint]
        self.kept[fingerprint] = replace(group, waiting=group.waiting + more)

    async def _count(self, name: str, now_ms: int, problem: str) -> None:
        action = self.actions[name]
        more: dict[str, Any] = {"failed": action.failed + 1} if problem else {"done": action.done + 1}
        self.actions[name] = action = replace(action, **more)
        if action.waiting == 0:
            await self.register.note(entry(action, "verified" if action.done else "failed"))

    def _fits(self, wanted: GroupFilter, group: ParkedGroup) -> bool:
        same = all(getattr(wanted, name) in ("", getattr(group, name)) for name in ("reason", "type", "queue"))
        return same and (wanted.sagas is None or group.saga in wanted.sagas)

    def _fits_message(self, wanted: ParkedFilter, line: ParkedMessage) -> bool:
        names = ("fingerprint", "reason", "type", "message_id", "correlation_id")
        same = all(getattr(wanted, name) in ("", getattr(line, name)) for name in names)
        same = same and (not wanted.up_to or line.number <= wanted.up_to)
        here = wanted.queue in ("", line.origin.queue) and (not wanted.states or line.state in wanted.states)
        return same and here and (wanted.sagas is None or line.saga in wanted.sagas)


def _line(arrival: Arrival, number: int) -> ParkedMessage:
    said, copied = arrival.copy.attributes, arrival.copy
    return ParkedMessage(
        id=arrival.id,
        fingerprint=arrival.fingerprint,
        number=number,
        state="parked",
        reason=copied.reason,
        text=copied.text,
        type=said.type,
        saga=arrival.saga,
        message_id=said.id,
        source=said.source,
        correlation_id=said.correlation_id,
        origin=copied.origin,
        home=copied.home,
        candidates=copied.candidates,
        size=len(copied.content.body),
        seen=1,
        redrives=0,
        first_ms=copied.at_ms,
        parked_ms=copied.at_ms,
        revision=1,
    )


@dataclass
class Bench:
    """A ledger of parked messages from all its sides."""

    store: ParkedStore
    reader: ParkedReader
    register: Register

    async def audited(self) -> list[tuple[str, str, str]]:
        return [(row.entry.what, row.entry.target, row.entry.result) for row in await self.register.audit()]


def in_memory() -> Bench:
    made = MemoryParked()
    return Bench(made, made, made.register)


@asynccontextmanager
async def on_sql(url: str, seal: Seal = OPEN) -> AsyncGenerator[Bench]:
    engine, reading = open_engine(url), open_reading_engine(url)
    try:
        await migrate(engine)
        yield Bench(SqlParkedStore(engine, seal), SqlParkedReader(reading, seal), SqlRegister(engine, seal))
    finally:
        await engine.dispose()
        await reading.dispose()


class OrderPlaced(Event, type="order.placed"):
    order_id: str


def read(content: Content) -> Attributes:
    """What a message in binary mode says of itself."""
    said = {name: str(content.headers.get(f"ce-{name}", "")) for name in ("id", "source", "type")}
    version = str(content.headers.get("ce-dataversion", "1"))
    return Attributes(**said, version=int(version) if version.isdigit() else 0)


RULES = EditRules(Catalogue([OrderPlaced]), read, lambda content: content.body, 1_024)


def cases_of(
    made: MemoryParked, register: Register, clock: ManualClock, *, broker: HandBroker | None = None
) -> ParkedCases:
    """The use cases over a ledger in memory; they send if there is a broker."""
    redriving = None if broker is None else Redriving(made, broker, clock)
    deciding = ParkedDeciding(made, made, register, clock, rules=RULES, redriving=redriving)
    return ParkedCases(ParkedReading(made, clock), deciding)


@dataclass
class HandBroker:
    """A redriver by hand: fails as it is told, message by message, and keeps what went out."""

    sent: list[tuple[str, Content, Origin]] = field(default_factory=list)
    errors: dict[str, list[Exception]] = field(default_factory=dict)

    async def send(self, message: str, content: Content, origin: Origin) -> None:
        if self.errors.get(message):
            raise self.errors[message].pop(0)
        self.sent.append((message, content, origin))
