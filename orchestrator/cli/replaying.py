"""`saga replay`: what is in the event store, once more: read models anew, an execution by today's definition."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic_core import to_json
from rich.console import Group
from rich.text import Text

from orchestrator.cli.context import DEFAULT as DEFAULT_SAGAS
from orchestrator.cli.context import JsonOption, SagasOption, load, print_document, table_console
from orchestrator.cli.events import FromStream
from orchestrator.cli.manner import with_manner
from orchestrator.cli.rehearsed_shown import show_rehearsed
from orchestrator.cli.resending import Wish, resend
from orchestrator.cli.tables import counted, plain
from orchestrator.errors import OrchestratorError
from orchestrator.saga.projection import Projection
from orchestrator.service.noting import LEDGER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.cli.desk import Desk
    from orchestrator.service.noting import Noted
    from orchestrator.service.projecting import Rebuilt
    from orchestrator.service.rehearsing import Rehearsed

DEFAULT = "sagas:PROJECTIONS"
PROJECTION = "projection"


@dataclass(frozen=True, slots=True)
class Replaying:
    """The command over one desk."""

    desk: Desk

    def add_to(self, app: typer.Typer) -> None:
        """Add it."""
        app.command()(with_manner(self.replay))

    def replay(
        self,
        name: Annotated[str, typer.Argument(help=f"the projection; {LEDGER}: the ledger's", show_default=False)] = "",
        *,
        to: Annotated[str, typer.Option(help=f"what is made of the messages: {PROJECTION}")] = "",
        rehearse: Annotated[str, typer.Option(metavar="EXECUTION", help="an execution, run by today's saga")] = "",
        sending: Wish,
        stream: FromStream = False,
        sagas: SagasOption = DEFAULT_SAGAS,
        projections: Annotated[str, typer.Option(help="where they are, as module:ATTRIBUTE")] = DEFAULT,
        json: JsonOption = False,
    ) -> None:
        """Use what is in the event store once more. One of three; the first two send nothing.

        --to projection NAME rebuilds a read model. --rehearse EXECUTION runs an execution again by today's definition,
        and exits with 8 if that would go another way, 7 if it is not known. --send publishes events with new ids.
        """
        if [bool(to), bool(rehearse), bool(sending.send)].count(True) != 1:
            raise typer.BadParameter(f"take one of --to {PROJECTION} NAME, --rehearse EXECUTION and --send FIELD=VALUE")
        if stream and (not to or name == LEDGER):
            raise typer.BadParameter(f"--from-stream goes with --to {PROJECTION} NAME, for a projection of yours")
        if sending.send:
            asyncio.run(resend(self.desk, sending, json=json))
            return
        if rehearse:
            show_rehearsed(asyncio.run(_rehearsed(self.desk, rehearse, sagas)), json=json)
            return
        if to != PROJECTION:
            raise typer.BadParameter(f"--to takes {PROJECTION}, as in saga replay --to {PROJECTION} {name}")
        if name == LEDGER:
            _show_noted(asyncio.run(_noted(self.desk)), json=json)
            return
        made = asyncio.run(_rebuilt(self.desk, projection_named(load(projections), projections, name), stream=stream))
        _show(made, json=json)


def projection_named(found: Any, reference: str, name: str) -> Projection[Any]:
    """The projection of this name among those at a reference.

    Raises:
        OrchestratorError: there is none; names those there are.
    """
    given: Iterable[Any] = found if hasattr(found, "__iter__") else (found,)
    some: dict[str, Projection[Any]] = {one.name: one for one in given if isinstance(one, Projection)}
    if name not in some:
        there = (
            f"take one of {', '.join(sorted(some))}" if some else f"write {reference.partition(':')[2]} = (mine, ...)"
        )
        raise OrchestratorError(f"there is no projection {name!r} in {reference}: {there}, or name another place")
    return some[name]


async def _rehearsed(desk: Desk, execution_id: str, sagas: str) -> Rehearsed:
    async with desk.rehearsing(sagas) as rehearsing:
        return await rehearsing.rehearse(desk.caller, execution_id)


async def _noted(desk: Desk) -> Noted:
    async with desk.noting() as noting:
        return await noting.rebuild(desk.caller)


def _show_noted(made: Noted, *, json: bool) -> None:
    if json:
        print_document({"projection": LEDGER, "executions": made.executions, "messages": made.messages})
    else:
        of = f"{counted(made.messages, 'message')} of {counted(made.executions, 'execution')}"
        table_console().print(Text(f"{LEDGER}: rebuilt, {of}"))


async def _rebuilt(desk: Desk, projection: Projection[Any], *, stream: bool) -> Rebuilt:
    async with desk.projecting(stream=stream) as projecting:
        return await projecting.rebuild(desk.caller, projection)


def _show(made: Rebuilt, *, json: bool) -> None:
    if json:
        said = {"projection": made.projection, "messages": made.messages, "up_to": made.up_to, "rows": made.rows}
        print_document(said)
    else:
        table_console().print(_picture(made))


def _picture(made: Rebuilt) -> Group:
    table = plain("row", "content")
    for name, document in made.rows.items():
        table.add_row(Text(name), Text(to_json(document).decode()))
    last = f"{made.projection}: rebuilt from {counted(made.messages, 'message')}, up to number {made.up_to}"
    return Group(table, Text(last, style="dim"))
