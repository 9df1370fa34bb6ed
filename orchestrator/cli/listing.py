"""`saga list` and `saga messages`: from the ledger alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import cursors, documents, tables
from orchestrator.cli.context import ExecutionId, JsonOption, print_document, table_console
from orchestrator.service.reading import MOST_ROWS, STATUSES, statuses
from orchestrator.service.records import IN_FLIGHT, Filter, Status

if TYPE_CHECKING:
    from orchestrator.cli.desk import Desk
    from orchestrator.service.letters import Letters
    from orchestrator.service.reading import AsOf, Listing

DEFAULT_STATUSES: tuple[Status, ...] = (*IN_FLIGHT, "terminated")
"""What is listed unless something else is asked for: what goes on, and what somebody has to look at."""
Limit = Annotated[int, typer.Option(min=1, max=MOST_ROWS, help="at most so many")]
CursorOption = Annotated[str, typer.Option(help="where the page before ended: its next_cursor")]
StatusOption = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        help=f"only these, of {', '.join(STATUSES)}; may be given several times",
        autocompletion=lambda: STATUSES,
        show_default=", ".join(DEFAULT_STATUSES),
    ),
]


@dataclass(frozen=True, slots=True)
class Listings:
    """The commands over one desk."""

    desk: Desk

    def add_to(self, app: typer.Typer) -> None:
        """Add them all."""
        app.command(name="list")(self.list)
        app.command()(self.messages)

    def list(
        self,
        text: Annotated[
            str, typer.Argument(help="how a key begins, or an id (SAGA: and more); or a correlation id")
        ] = "",
        *,
        status: StatusOption = None,
        everything: Annotated[bool, typer.Option("--all", help="also those that have ended well")] = False,
        saga: Annotated[str, typer.Option(help="only executions of this saga")] = "",
        step: Annotated[str, typer.Option(help="only those at this step")] = "",
        failed_step: Annotated[str, typer.Option(help="only those in which this step failed")] = "",
        correlation_id: Annotated[str, typer.Option(help="only those of this correlation id")] = "",
        limit: Limit = 50,
        cursor: CursorOption = "",
        json: JsonOption = False,
    ) -> None:
        """List executions, the newest change first: unless told otherwise those that go on or need a person."""
        wanted = Filter(
            statuses=statuses(status) if status else () if everything or text or correlation_id else DEFAULT_STATUSES,
            saga=saga,
            current_step=step,
            failed_step=failed_step,
            correlation_id=correlation_id,
            text=text,
        )
        found = asyncio.run(_page(self.desk, wanted, cursor, limit))
        if json:
            print_document(documents.listing(found, wanted))
        else:
            table_console().print(tables.listing(found, cursors.written(found.following, wanted)), crop=False)

    def messages(
        self,
        execution_id: ExecutionId,
        *,
        bodies: Annotated[bool, typer.Option("--bodies", help="with what they say")] = False,
        limit: Limit = 50,
        cursor: CursorOption = "",
        json: JsonOption = False,
    ) -> None:
        """List the messages that an execution took and sent, the newest first."""
        found, known = asyncio.run(_letters(self.desk, execution_id, cursor, limit, bodies=bodies))
        if json:
            print_document({**documents.letters(found, bodies=bodies), **documents.as_of(known)})
            return
        console = table_console()
        console.print(tables.letters(found, bodies=bodies), crop=False)
        console.print(tables.as_of(known))


async def _page(desk: Desk, wanted: Filter, cursor: str, limit: int) -> Listing:
    after = cursors.read(cursor, wanted)
    async with desk.reading() as records:
        return await records.reading.page(desk.caller, wanted, after=after, limit=limit)


async def _letters(desk: Desk, execution_id: str, cursor: str, limit: int, *, bodies: bool) -> tuple[Letters, AsOf]:
    async with desk.reading() as records:
        reading, before = records.reading, cursors.message_place(cursor)
        found = await reading.messages(desk.caller, execution_id, before=before, limit=limit, bodies=bodies)
        return found, await reading.as_of()
