"""`saga trace`: what was done under one correlation id, as spans tell it, or else the journal."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.context import JsonOption, print_document, table_console
from orchestrator.cli.tracing_shown import document, picture
from orchestrator.errors import TraceNotFoundError
from orchestrator.service.reading import MOST_ROWS
from orchestrator.service.records import Filter
from orchestrator.service.traced import of_attempts, trees

if TYPE_CHECKING:
    from orchestrator.cli.desk import Desk
    from orchestrator.service.reading import Reading
    from orchestrator.service.records import ExecutionRow
    from orchestrator.service.traced import TraceTree

NO_SPANS = "no spans were recorded: this is what the journal knows"


@dataclass(frozen=True, slots=True)
class Tracing:
    """The command over one desk."""

    desk: Desk

    def add_to(self, app: typer.Typer) -> None:
        """Add it."""
        app.command()(self.trace)

    def trace(
        self,
        wanted: Annotated[
            str, typer.Argument(metavar="CORRELATION_ID", help="a correlation id, an execution's id or a trace id")
        ],
        *,
        from_: Annotated[
            Path | None, typer.Option("--from", help="a file or folder of OTLP JSON lines, in place of our own")
        ] = None,
        json: JsonOption = False,
    ) -> None:
        """Show what was done under a correlation id, as a tree: from spans, or from the journal if there are none."""
        recorded = self.desk.traces(from_)
        found, note = trees(recorded.spans, wanted), ""
        if not found and from_ is None:
            found, note = asyncio.run(_from_journal(self.desk, wanted)), NO_SPANS
        if not found:
            raise TraceNotFoundError(wanted, str(from_ or ""))
        if json:
            print_document(document(wanted, found, note, recorded.link))
        else:
            console = table_console()
            console.print(picture(found, note, recorded.link, width=console.width), soft_wrap=True)


async def _from_journal(desk: Desk, correlation_id: str) -> tuple[TraceTree, ...]:
    async with desk.reading() as records:
        reading = records.reading
        ones = sorted(await _meant(desk, reading, correlation_id), key=lambda row: row.started)
        return tuple([of_attempts(row, await reading.attempts(desk.caller, row.execution_id)) for row in ones])


async def _meant(desk: Desk, reading: Reading, text: str) -> tuple[ExecutionRow, ...]:
    """Executions of this correlation id; else the one of this id; else those whose id or key begins so."""
    saga, _, key = text.partition(":")
    whole = [Filter(saga=saga, business_key=key)] if saga and key else []
    for wanted in (Filter(correlation_id=text), *whole, Filter(text=text)):
        page = await reading.page(desk.caller, wanted, limit=MOST_ROWS)
        if page.rows:
            return page.rows
    return ()
