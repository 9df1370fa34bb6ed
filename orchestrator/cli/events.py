"""`saga events`: every message that passed over the broker, from the event store."""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic_core import to_json

from orchestrator.cli import events_shown as shown
from orchestrator.cli.context import JsonOption, plain_console, print_document, table_console
from orchestrator.service.event_ports import EventFilter
from orchestrator.service.events import MOST_ROWS
from orchestrator.service.records import milliseconds

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from typing import BinaryIO

    from orchestrator.cli.desk import Desk
    from orchestrator.service.event_ports import Gap
    from orchestrator.service.events import EventPage

STDOUT = "-"
Correlation = Annotated[str, typer.Option(help="only those of this correlation id")]
OfExecution = Annotated[str, typer.Option(help="only those of this execution")]
Types = Annotated[list[str] | None, typer.Option("--type", help="only these types; several times")]
Source = Annotated[str, typer.Option(help="only those of this source")]
Since = Annotated[datetime | None, typer.Option(help="only what was recorded since, UTC")]
Until = Annotated[datetime | None, typer.Option(help="only what was recorded before, UTC")]
Limit = Annotated[int, typer.Option(min=1, max=MOST_ROWS, help="at most so many")]
Output = Annotated[
    str, typer.Option(help="write all of them, one JSON document a line, to this file, - for standard output")
]


FromStream = Annotated[bool, typer.Option("--from-stream", help="read the broker's stream, not the event store")]


@dataclass(frozen=True, slots=True)
class Page:
    """Which page is asked for, and where."""

    after: int
    limit: int
    bodies: bool
    stream: bool


@dataclass(frozen=True, slots=True)
class EventCommands:
    """The commands over one desk."""

    desk: Desk

    def add_to(self, app: typer.Typer) -> None:
        """Add them."""
        events = typer.Typer(help="Every message that passed over the broker, as the recorder kept it.")
        events.callback(invoke_without_command=True)(self.events)
        events.command()(self.gaps)
        app.add_typer(events, name="events")

    def events(
        self,
        context: typer.Context,
        *,
        correlation: Correlation = "",
        execution: OfExecution = "",
        message_type: Types = None,
        source: Source = "",
        since: Since = None,
        until: Until = None,
        bodies: Annotated[bool, typer.Option("--bodies", help="with headers and bodies")] = False,
        output: Output = "",
        stream: FromStream = False,
        limit: Limit = 50,
        cursor: Annotated[int, typer.Option(min=0, help="where the page before ended: its next_cursor")] = 0,
        json: JsonOption = False,
    ) -> None:
        """List messages, the newest first; those of one case or execution, or of the stream, from the first one on."""
        if context.invoked_subcommand is not None:
            return
        wanted = chosen(correlation, execution, message_type, source, (since, until))
        if output:
            self._export(wanted, output, bodies=bodies, stream=stream)
            return
        found = asyncio.run(_page(self.desk, wanted, Page(cursor, limit, bodies=bodies, stream=stream)))
        if json:
            print_document(shown.document(found, bodies=bodies))
        else:
            table_console().print(shown.table(found, bodies=bodies), crop=False)

    def gaps(
        self,
        *,
        source: Source = "",
        limit: Limit = 50,
        json: JsonOption = False,
    ) -> None:
        """List what is missing: where the sequences of a source leave numbers out between two that were kept."""
        found = asyncio.run(_gaps(self.desk, source, limit))
        if json:
            print_document({"items": shown.gaps_document(found)})
        else:
            table_console().print(shown.gaps_table(found) if found else "no gaps")

    def _export(self, wanted: EventFilter, output: str, *, bodies: bool, stream: bool) -> None:
        with _opened(output) as file:
            number = asyncio.run(_export(self.desk, wanted, file, bodies=bodies, stream=stream))
        plain_console(stderr=True).print(f"{number} messages", soft_wrap=True)


def chosen(
    correlation: str,
    execution: str,
    types: Sequence[str] | None,
    source: str,
    between: tuple[datetime | None, datetime | None],
) -> EventFilter:
    """What the options choose."""
    return EventFilter(
        correlation_id=correlation,
        execution_id=execution,
        types=tuple(types or ()),
        source=source,
        since_ms=_ms(between[0]),
        until_ms=_ms(between[1]),
    )


@contextmanager
def _opened(output: str) -> Generator[BinaryIO]:
    if output == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with Path(output).open("wb") as file:
            yield file
    except OSError as error:
        raise typer.BadParameter(f"{output} cannot be written: {error.strerror}") from error


async def _page(desk: Desk, wanted: EventFilter, page: Page) -> EventPage:
    is_in_order = page.stream or bool(wanted.correlation_id or wanted.execution_id)
    async with desk.events(stream=page.stream) as events:
        return await events.page(
            desk.caller,
            wanted,
            after=page.after,
            limit=page.limit,
            newest_first=not is_in_order,
            contents="all" if page.bodies else "none",
        )


async def _gaps(desk: Desk, source: str, limit: int) -> Sequence[Gap]:
    async with desk.events() as events:
        return await events.gaps(desk.caller, source=source, limit=limit)


async def _export(desk: Desk, wanted: EventFilter, file: BinaryIO, *, bodies: bool, stream: bool) -> int:
    number = 0
    async with desk.events(stream=stream) as events:
        async for some in events.all(desk.caller, wanted, contents="all" if bodies else "none"):
            file.writelines(to_json(shown.line(one, bodies=bodies)) + b"\n" for one in some)
            number += len(some)
    return number


def _ms(given: datetime | None) -> int | None:
    if given is None:
        return None
    return milliseconds(given if given.tzinfo else given.replace(tzinfo=UTC))
