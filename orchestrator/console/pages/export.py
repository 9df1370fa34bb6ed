"""Lists as files: every execution, or row of the audit, of a filter, as CSV or as one JSON document a line."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from fastapi import Query, Response
from fastapi.responses import StreamingResponse
from pydantic_core import to_json

from orchestrator.console.api.context import Asking, Console, Given
from orchestrator.console.api.lasting import outlasting
from orchestrator.console.listing import ListQuery
from orchestrator.console.pages.routing import AuditQuery, pages_router
from orchestrator.service.reading import MOST_ROWS
from orchestrator.service.records import moment
from orchestrator.service.trail import Sought

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from orchestrator.service.access import Caller
    from orchestrator.service.auditing import AuditRow
    from orchestrator.service.records import Cursor, Filter

router = pages_router()
Format: TypeAlias = Literal["csv", "ndjson"]
MOST = 100_000
"""Rows of a file at most; a file that ends there says so in its last line."""
COLUMNS = (
    *("execution_id", "saga", "version", "status", "correlation_id", "business_key"),
    *("current_step", "failed_step", "fingerprint", "error", "started", "changed", "ended", "revision"),
)
AUDIT_COLUMNS = (
    *("number", "at", "actor", "role", "what", "target", "result", "reason", "text"),
    *("operation_id", "before", "after", "origin", "previous", "hash"),
)
Lines: TypeAlias = "list[dict[str, object]] | None"
"""A page of a file; None: there are more than it holds."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is calculated by spreadsheets: an apostrophe before it makes it text."""
KINDS: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}


class ExportQuery(ListQuery):
    """The list's own filter, and the form of the file."""

    format: Format = "csv"


class AuditExportQuery(AuditQuery):
    """The audit's own filter, and the form of the file."""

    format: Format = "csv"


@router.get("/executions/export")
async def export(console: Given, caller: Asking, query: Annotated[ExportQuery, Query()]) -> Response:
    """The executions of a filter, the newest change first, page by page while they are sent."""
    wanted = replace(query.filter(), statuses=query.statuses)
    # Asked once before the answer begins: what is refused is a page that says so, not half a file.
    await console.service.reading.page(caller, wanted, limit=1)
    return _file("executions", query.format, COLUMNS, _executions(console, caller, wanted))


@router.get("/audit/export")
async def export_audit(console: Given, caller: Asking, query: Annotated[AuditExportQuery, Query()]) -> Response:
    """The audit's rows of a filter, the newest first, with the hashes that chain them."""
    sought = Sought(target=query.target, actor=query.actor)
    await console.service.trail.audit(caller, sought, limit=1)
    return _file("audit", query.format, AUDIT_COLUMNS, _audit(console, caller, sought))


async def _executions(console: Console, caller: Caller, wanted: Filter) -> AsyncIterator[Lines]:
    """The pages; None at the end if there are more than a file holds."""
    after: Cursor | None = None
    for _ in range(MOST // MOST_ROWS):
        page = await outlasting(console.service.reading.page(caller, wanted, after=after, limit=MOST_ROWS))
        yield [{name: getattr(row, name) for name in COLUMNS} for row in page.rows]
        after = page.following
        if after is None:
            return
    yield None


async def _audit(console: Console, caller: Caller, sought: Sought) -> AsyncIterator[Lines]:
    before: int | None = None
    for _ in range(MOST // MOST_ROWS):
        rows = await outlasting(console.service.trail.audit(caller, sought, before=before, limit=MOST_ROWS))
        yield [_audited(row) for row in rows]
        if len(rows) < MOST_ROWS:
            return
        before = rows[-1].number
    yield None


def _audited(row: AuditRow) -> dict[str, object]:
    told = {name: getattr(row.entry, name) for name in AUDIT_COLUMNS if hasattr(row.entry, name)}
    own = {"number": row.number, "at": moment(row.entry.at_ms), "previous": row.previous, "hash": row.hash}
    return {name: {**told, **own}[name] for name in AUDIT_COLUMNS}


def _file(name: str, form: Format, columns: Sequence[str], pages: AsyncIterator[Lines]) -> Response:
    lines = _csv(columns, pages) if form == "csv" else _ndjson(pages)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return StreamingResponse(lines, media_type=KINDS[form], headers=headers)


async def _csv(columns: Sequence[str], pages: AsyncIterator[Lines]) -> AsyncIterator[str]:
    yield _lines([columns])
    async for rows in pages:
        yield _lines([[LAST]] if rows is None else [[_cell(row[name]) for name in columns] for row in rows])


async def _ndjson(pages: AsyncIterator[Lines]) -> AsyncIterator[bytes]:
    async for rows in pages:
        yield b"".join(to_json(one) + b"\n" for one in ([{"note": LAST}] if rows is None else rows))


LAST = f"there are more: a file holds {MOST} at most, narrow the filter"


def _lines(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cell(value: object) -> str:
    text = value.isoformat() if isinstance(value, datetime) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
