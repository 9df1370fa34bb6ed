"""`saga show` and `saga watch`: where one execution stands."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic_core import to_json
from rich.console import Group
from rich.live import Live
from rich.text import Text

from orchestrator.cli import documents, tables
from orchestrator.cli.context import ExecutionId, JsonOption, print_document, table_console
from orchestrator.cli.exits import TIMEOUT
from orchestrator.cli.looked import AWAY, begin_looking, look
from orchestrator.cli.showing import draw_execution

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from orchestrator.cli.desk import Desk
    from orchestrator.cli.looked import Look, Looked

LOOK_EVERY_S = 0.5
MAKESHIFT_S = 5.0
"""After so long it is tried again whether a server that was away is back."""
WITHOUT_LEDGER = (
    "this is what Temporal knows: the ledger was not asked, so nothing can be done to it now, and an undo that Temporal"
    " has forgotten would not show"
)
NO_WORKER = (
    "no worker answers for it, so this is what its history says, and nothing goes on: `saga worker` runs it, with the"
    " task queue and the names that it was started with"
)
NEEDS_PERSON = ("stuck", "parked", "suspended")
"""Statuses in which nothing goes on by itself."""


@dataclass(frozen=True, slots=True)
class Looking:
    """The commands over one desk."""

    desk: Desk

    def add_to(self, app: typer.Typer) -> None:
        """Add them both."""
        app.command()(self.show)
        app.command()(self.watch)

    def show(self, execution_id: ExecutionId, *, json: JsonOption = False) -> None:
        """Show where an execution stands: each step in the order of the flow, what was done, left, undone, and why."""
        found = asyncio.run(look(self.desk, execution_id))
        if json:
            print_document(documents.looked(found))
        else:
            table_console().print(picture(found))

    def watch(
        self,
        execution_id: ExecutionId,
        *,
        timeout: Annotated[float, typer.Option(min=0.1, help="how long at most, seconds")] = 3_600.0,
        json: JsonOption = False,
    ) -> None:
        """Watch an execution until it has ended or waits for a person. --json prints one line for each change."""
        try:
            asyncio.run(_watch(self.desk, execution_id, timeout, json=json))
        except TimeoutError:
            raise typer.Exit(TIMEOUT) from None


def picture(found: Looked) -> Group:
    """An execution for a terminal."""
    drawn = draw_execution(found.execution.plan, found.execution.state, found.word, found.in_doubt)
    may = ", ".join(action.operation for action in found.actions if action.allowed)
    lines = [Text(f"what you may do: {may}" if may else "nothing can be done to it any more", style="dim")]
    if found.window_ends and may:
        lines.append(Text(f"it can be undone until {tables.at(found.window_ends)}", style="dim"))
    if found.by_history:
        lines.append(Text(NO_WORKER, style="yellow"))
    if found.without_ledger:
        lines.append(Text(f"{WITHOUT_LEDGER} ({found.without_ledger})", style="yellow"))
    if found.as_of:
        lines.append(tables.as_of(found.as_of, found.why))
    return Group(drawn, Text(), *lines)


async def _watch(desk: Desk, execution_id: str, seconds: float, *, json: bool) -> None:
    console = table_console()
    async with asyncio.timeout(seconds), aclosing(_changes(desk, execution_id)) as changes:
        if json or not console.is_terminal:
            async for found in changes:
                _print_line(found, json=json)
            return
        with Live(console=console, auto_refresh=False) as live:
            async for found in changes:
                live.update(picture(found), refresh=True)


async def _changes(desk: Desk, execution_id: str) -> AsyncGenerator[Looked]:
    """The execution now and after each change, until nothing goes on by itself any more.

    Temporal or the ledger may go away meanwhile and come back: it is looked at by whatever answers. What the ledger
    has from before the last look is no change.
    """
    last: Looked | None = None
    async with aclosing(_looks(desk, execution_id)) as looks:
        async for found in looks:
            if last is None or _is_news(found, last):
                last = found
                yield found
            if _rests(last):
                return


def _rests(found: Looked) -> bool:
    return found.execution.state.ended or found.status in NEEDS_PERSON or found.status == "terminated"


def _is_news(found: Looked, last: Looked) -> bool:
    was, now = last.execution.state.revision, found.execution.state.revision
    if found.as_of and now < was:
        return False
    return (now, found.word, found.source) != (was, last.word, last.source)


async def _looks(desk: Desk, execution_id: str) -> AsyncGenerator[Looked]:
    """Look after look, without end. Close it: it holds open what it looks at.

    Raises:
        EngineUnavailableError, StoreUnavailableError, LedgerOutdatedError: nothing answers.
    """
    while True:
        async with AsyncExitStack() as stack:
            look_again, found = await begin_looking(stack, desk, execution_id)
            async for each in await stack.enter_async_context(aclosing(_alike(look_again, found))):
                yield each


async def _alike(look_again: Look, found: Looked) -> AsyncGenerator[Looked]:
    """Looks by what answers now, until that goes away, or for a while if something else would tell more."""
    until = time.monotonic() + MAKESHIFT_S
    yield found
    while not (found.is_makeshift and time.monotonic() > until):
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            found = await look_again()
        except AWAY:
            return
        yield found


def _print_line(found: Looked, *, json: bool) -> None:
    state, now = found.execution.state, datetime.now(UTC)
    steps = [name for name, step in state.steps.items() if step.phase.value in ("doing", "undoing", "stuck", "parked")]
    if json:
        line = {"at": now, "id": state.execution_id, "status": found.status, "revision": state.revision, "steps": steps}
        as_of = found.as_of.moment if found.as_of else None
        told = {"source": found.source, "as_of": as_of, "without_ledger": found.without_ledger or None}
        sys.stdout.write(to_json({**line, **told}).decode() + "\n")
    else:
        why = f" (by the ledger: {found.why})" if found.as_of else ""
        why = why or (f" (by Temporal alone: {found.without_ledger})" if found.without_ledger else "")
        sys.stdout.write(f"{now:%H:%M:%S} {found.word} {', '.join(steps)}".rstrip() + f"{why}\n")
    sys.stdout.flush()
