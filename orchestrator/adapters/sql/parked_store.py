"""Keeps parked messages on SQL. Implements `service.parked_ports.ParkedStore`.

Writers take turns: then a group's number is given out in the order in which its messages become visible, so that an
action which names a number covers what was there when it was given, and nothing else.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, delete, func, insert, or_, select, update

from orchestrator.adapters.sql import parked_rows as rows
from orchestrator.adapters.sql.audit_chain import append, lock
from orchestrator.adapters.sql.databases import insert_of, take_turn
from orchestrator.adapters.sql.inbox import outages
from orchestrator.adapters.sql.ledger_tables import marks
from orchestrator.adapters.sql.parked_tables import parked_actions, parked_copies, parked_groups, parked_messages
from orchestrator.sealing import OPEN
from orchestrator.service.auditing import AuditEntry
from orchestrator.service.parked_actions import FROM_TO, ParkedAction, Target
from orchestrator.service.parked_arrivals import plain

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from sqlalchemy import ColumnElement, RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from orchestrator.sealing import Seal
    from orchestrator.service.parked_actions import Claimed, Deed, Edited, Sent
    from orchestrator.service.parked_records import Arrival

RECORDED = "parked-recorded"
"""The mark of when a recorder was last at work."""
_MORE: dict[Deed, int] = {"edit": 0, "redrive": -1, "discard": -1, "restore": 1}
"""What each message that an action moves adds to those that wait in its group."""
_m, _g, _a = parked_messages.c, parked_groups.c, parked_actions.c


class SqlParkedStore:
    """Parked messages, for those who change them.

    Args:
        engine: one that `databases.open_engine` made.
        seal: closes what may hold payloads.
    """

    def __init__(self, engine: AsyncEngine, seal: Seal = OPEN) -> None:
        self._engine = engine
        self._seal = seal
        self._insert: Any = insert_of(engine.dialect)

    async def record(self, arrival: Arrival, now_ms: int) -> bool:
        """Store a copy, once."""
        async with self._turn() as connection:
            copies = select(func.count()).where(parked_copies.c.copy_hash == arrival.copy_hash)
            if (await connection.execute(copies)).scalar_one():
                return False
            # A message whose edited form is the same as another message's: the one of that very id comes first.
            mine = or_(_m.id == arrival.id, _m.sent_as == arrival.id)
            first = case((_m.id == arrival.id, 0), else_=1)
            found = await connection.execute(select(parked_messages).where(mine).order_by(first).limit(1))
            known = found.mappings().first()
            if known is None:
                number = await self._enter(connection, arrival, now_ms)
                row = {**rows.message_values(arrival, self._seal), "number": number}
                await connection.execute(insert(parked_messages).values(row))
            else:
                await self._again(connection, known, arrival, now_ms)
            message = arrival.id if known is None else known["id"]
            copy = {"copy_hash": arrival.copy_hash, "message": message, "stored_ms": now_ms}
            await connection.execute(insert(parked_copies).values(copy))
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
        """Move what it covers, unless its key is known."""
        wanted, becomes = FROM_TO[action.deed]
        covered = [_m.state == wanted, *_covered(action.target)]
        if revision is not None:
            covered.append(_m.revision == revision)
        async with self._turn() as connection:
            known = await self._action(connection, _a.actor == action.actor, _a.given_key == action.key)
            if known is not None:
                return known
            head = await lock(connection)
            changes = {**self._changes(action, edited, sends=sends), "state": becomes}
            if action.deed == "restore":
                changes["number"] = _m.number + await _shift(connection, covered)
            moved = await connection.execute(update(parked_messages).where(*covered).values(changes))
            if moved.rowcount == 0:
                return None
            total = moved.rowcount
            made = replace(action, total=total, done=0 if action.deed == "redrive" else total)
            await _add_waiting(connection, action.target, _MORE[action.deed] * total)
            await connection.execute(insert(parked_actions).values(rows.action_values(made, self._seal)))
            await append(connection, self._seal, head, entry)
        return made

    async def claim(self, *, action: str, now_ms: int, before_ms: int, limit: int) -> Sequence[Claimed]:
        """The longest unclaimed first."""
        wanted = select(parked_messages).where(_m.state == "redriving", _m.claimed_ms < before_ms)
        if action:
            wanted = wanted.where(_m.action == action)
        async with self._turn() as connection:
            found = await connection.execute(wanted.order_by(_m.claimed_ms, _m.number).limit(limit))
            claimed = [rows.claimed_of(row, now_ms, self._seal) for row in found.mappings()]
            mine = _m.id.in_([one.id for one in claimed])
            await connection.execute(update(parked_messages).where(mine).values(claimed_ms=now_ms))
        return claimed

    async def settle(self, results: Sequence[Sent], now_ms: int) -> None:
        """Note each, unless its message has moved on."""
        async with self._turn() as connection:
            for sent in results:
                one = sent.claimed
                mine = (_m.id == one.id, _m.state == "redriving", _m.action == one.action)
                values: dict[str, Any] = {"state": "redriven", "decided_ms": now_ms, "revision": _m.revision + 1}
                if sent.problem:
                    problem = self._seal.close(sent.problem.encode())
                    values = {"state": "parked", "problem": problem, "revision": _m.revision + 1}
                moved = await connection.execute(update(parked_messages).where(*mine).values(values))
                if moved.rowcount == 1:
                    await _add_waiting(connection, Target(one.id), 1 if sent.problem else 0)
                    await self._count(connection, one.action, now_ms, problem=sent.problem)

    async def forget(self, *, decided_before_ms: int, limit: int = 500) -> int:
        """The oldest first, with their copies."""
        decided = (_m.state.in_(("redriven", "discarded")), _m.decided_ms < decided_before_ms)
        async with self._turn() as connection:
            found = await connection.execute(select(_m.id).where(*decided).order_by(_m.decided_ms).limit(limit))
            old = list(found.scalars())
            await connection.execute(delete(parked_copies).where(parked_copies.c.message.in_(old)))
            await connection.execute(delete(parked_messages).where(_m.id.in_(old)))
            left = select(_m.id).where(_m.fingerprint == _g.fingerprint).exists()
            await connection.execute(delete(parked_groups).where(~left, _g.last_ms < decided_before_ms))
            over = (_a.at_ms < decided_before_ms, _a.total == _a.done + _a.failed)
            await connection.execute(delete(parked_actions).where(*over))
        return len(old)

    async def mark_recorded(self, now_ms: int) -> None:
        """Beside the ledger's other marks."""
        mark = self._insert(marks).values(name=RECORDED, value=now_ms)
        async with self._turn() as connection:
            await connection.execute(mark.on_conflict_do_update(index_elements=["name"], set_={"value": now_ms}))

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[AsyncConnection]:
        with outages():
            async with self._engine.begin() as connection:
                await take_turn(connection, "parked")
                yield connection

    async def _enter(self, connection: AsyncConnection, arrival: Arrival, now_ms: int) -> int:
        """Count a message into its group as waiting; its number there."""
        cause = rows.cause_values(arrival, self._seal)
        same = {name: cause[name] for name in ("fingerprint", "reason", "queue", "saga", "text")}
        kind = plain(arrival.copy.attributes.type, 255)
        one = _g.fingerprint == arrival.fingerprint
        reopened = {"reopened": _g.reopened + 1, "reopened_ms": now_ms}
        await connection.execute(update(parked_groups).where(one, _g.waiting == 0).values(reopened))
        fresh = {**same, "type": kind, "waiting": 1, "total": 1, "last_number": 1, "reopened": 0}
        made = self._insert(parked_groups).values({**fresh, "first_ms": now_ms, "last_ms": now_ms})
        more = {
            "waiting": _g.waiting + 1,
            "total": _g.total + 1,
            "last_number": _g.last_number + 1,
            "last_ms": now_ms,
            "text": same["text"],
        }
        entered = made.on_conflict_do_update(index_elements=["fingerprint"], set_=more).returning(_g.last_number)
        return int((await connection.execute(entered)).scalar_one())

    async def _again(self, connection: AsyncConnection, known: RowMapping, arrival: Arrival, now_ms: int) -> None:
        """A known message is parked again: it waits, for whatever was decided about it before."""
        number = await self._enter(connection, arrival, now_ms)
        if known["state"] == "parked":
            await _add_waiting(connection, Target(known["id"]), -1)
        if known["state"] == "redriving":  # it can only have come back because it went out
            await self._count(connection, known["action"], now_ms)
        again = {"state": "parked", "number": number, "seen": _m.seen + 1, "problem": b"", "revision": _m.revision + 1}
        values = {**rows.cause_values(arrival, self._seal), **again}
        await connection.execute(update(parked_messages).where(_m.id == known["id"]).values(values))

    def _changes(self, action: ParkedAction, edited: Edited | None, *, sends: bool) -> dict[str, Any]:
        changes: dict[str, Any] = {
            "action": action.id,
            "decided_ms": action.at_ms,
            "decided_by": action.actor,
            "problem": b"",
            "revision": _m.revision + 1,
        }
        if action.deed == "redrive":
            # One message is claimed by whoever gives the order and sends; those of a group by whoever comes first.
            is_mine = sends and action.target.message
            changes |= {"redrives": _m.redrives + 1, "claimed_ms": action.at_ms if is_mine else 0}
        if edited is not None:
            head, body = rows.content_values(edited.content, self._seal)
            changes |= {"edited_head": head, "edited_body": body}
            changes |= {"sent_as": edited.sent_as, "routing_key": edited.routing_key}
        return changes

    async def _action(self, connection: AsyncConnection, *which: ColumnElement[bool]) -> ParkedAction | None:
        found = (await connection.execute(select(parked_actions).where(*which))).mappings().one_or_none()
        return None if found is None else rows.action_of(found, self._seal)

    async def _count(self, connection: AsyncConnection, action_id: str, now_ms: int, problem: str = "") -> None:
        """One more message of an action has come to its end; the last one is audited as the action's."""
        counted = {"failed": _a.failed + 1} if problem else {"done": _a.done + 1}
        await connection.execute(update(parked_actions).where(_a.id == action_id).values(counted))
        action = await self._action(connection, _a.id == action_id)
        if action is not None and action.waiting == 0:
            await append(connection, self._seal, await lock(connection), _end_of(action, now_ms, problem))


