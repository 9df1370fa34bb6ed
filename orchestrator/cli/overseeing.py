"""`saga operations` and `saga audit`: what people did, and what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import documents, tables
from orchestrator.cli.context import JsonOption, print_document, table_console
from orchestrator.cli.exits import ERROR
from orchestrator.errors import EngineUnavailableError
from orchestrator.service.trail import MOST_ROWS, Sought

if TYPE_CHECKING:
    from orchestrator.cli.desk import Desk
    from orchestrator.service.access import Caller
    from orchestrator.service.auditing import AuditRow, Tampering
    from orchestrator.service.operations import OperationRecord
    from orchestrator.service.trail import Trail

Rows = Annotated[int, typer.Option(min=1, max=MOST_ROWS, help="at most so many")]


@dataclass(frozen=True, slots=True)
class Overseeing:
    """The commands over one desk."""

    desk: Desk

    def add_to(self, app: typer.Typer) -> None:
        """Add them all."""
        app.command()(self.operations)
        audit = typer.Typer(help="Who did what, with a proof that nobody has changed it.")
        audit.callback(invoke_without_command=True)(self.audit)
        audit.command()(self.verify)
        app.add_typer(audit, name="audit")

    def operations(
        self,
        of: Annotated[
            str, typer.Argument(metavar="[ID]", help="an execution or an operation; left out: the newest of all")
        ] = "",
        *,
        actor: Annotated[str, typer.Option(help="only what this person asked for")] = "",
        limit: Rows = 50,
        json: JsonOption = False,
    ) -> None:
        """List operations, the newest first: accepted, applied, then verified, failed or without effect."""
        found = asyncio.run(_operations(self.desk, Sought(target=of, actor=actor), limit))
        if json:
            print_document(documents.operations(found))
        else:
            table_console().print(tables.operations(found) if found else "no operations")

    def audit(
        self,
        context: typer.Context,
        *,
        of: Annotated[str, typer.Option(help="only what was done to this execution, saga or participant")] = "",
        actor: Annotated[str, typer.Option(help="only what this person did")] = "",
        before: Annotated[int | None, typer.Option(min=1, help="only rows before this number")] = None,
        limit: Rows = 50,
        json: JsonOption = False,
    ) -> None:
        """List the audit, the newest first: what was accepted, refused, and what came of it, by whom and why."""
        if context.invoked_subcommand is not None:
            return
        rows = asyncio.run(_audit(self.desk, Sought(target=of, actor=actor), before, limit))
        if json:
            print_document(documents.audit(rows))
        else:
            table_console().print(tables.audit(rows) if rows else "no rows")

    def verify(self, *, json: JsonOption = False) -> None:
        """Verify the chain of hashes: a row that was changed, removed or put in is found. Exit 1 if any was."""
        faults = asyncio.run(_verified(self.desk))
        if json:
            print_document({"ok": not faults, "faults": [asdict(fault) for fault in faults]})
        else:
            console = table_console()
            for fault in faults:
                console.print(f"row {fault.number} is {fault.kind}: {fault.text}", style="red")
            console.print("the audit is not as it was written" if faults else "every row is as it was written")
        if faults:
            raise typer.Exit(ERROR)


async def _operations(desk: Desk, sought: Sought, limit: int) -> tuple[OperationRecord, ...]:
    """As Temporal shows them now while it answers, else as they are written down."""
    try:
        async with desk.service() as service:
            found = await _written(desk.caller, service.trail, sought, limit)
            return tuple(
                [one if one.is_final else await service.operating.look_at(desk.caller, one.id) for one in found]
            )
    except EngineUnavailableError:
        async with desk.reading() as records:
            return await _written(desk.caller, records.trail, sought, limit)


async def _written(caller: Caller, trail: Trail, sought: Sought, limit: int) -> tuple[OperationRecord, ...]:
    if sought.target and ":" not in sought.target:
        return (await trail.operation(caller, sought.target),)
    return await trail.operations(caller, sought, limit=limit)


async def _audit(desk: Desk, sought: Sought, before: int | None, limit: int) -> tuple[AuditRow, ...]:
    async with desk.reading() as records:
        return await records.trail.audit(desk.caller, sought, before=before, limit=limit)


async def _verified(desk: Desk) -> tuple[Tampering, ...]:
    async with desk.reading() as records:
        return await records.trail.verify(desk.caller)
