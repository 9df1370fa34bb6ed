"""Gives an operation to an execution: what it would do, a question, the command, what came of it."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import typer

from orchestrator.cli import documents, tables
from orchestrator.cli.context import print_document, table_console
from orchestrator.cli.exits import ERROR, TIMEOUT
from orchestrator.service.operations import Instruction
from orchestrator.service.requests import EditAndRetry

if TYPE_CHECKING:
    from orchestrator.cli.desk import Desk
    from orchestrator.cli.manner import Manner
    from orchestrator.service.access import Caller
    from orchestrator.service.operating import Preview
    from orchestrator.service.operations import OperationRecord
    from orchestrator.service.requests import Request
    from orchestrator.service.use_cases import Service

LOOK_EVERY_S = 0.2
DRY_REASON = "nothing is done: a dry run"


def give(desk: Desk, execution_id: str, request: Request, manner: Manner, *, sagas: str = "") -> None:
    """Do it, and print how far it is; `sagas`: where the code is that checks what was typed."""
    manner.require_reason()
    record = asyncio.run(_given(desk, execution_id, request, manner, sagas))
    if record is not None:
        tell(record, manner)


def tell(record: OperationRecord, manner: Manner) -> None:
    """Print an operation, and leave with the status that says how far it came.

    Raises:
        Exit: it failed or had no effect, or `--wait` has waited long enough.
    """
    if manner.json:
        print_document(documents.operation(record))
    else:
        console = table_console()
        console.print(tables.operation(record), soft_wrap=True)
        if not record.is_final:
            console.print(f"`saga operations {record.execution_id}` tells what came of it", style="dim", soft_wrap=True)
    if manner.wait and not record.is_final:
        raise typer.Exit(TIMEOUT)
    if record.state in ("failed", "no_effect"):
        raise typer.Exit(ERROR)


async def _given(desk: Desk, execution_id: str, request: Request, manner: Manner, sagas: str) -> OperationRecord | None:
    async with desk.service(sagas) as service:
        given = instruction(request, manner)
        if manner.dry_run or (isinstance(request, EditAndRetry) and may_ask(manner)):
            preview = await service.operating.preview(desk.caller, execution_id, given)
            show_preview(execution_id, request, preview, manner)
            if manner.dry_run:
                return None
        ask(manner, f"{request.operation} {execution_id}?")
        return await operate(desk.caller, service, execution_id, given, manner)


def instruction(request: Request, manner: Manner) -> Instruction:
    """The request with what the service layer asks for beside it."""
    reason = manner.reason if manner.reason or not manner.dry_run else DRY_REASON
    return Instruction(request=request, reason=reason, key=manner.key, revision=manner.revision)


async def operate(
    caller: Caller, service: Service, execution_id: str, given: Instruction, manner: Manner
) -> OperationRecord:
    """Give it, and wait for what comes of it if that is asked for."""
    record = await service.operating.operate(caller, execution_id, given)
    return await until_final(caller, service, record, manner.timeout) if manner.wait else record


async def until_final(caller: Caller, service: Service, record: OperationRecord, seconds: float) -> OperationRecord:
    """The operation once nothing more comes of it, or as it is when the time is up."""
    try:
        async with asyncio.timeout(seconds):
            while not record.is_final:
                record = await service.operating.look_at(caller, record.id)
                await asyncio.sleep(0 if record.is_final else LOOK_EVERY_S)
    except TimeoutError:
        pass  # it is told as it is
    return record


def may_ask(manner: Manner) -> bool:
    """Whether somebody is there who can be asked."""
    return not (manner.yes or manner.json) and sys.stdin.isatty()


def ask(manner: Manner, question: str) -> None:
    """Ask, if somebody is there.

    Raises:
        Abort: the answer is no.
    """
    if may_ask(manner):
        typer.confirm(question, abort=True, err=True)


def show_preview(execution_id: str, request: Request, preview: Preview, manner: Manner) -> None:
    """Print what an operation would do."""
    if manner.json:
        print_document(documents.preview(execution_id, request.operation, preview))
        return
    console = table_console()
    console.print(f"{execution_id}: {request.operation} is allowed as it stands", soft_wrap=True)
    if preview.changes:
        console.print(tables.changes(preview.changes))