def _covered(target: Target) -> tuple[ColumnElement[bool], ...]:
    if target.message:
        return (_m.id == target.message,)
    return _m.fingerprint == target.fingerprint, _m.number <= target.up_to


async def _shift(connection: AsyncConnection, covered: Sequence[ColumnElement[bool]]) -> Any:
    """What to add to the numbers of restored messages, so that they come behind all others of their group."""
    span = select(_m.fingerprint, func.min(_m.number).label("first"), func.max(_m.number).label("last"))
    found = (await connection.execute(span.where(*covered).group_by(_m.fingerprint))).one_or_none()
    if found is None:
        return 0
    one = _g.fingerprint == found.fingerprint
    last: int = (await connection.execute(select(_g.last_number).where(one))).scalar_one()
    shift = last - found.first + 1
    await connection.execute(update(parked_groups).where(one).values(last_number=found.last + shift))
    return shift


async def _add_waiting(connection: AsyncConnection, target: Target, more: int) -> None:
    """So many more messages of a group wait."""
    of_message = select(_m.fingerprint).where(_m.id == target.message).scalar_subquery()
    group = _g.fingerprint == (of_message if target.message else target.fingerprint)
    await connection.execute(update(parked_groups).where(group).values(waiting=_g.waiting + more))


def _end_of(action: ParkedAction, now_ms: int, problem: str) -> AuditEntry:
    return AuditEntry(
        at_ms=now_ms,
        actor=action.actor,
        role=action.role,
        what=f"parked {action.deed}",
        target=str(action.target),
        result="verified" if action.done else "failed",
        reason=action.reason,
        text=problem if action.total == 1 and problem else f"{action.done} sent, {action.failed} not taken",
        operation_id=action.id,
    )
