"""The statements that read the ledger. Pure: a question in, a statement out.

Every list is read along an index, newest change first, so its cost is that of its page. Several statuses are several
such walks, put together: one walk over all of them would sort whatever they hold.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

from sqlalchemy import and_, func, or_, select, tuple_, union_all

from orchestrator.adapters.sql.ledger_tables import executions, messages
from orchestrator.service.records import Status, milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Select

    from orchestrator.service.records import Cursor, Filter

LINE = tuple(column for column in executions.c if column.name != "state")
"""What a line of a list shows."""
HEAD = tuple(column for column in messages.c if column.name != "body")
LAST = "\U0010ffff"
"""No text that begins with a prefix comes behind the prefix and this."""
SELECTIVE = ("correlation_id", "business_key", "current_step", "failed_step", "fingerprint")
EXACT = ("saga", "version", "correlation_id", "business_key", "current_step", "failed_step", "fingerprint")


def page_of(wanted: Filter, after: Cursor | None, limit: int) -> Select[Any]:
    """The lines of one page, newest change first."""
    newest = (executions.c.changed_ms.desc(), executions.c.execution_id.desc())
    walks = [
        select(*LINE).where(*_conditions(one), *_behind(after)).order_by(*newest).limit(limit) for one in _walks(wanted)
    ]
    if len(walks) == 1:
        return walks[0]
    # Each walk in a subquery of its own: SQLite allows no ORDER BY inside a UNION.
    together = union_all(*(select(walk.subquery()) for walk in walks)).subquery()
    return select(together).order_by(together.c.changed_ms.desc(), together.c.execution_id.desc()).limit(limit)


def count_of(wanted: Filter, cap: int) -> Select[Any]:
    """How many there are, at most `cap` + 1."""
    walks = [select(executions.c.execution_id).where(*_conditions(one)).limit(cap + 1) for one in _walks(wanted)]
    counts = [select(func.count().label("number")).select_from(walk.subquery()) for walk in walks]
    together = union_all(*counts).subquery()
    return select(func.coalesce(func.sum(together.c.number), 0)).select_from(together)


def _walks(wanted: Filter) -> list[Filter]:
    if _is_selective(wanted):
        return [wanted]
    sagas = (wanted.saga,) if wanted.saga else dict.fromkeys(wanted.sagas)
    # The index of a saga goes by status, so a saga in any status is a walk for each of them.
    statuses = dict.fromkeys(wanted.statuses or (get_args(Status) if sagas else ()))
    walks = [replace(wanted, saga=saga) for saga in sagas] or [wanted]
    return [replace(walk, statuses=(status,)) for walk in walks for status in statuses] or [wanted]


def _is_selective(wanted: Filter) -> bool:
    """Whether it names something that few executions have: then its index is walked, and nothing else is."""
    return bool(wanted.text) or any(getattr(wanted, name) for name in SELECTIVE)


def _behind(after: Cursor | None) -> Iterator[ColumnElement[bool]]:
    if after is not None:
        place = tuple_(executions.c.changed_ms, executions.c.execution_id)
        yield place < (after.changed_ms, after.execution_id)


def _conditions(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    is_selective = _is_selective(wanted)
    if wanted.statuses:
        yield _plain("status", is_selective=is_selective).in_(wanted.statuses)
    for name in EXACT:
        value = getattr(wanted, name)
        if value or value == 0:
            yield _plain(name, is_selective=is_selective and name == "saga") == value
            if name in ("current_step", "failed_step", "fingerprint"):
                yield executions.c[name] != ""  # as the index says, so that it is taken
    if wanted.sagas:
        yield _plain("saga", is_selective=True).in_(wanted.sagas)  # a walk's own saga leads along the index
    if wanted.changed_after is not None:
        yield executions.c.changed_ms > milliseconds(wanted.changed_after)
    if wanted.changed_before is not None:
        yield executions.c.changed_ms < milliseconds(wanted.changed_before)
    if wanted.text:
        yield _says(wanted.text)


def _plain(name: str, *, is_selective: bool) -> ColumnElement[Any]:
    """The column; as an expression where its index must not be taken in place of a better one."""
    column = executions.c[name]
    return func.coalesce(column, "") if is_selective else column


def _says(text: str) -> ColumnElement[bool]:
    key = executions.c.business_key
    return or_(
        executions.c.execution_id == text,
        executions.c.correlation_id == text,
        and_(key >= text, key < text + LAST),
    )
