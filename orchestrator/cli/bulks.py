"""`saga bulks`: one operation on many executions, looked at, followed, suspended, resumed, cancelled, gone on with.

All of it needs the ledger alone. `many` begins them.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from orchestrator.cli import bulks_shown as shown
from orchestrator.cli.context import JsonOption, plain_console, print_document, table_console
from orchestrator.cli.exits import ERROR, PARTIAL, TIMEOUT
from orchestrator.service.bulk_records import ItemState
from orchestrator.service.trail import MOST_ROWS

if TYPE_CHECKING:
    from orchestrator.cli.desk import Desk
    from orchestrator.service.access import Caller
    from orchestrator.service.bulk import Order
    from orchestrator.service.bulk_reading import BulkItems, BulkReading
    from orchestrator.service.bulk_records import Bulk, BulkCounts

LOOK_EVERY_S = 0.5
Id = Annotated[str, typer.Argument(metavar="ID", help="a bulk", show_default=False)]
Reason = Annotated[str, typer.Option(help="why, in 8 characters or more; it is recorded")]
Limit = Annotated[int, typer.Option(min=1, max=MOST_ROWS, help="at most so many")]


@dataclass(frozen=True, slots=True)
class BulkCommands:
    """The commands over one desk."""

    desk: Desk

    def add_to(self, app: typer.Typer) -> None:
        """Add them all."""
        bulks = typer.Typer(help="One operation on many executions: how far it is, and what it is to do now.")
        bulks.callback(invoke_without_command=True)(self.bulks)
        for command in (self.show, self.watch, self.suspend, self.resume, self.cancel, self.retry_failed):
            bulks.command()(command)
        app.add_typer(bulks, name="bulks")

    def bulks(self, context: typer.Context, *, limit: Limit = 50, json: JsonOption = False) -> None:
        """List bulks, the newest first. They begin with `saga retry --all` and the like."""
        if context.invoked_subcommand is not None:
            return
        found = asyncio.run(self._recent(limit))
        if json:
            print_document({"items": [shown.line_document(one) for one in found]})
        else:
            table_console().print(shown.lines(found) if found else "no bulks")

    def show(
        self,
        bulk_id: Id,
        *,
        state: Annotated[ItemState | None, typer.Option(help="only items in this state")] = None,
        after: Annotated[int, typer.Option(min=0, help="only items behind this number")] = 0,
        limit: Limit = 50,
        json: JsonOption = False,
    ) -> None:
        """Show how far a bulk is, and what came of each of its executions."""
        bulk, counts, items = asyncio.run(self._looked(bulk_id, state, after, limit))
        if json:
            print_document({**shown.document(bulk, counts), **shown.items_document(items)})
            return
        console = table_console()
        console.print(shown.bulk(bulk, counts), soft_wrap=True)
        console.print(shown.items(items), crop=False)

    def watch(
        self,
        bulk_id: Id,
        *,
        timeout: Annotated[float, typer.Option(min=0.1, help="how long at most, seconds")] = 3_600.0,
        json: JsonOption = False,
    ) -> None:
        """Watch a bulk until nothing of it goes on."""
        leave(*asyncio.run(self._watched(bulk_id, timeout, json=json)), json=json, has_waited=True)

    def suspend(self, bulk_id: Id, *, reason: Reason, json: JsonOption = False) -> None:
        """Begin no further item until it is resumed."""
        self._order(bulk_id, "suspend", reason, json=json)

    def resume(self, bulk_id: Id, *, reason: Reason, json: JsonOption = False) -> None:
        """Go on with what waits."""
        self._order(bulk_id, "resume", reason, json=json)

    def cancel(self, bulk_id: Id, *, reason: Reason, json: JsonOption = False) -> None:
        """Leave undone what waits; what is done stays."""
        self._order(bulk_id, "cancel", reason, json=json)

    def retry_failed(self, bulk_id: Id, *, reason: Reason, json: JsonOption = False) -> None:
        """Try those of its executions again that failed."""
        self._order(bulk_id, "retry_failed", reason, json=json)

    def _order(self, bulk_id: str, order: Order, reason: str, *, json: bool) -> None:
        leave(*asyncio.run(self._ordered(bulk_id, order, reason)), json=json)

    async def _ordered(self, bulk_id: str, order: Order, reason: str) -> tuple[Bulk, BulkCounts]:
        async with self.desk.bulking() as bulking:
            await bulking.order(self.desk.caller, bulk_id, order, reason)
            return await bulking.look(self.desk.caller, bulk_id)

    async def _recent(self, limit: int) -> tuple[Bulk, ...]:
        async with self.desk.reading() as records:
            return await records.bulks.recent(self.desk.caller, limit=limit)

    async def _looked(
        self, bulk_id: str, state: ItemState | None, after: int, limit: int
    ) -> tuple[Bulk, BulkCounts, BulkItems]:
        async with self.desk.reading() as records:
            found, counts = await records.bulks.look(self.desk.caller, bulk_id)
            return found, counts, await records.bulks.items(self.desk.caller, bulk_id, state, after=after, limit=limit)

    async def _watched(self, bulk_id: str, seconds: float, *, json: bool) -> tuple[Bulk, BulkCounts]:
        async with self.desk.reading() as records:
            return await follow(self.desk.caller, records.bulks, bulk_id, seconds, is_drawn=not json)


async def follow(
    caller: Caller, bulks: BulkReading, bulk_id: str, seconds: float, *, is_drawn: bool
) -> tuple[Bulk, BulkCounts]:
    """A bulk once nothing of it goes on, or as it is when the time is up. Drawn as a bar where a terminal is."""
    bulk, counts = await bulks.look(caller, bulk_id)
    if not seconds:
        return bulk, counts
    console, ends = plain_console(), time.monotonic() + seconds
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not (is_drawn and console.is_terminal), transient=True) as bar:
        task = bar.add_task(bulk.word, total=bulk.total)
        while bulk.state == "running" and (left := ends - time.monotonic()) > 0:
            bar.update(task, completed=counts.total - counts.waiting)
            await asyncio.sleep(min(LOOK_EVERY_S, left))
            bulk, counts = await bulks.look(caller, bulk_id)
    return bulk, counts


def leave(bulk: Bulk, counts: BulkCounts, *, json: bool, has_waited: bool = False) -> None:
    """Print how far a bulk is, and leave with the status that says so.

    Raises:
        Exit: it was waited for, and it did not do all that it was begun for.
    """
    if json:
        print_document(shown.document(bulk, counts))
    else:
        console = table_console()
        console.print(shown.bulk(bulk, counts), soft_wrap=True)
        if bulk.state == "running":
            console.print(f"`saga bulks watch {bulk.id}` tells how far it is", style="dim", soft_wrap=True)
    if has_waited and bulk.state != "completed":
        raise typer.Exit({"running": TIMEOUT, "failed": ERROR}.get(bulk.state, PARTIAL))
