"""The list as a file: every execution of a filter, as CSV or as one JSON document a line."""

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
from orchestrator.console.pages.routing import ListQuery, pages_router
from orchestrator.service.reading import MOST_ROWS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from orchestrator.service.access import Caller
    from orchestrator.service.records import Cursor, ExecutionRow, Filter

router = pages_router()
Format: TypeAlias = Literal["csv", "ndjson"]
MOST = 100_000
"""Rows of a file at most; a file that ends there says so in its last line."""
COLUMNS = (
    *("execution_id", "saga", "version", "status", "correlation_id", "business_key"),
    *("current_step", "failed_step", "fingerprint", "error", "started", "changed", "ended", "revision"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is calculated by spreadsheets: an apostrophe before it makes it text."""
KINDS: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}


class ExportQuery(ListQuery):
    """The list's own filter, and the form of the file."""

    format: Format = "csv"


@router.get("/executions/export")
async def export(console: Given, caller: Asking, query: Annotated[ExportQuery, Query()]) -> Response:
    """The executions of a filter, the newest change first, page by page while they are sent."""
    wanted = replace(query.filter(), statuses=query.statuses)
    # Asked once before the answer begins: what is refused is a page that says so, not half a file.
    await console.service.reading.page(caller, wanted, limit=1)
    write = _csv if query.format == "csv" else _ndjson
    headers = {"Content-Disposition": f'attachment; filename="executions.{query.format}"'}
    return StreamingResponse(write(_pages(console, caller, wanted)), media_type=KINDS[query.format], headers=headers)


async def _pages(console: Console, caller: Caller, wanted: Filter) -> AsyncIterator[tuple[ExecutionRow, ...] | None]:
    """The pages; None at the end if there are more than a file holds."""
    after: Cursor | None = None
    for _ in range(MOST // MOST_ROWS):
        page = await console.service.reading.page(caller, wanted, after=after, limit=MOST_ROWS)
        yield page.rows
        after = page.following
        if after is None:
            return
    yield None


async def _csv(pages: AsyncIterator[tuple[ExecutionRow, ...] | None]) -> AsyncIterator[str]:
    yield _lines([COLUMNS])
    async for rows in pages:
        yield _lines([[LAST]] if rows is None else [[_cell(getattr(row, name)) for name in COLUMNS] for row in rows])


async def _ndjson(pages: AsyncIterator[tuple[ExecutionRow, ...] | None]) -> AsyncIterator[bytes]:
    async for rows in pages:
        found = [{"note": LAST}] if rows is None else [{name: getattr(row, name) for name in COLUMNS} for row in rows]
        yield b"".join(to_json(one) + b"\n" for one in found)


LAST = f"there are more: a file holds {MOST} at most, narrow the filter"


def _lines(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cell(value: object) -> str:
    text = value.isoformat() if isinstance(value, datetime) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
