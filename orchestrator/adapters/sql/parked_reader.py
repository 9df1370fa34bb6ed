"""Reads parked messages. Implements `service.parked_ports.ParkedReader`.

Lists are read along an index, newest first, so their cost is that of a page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, tuple_

from orchestrator.adapters.sql import parked_rows as rows
from orchestrator.adapters.sql.inbox import outages
from orchestrator.adapters.sql.ledger_tables import marks
from orchestrator.adapters.sql.parked_store import RECORDED
from orchestrator.adapters.sql.parked_tables import parked_actions, parked_copies, parked_groups, parked_messages
from orchestrator.sealing import OPEN
from orchestrator.service.parked_records import GroupPage, ParkedOverview, ParkedPage, Place
from orchestrator.service.records import Count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Executable, RowMapping, Select
    from sqlalchemy.ext.asyncio import AsyncEngine

    from orchestrator.sealing import Seal
    from orchestrator.service.parked_actions import ParkedAction
    from orchestrator.service.parked_records import Contents, GroupFilter, ParkedFilter, ParkedGroup, ParkedMessage

HOUR_MS = 3_600_000
_m, _g, _a = parked_messages.c, parked_groups.c, parked_actions.c
EXACT = ("fingerprint", "reason", "type", "queue", "message_id", "correlation_id")


class SqlParkedReader:
    """Parked messages, for those who look.

    Args:
        engine: one that `databases.open_reading_engine` made.
        seal: opens what the store closed.
    """

    def __init__(self, engine: AsyncEngine, seal: Seal = OPEN) -> None:
        self._engine = engine
        self._seal = seal

    async def groups(self, wanted: GroupFilter, *, after: Place | None = None, limit: int = 50) -> GroupPage:
        """One page of groups."""
        place = tuple_(_g.last_ms, _g.fingerprint)
        asked = _groups().where(*_of_groups(wanted)).order_by(_g.last_ms.desc(), _g.fingerprint.desc())
        if after is not None:
            asked = asked.where(place < (after.at_ms, after.id))
        found = [rows.group_of(row, self._seal) for row in await self._read(asked.limit(limit + 1))]
        shown = tuple(found[:limit])
        return GroupPage(shown, Place(shown[-1].last_ms, shown[-1].fingerprint) if len(found) > limit else None)

    async def group(self, fingerprint: str) -> ParkedGroup | None:
        """By fingerprint."""
        found = await self._read(_groups().where(_g.fingerprint == fingerprint))
        return rows.group_of(found[0], self._seal) if found else None

    async def page(self, wanted: ParkedFilter, *, after: Place | None = None, limit: int = 50) -> ParkedPage:
        """One page of messages."""
        asked = select(*rows.LINE).where(*_of_messages(wanted)).order_by(_m.parked_ms.desc(), _m.id.desc())
        if after is not None:
            asked = asked.where(tuple_(_m.parked_ms, _m.id) < (after.at_ms, after.id))
        found = [rows.message_of(row, self._seal) for row in await self._read(asked.limit(limit + 1))]
        shown = tuple(found[:limit])
        return ParkedPage(shown, Place(shown[-1].parked_ms, shown[-1].id) if len(found) > limit else None)

    async def count(self, wanted: ParkedFilter, *, cap: int = 10_000) -> Count:
        """How many, up to a cap."""
        some = select(_m.id).where(*_of_messages(wanted)).limit(cap + 1).subquery()
        (found,) = await self._read(select(func.count().label("number")).select_from(some))
        return Count(min(found["number"], cap), found["number"] > cap)

    async def find(self, message: str) -> ParkedMessage | None:
        """By id."""
        found = await self._read(select(*rows.LINE).where(_m.id == message))
        return rows.message_of(found[0], self._seal) if found else None

    async def contents(self, message: str) -> Contents | None:
        """By id."""
        found = await self._read(select(*(_m[name] for name in rows.PAYLOAD)).where(_m.id == message))
        return rows.contents_of(found[0], self._seal) if found else None

    async def action(self, action: str) -> ParkedAction | None:
        """By id."""
        found = await self._read(select(parked_actions).where(_a.id == action))
        return rows.action_of(found[0], self._seal) if found else None

    async def by_key(self, actor: str, key: str) -> ParkedAction | None:
        """By actor and key."""
        found = await self._read(select(parked_actions).where(_a.actor == actor, _a.given_key == key))
        return rows.action_of(found[0], self._seal) if found else None

    async def overview(self, now_ms: int, sagas: frozenset[str] | None = None) -> ParkedOverview:
        """Waiting messages from their groups, the rest along indexes."""
        waits = (_g.waiting > 0, *_of_sagas(_g.saga, sagas))
        oldest = func.min(_m.parked_ms)
        new = select(func.count()).select_from(parked_copies).where(parked_copies.c.stored_ms > now_ms - HOUR_MS)
        if sagas is not None:
            new = new.where(parked_copies.c.message.in_(select(_m.id).where(*_of_sagas(_m.saga, sagas))))
        asked = select(
            select(func.coalesce(func.sum(_g.waiting), 0)).where(*waits).scalar_subquery().label("waiting"),
            select(func.count()).select_from(parked_groups).where(*waits).scalar_subquery().label("groups"),
            select(oldest).where(_m.state == "parked", *_of_sagas(_m.saga, sagas)).scalar_subquery().label("oldest_ms"),
            new.scalar_subquery().label("inflow"),
            select(marks.c.value).where(marks.c.name == RECORDED).scalar_subquery().label("recorded_ms"),
        )
        (found,) = await self._read(asked)
        return ParkedOverview(**{**found, "waiting": int(found["waiting"])})

    async def _read(self, asked: Executable) -> Sequence[RowMapping]:
        with outages():
            async with self._engine.connect() as connection:
                found: Sequence[RowMapping] = (await connection.execute(asked)).mappings().all()
                return found


def _groups() -> Select[Any]:
    oldest = select(func.min(_m.parked_ms)).where(_m.fingerprint == _g.fingerprint, _m.state == "parked")
    return select(parked_groups, oldest.scalar_subquery().label("oldest_ms"))


def _of_groups(wanted: GroupFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.waiting_only:
        yield _g.waiting > 0
    for name in ("reason", "type", "queue"):
        if value := getattr(wanted, name):
            yield _g[name] == value
    yield from _of_sagas(_g.saga, wanted.sagas)


def _of_messages(wanted: ParkedFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.states:
        yield _m.state.in_(wanted.states)
    for name in EXACT:
        if value := getattr(wanted, name):
            yield _m[name] == value
    if wanted.up_to:
        yield _m.number <= wanted.up_to
    yield from _of_sagas(_m.saga, wanted.sagas)


def _of_sagas(column: ColumnElement[str], sagas: frozenset[str] | None) -> Iterator[ColumnElement[bool]]:
    if sagas is not None:
        yield column.in_(sorted(sagas))
