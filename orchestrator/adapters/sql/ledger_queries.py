"""The statements that read the ledger. Pure: a question in, a statement out.

Every list is read along an index, newest change first, so its cost is that of its page. Several statuses are several
such walks, put together: one walk over all of them would sort whatever they hold.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

from sqlalchemy import String, and_, func, literal_column, or_, select, tuple_, union_all

from orchestrator.adapters.sql.ledger_tables import executions, messages
from orchestrator.service.records import Status, milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Select

    from orchestrator.service.records import Cursor, Filter

LINE = tuple(column for column in executions.c if column.name != "state")
"""What a line of a list shows."""
HEAD = tuple(column for column in messages.c if column.name != "body")
LAST = "\U0010ffff"
"""No text that begins with a prefix comes behind the prefix and this."""
WIDE = 5_000
"""So many executions are looked up and put in order for one page; more of them are walked by change."""
SELECTIVE = ("business_key", "correlation_id", "current_step", "fingerprint", "failed_step")
"""What few executions have, the fewest first: the first of them that a filter names leads the walk by its index."""
PARTIAL = ("current_step", "failed_step", "fingerprint")
"""Their indexes hold no row where they are empty, and go on by status."""
NOTHING: ColumnElement[str] = literal_column("''", String)
"""Written out: a plan that PostgreSQL keeps for all parameters takes a partial index only if it reads its condition."""
EXACT = ("saga", "version", *SELECTIVE)
NUMBERS = ("version", "changed_ms")


def page_of(wanted: Filter, after: Cursor | None, limit: int, *, is_wide: bool = False) -> Select[Any]:
    """The lines of one page, newest change first. `is_wide`: many keys or ids begin with the text, see `width_of`."""
    newest = (executions.c.changed_ms.desc(), executions.c.execution_id.desc())
    conditions = [(*_conditions(one, is_wide=is_wide), *_behind(after)) for one in _walks(wanted, is_wide=is_wide)]
    if _leading(wanted, is_wide=is_wide) == "text":
        # Few: found by their names and sorted, not sought among all by change.
        newest = (_column("changed_ms", is_led=True).desc(), executions.c.execution_id.desc())
    if len(conditions) == 1:
        return select(*LINE).where(*conditions[0]).order_by(*newest).limit(limit)
    # Each walk in a subquery of its own: SQLite allows no ORDER BY inside a UNION. The lines are fetched at the end: a
    # walk then stays within its index, and the statement is short.
    place = (executions.c.changed_ms, executions.c.execution_id)
    walks = [select(*place).where(*one).order_by(*newest).limit(limit).subquery() for one in conditions]
    together = union_all(*map(select, walks)).subquery()
    first = select(together).order_by(together.c.changed_ms.desc(), together.c.execution_id.desc()).limit(limit)
    found = first.subquery()
    lines = select(*LINE).join_from(found, executions, executions.c.execution_id == found.c.execution_id)
    return lines.order_by(*newest)


def count_of(wanted: Filter, cap: int) -> Select[Any]:
    """How many there are, at most `cap` + 1."""
    walks = [select(executions.c.execution_id).where(*_conditions(one)).limit(cap + 1) for one in _walks(wanted)]
    counts = [select(func.count().label("number")).select_from(walk.subquery()) for walk in walks]
    together = union_all(*counts).subquery()
    return select(func.coalesce(func.sum(together.c.number), 0)).select_from(together)


def counts_of(wanted: Sequence[Filter], cap: int) -> Select[Any]:
    """How many there are of each, as columns of one row; see `count_of`."""
    numbers = (count_of(one, cap).scalar_subquery() for one in wanted)
    return select(*(number.label(f"number{place}") for place, number in enumerate(numbers)))


def width_of(text: str) -> Select[Any]:
    """How many keys, and ids, begin so, at most `WIDE` + 1 of each. If more, walking by change finds a page soon."""
    columns = [executions.c[one] for one in _begun(text)]
    begin = [select(one).where(*_begins(one, text)).limit(WIDE + 1).subquery() for one in columns]
    numbers = [select(func.count()).select_from(one).scalar_subquery() for one in begin]
    return select(sum(numbers[1:], start=numbers[0]))


def _walks(wanted: Filter, *, is_wide: bool = False) -> list[Filter]:
    leading = _leading(wanted, is_wide=is_wide)
    if leading and leading not in PARTIAL:
        return [wanted]
    sagas = () if leading else (wanted.saga,) if wanted.saga else tuple(dict.fromkeys(wanted.sagas))
    # The indexes of steps, errors, sagas and versions go by status, so one in any status is a walk for each of them.
    goes_by_status = bool(leading or sagas) or wanted.version is not None
    statuses = dict.fromkeys(wanted.statuses or (get_args(Status) if goes_by_status else ()))
    walks = [replace(wanted, saga=saga) for saga in sagas] or [wanted]
    return [replace(walk, statuses=(status,)) for walk in walks for status in statuses] or [wanted]


def _leading(wanted: Filter, *, is_wide: bool) -> str:
    """The field whose index is walked, and no other: what few executions have. Empty if nothing of it is asked for."""
    if wanted.text and not is_wide:
        return "text"
    return next((name for name in SELECTIVE if getattr(wanted, name)), "")


def _behind(after: Cursor | None) -> Iterator[ColumnElement[bool]]:
    if after is not None:
        place = tuple_(executions.c.changed_ms, executions.c.execution_id)
        yield place < (after.changed_ms, after.execution_id)


def _conditions(wanted: Filter, *, is_wide: bool = False) -> Iterator[ColumnElement[bool]]:
    leading = _leading(wanted, is_wide=is_wide)
    if wanted.statuses:
        yield _column("status", is_led=bool(leading) and leading not in PARTIAL).in_(wanted.statuses)
    for name in EXACT:
        value = getattr(wanted, name)
        if value or value == 0:
            yield _column(name, is_led=bool(leading) and name != leading) == value
            if name == leading and name in PARTIAL:
                yield executions.c[name] != NOTHING  # as the index says, so that it is taken
    if wanted.sagas:
        yield _column("saga", is_led=True).in_(wanted.sagas)  # a walk's own saga leads along the index
    if wanted.changed_after is not None:
        yield executions.c.changed_ms > milliseconds(wanted.changed_after)
    if wanted.changed_before is not None:
        yield executions.c.changed_ms < milliseconds(wanted.changed_before)
    if wanted.text:
        yield _says(wanted.text, is_wide=is_wide)


def _column(name: str, *, is_led: bool) -> ColumnElement[Any]:
    """The column; as an expression where its index must not be taken in place of a better one."""
    column = executions.c[name]
    return func.coalesce(column, 0 if name in NUMBERS else "") if is_led else column


def _says(text: str, *, is_wide: bool) -> ColumnElement[bool]:
    begin = (and_(*_begins(_column(one, is_led=is_wide), text)) for one in _begun(text))
    return or_(_column("correlation_id", is_led=is_wide) == text, *begin)


def _begun(text: str) -> tuple[str, ...]:
    """What a text can be the beginning of. An id says its saga first: without the colon behind, a key is meant."""
    return ("business_key", "execution_id") if ":" in text else ("business_key",)


def _begins(column: ColumnElement[Any], text: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return column >= text, column < text + LAST
