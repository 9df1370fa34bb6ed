"""Counts in the ledger. Implements `service.figures.FiguresReader`.

Every statement looks at the newest rows along an index, and at no more than `MOST` of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from sqlalchemy import and_, case, func, select, union_all

from orchestrator.adapters.sql.inbox import outages
from orchestrator.adapters.sql.ledger_tables import executions, messages
from orchestrator.sealing import OPEN
from orchestrator.service.figures import Failing, Figures, Latency, Rate
from orchestrator.service.records import IN_FLIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import CTE, ColumnElement, Executable, RowMapping, ScalarSelect, Select, Subquery
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from orchestrator.sealing import Seal
    from orchestrator.service.figures import Span

MOST = 10_000
MOST_FAILING = 10
FOR_SAGAS, FOR_STEPS = 2_000, 200
"""So many of the newest executions tell how long sagas take, and their steps."""
KINDS: dict[str, tuple[Rate, ...]] = {
    "completed": ("completed",),
    "aborted": ("failed",),
    "terminated": ("failed",),
    "compensated": ("failed", "undone"),
    "partially_compensated": ("failed", "undone"),
}
"""As what an execution counts that has ended so."""
SHARES = (50, 95, 99)


class SqlFigures:
    """Figures of the ledger. `engine`: one that `databases.open_reading_engine` made; `seal` opens what was closed."""

    def __init__(self, engine: AsyncEngine, seal: Seal = OPEN) -> None:
        self._engine = engine
        self._seal = seal

    async def figures(self, span: Span, sagas: frozenset[str] | None = None) -> Figures:
        """How it has been in this stretch of time."""
        with outages():
            async with self._engine.connect() as connection, connection.begin():
                ended = await _rows(connection, _ended(span, sagas))
                begun = await _rows(connection, _begun(span, sagas))
                failing = await _rows(connection, _failing(span, sagas))
                took = await _rows(connection, _sagas(span, sagas))
                answered = await _rows(connection, _steps(span, sagas))
        return Figures(
            span=span,
            rates=_rates(span, ended, begun),
            failing=tuple(self._opened(row) for row in failing),
            sagas=tuple(Latency(**row) for row in took),
            steps=tuple(Latency(**row) for row in answered),
            is_capped=sum(row["number"] for row in ended) >= MOST,
        )

    def _opened(self, row: RowMapping) -> Failing:
        values: dict[str, Any] = {**row}
        values["error"] = self._seal.open(values["error"]).decode()
        return Failing(**values)


async def _rows(connection: AsyncConnection, wanted: Executable) -> Sequence[RowMapping]:
    found: Sequence[RowMapping] = (await connection.execute(wanted)).mappings().all()
    return found


def _rates(span: Span, ended: Sequence[RowMapping], begun: Sequence[RowMapping]) -> dict[Rate, tuple[int, ...]]:
    counts: dict[Rate, list[int]] = {rate: [0] * span.buckets for rate in get_args(Rate)}
    for row in ended:
        for rate in KINDS.get(row["status"], ()):
            counts[rate][row["bucket"]] += row["number"]
    for row in begun:
        counts["started"][row["bucket"]] += row["number"]
    return {rate: tuple(numbers) for rate, numbers in counts.items()}


def _of(sagas: frozenset[str] | None) -> Iterator[ColumnElement[bool]]:
    if sagas is not None:
        yield executions.c.saga.in_(sorted(sagas))


def _recent(span: Span, sagas: frozenset[str] | None, most: int = MOST) -> CTE:
    """The newest executions that ended in this stretch of time."""
    within = and_(executions.c.ended_ms >= span.start_ms, executions.c.ended_ms < span.end_ms, *_of(sagas))
    names = ("execution_id", "saga", "status", "started_ms", "ended_ms")
    wanted = select(*(executions.c[name] for name in names)).where(within)
    return wanted.order_by(executions.c.ended_ms.desc()).limit(most).cte("recent")


def _bucket(span: Span, moment: ColumnElement[int]) -> ColumnElement[int]:
    return ((moment - span.start_ms) // span.width_ms).label("bucket")


def _ended(span: Span, sagas: frozenset[str] | None) -> Select[*tuple[Any, ...]]:
    recent = _recent(span, sagas)
    bucket = _bucket(span, recent.c.ended_ms)
    number = func.count().label("number")
    return select(bucket, recent.c.status, number).group_by(bucket, recent.c.status)


def _begun(span: Span, sagas: frozenset[str] | None) -> Select[*tuple[Any, ...]]:
    """Of what was begun: that has ended meanwhile, and that goes on."""
    recent = _recent(span, sagas)
    going_on = executions.c.status.in_(IN_FLIGHT)
    is_open = select(executions.c.started_ms).where(going_on, *_of(sagas)).limit(MOST).subquery()
    both = union_all(select(recent.c.started_ms), select(is_open.c.started_ms)).subquery()
    bucket = _bucket(span, both.c.started_ms)
    within = (both.c.started_ms >= span.start_ms, both.c.started_ms < span.end_ms)
    return select(bucket, func.count().label("number")).where(*within).group_by(bucket)


def _failing(span: Span, sagas: frozenset[str] | None) -> Select[*tuple[Any, ...]]:
    names = ("saga", "failed_step", "fingerprint", "changed_ms")
    newest = select(*(executions.c[name] for name in names)).where(
        executions.c.changed_ms >= span.start_ms, *_of(sagas)
    )
    recent = newest.order_by(executions.c.changed_ms.desc()).limit(MOST).subquery()
    alike = (recent.c.saga, recent.c.failed_step.label("step"), recent.c.fingerprint)
    number, last = func.count().label("number"), func.max(recent.c.changed_ms).label("last_ms")
    wanted = select(*alike, number, last).where(recent.c.failed_step != "").group_by(*alike)
    most = wanted.order_by(number.desc(), last.desc()).limit(MOST_FAILING).subquery()
    return select(most, _said(most).label("error")).order_by(most.c.number.desc(), most.c.last_ms.desc())


def _said(group: Subquery) -> ScalarSelect[bytes]:
    """What was said of the last one of a group."""
    names = {"saga": "saga", "failed_step": "step", "fingerprint": "fingerprint", "changed_ms": "last_ms"}
    is_last = (executions.c[name] == group.c[named] for name, named in names.items())
    return select(executions.c.error).where(*is_last).order_by(executions.c.execution_id).limit(1).scalar_subquery()


def _sagas(span: Span, sagas: frozenset[str] | None) -> Select[*tuple[Any, ...]]:
    recent = _recent(span, sagas, FOR_SAGAS)
    took = (recent.c.ended_ms - recent.c.started_ms).label("took")
    return _shares(select(recent.c.saga, took), "saga")


def _steps(span: Span, sagas: frozenset[str] | None) -> Select[*tuple[Any, ...]]:
    """From a command to its reply, in the newest executions."""
    recent, sent, reply = _recent(span, sagas, FOR_STEPS), messages.alias("sent"), messages.alias("reply")
    same = and_(*(sent.c[name] == reply.c[name] for name in ("execution_id", "step", "call", "attempt")))
    took = (reply.c.at_ms - sent.c.at_ms).label("took")
    pairs = select(recent.c.saga, sent.c.step, sent.c.call.label("direction"), took).select_from(
        recent.join(sent, and_(sent.c.execution_id == recent.c.execution_id, sent.c.kind == "command")).join(
            reply, and_(same, reply.c.kind == "reply")
        )
    )
    return _shares(pairs, "saga", "step", "direction")


def _shares(wanted: Select[*tuple[Any, ...]], *names: str) -> Select[*tuple[Any, ...]]:
    """How long the quickest 50, 95 and 99 of a hundred took at most, for each group of these columns."""
    found = wanted.subquery()
    groups = [found.c[name] for name in names]
    place = func.row_number().over(partition_by=groups, order_by=found.c.took).label("place")
    number = func.count().over(partition_by=groups).label("number")
    placed = select(*groups, found.c.took, place, number).subquery()
    by = [placed.c[name] for name in names]
    shares = [
        func.min(case((placed.c.place * 100 >= placed.c.number * share, placed.c.took))).label(f"p{share}_ms")
        for share in SHARES
    ]
    return select(*by, func.max(placed.c.number).label("number"), *shares).group_by(*by).order_by(*by)
