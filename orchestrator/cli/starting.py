"""`saga start`: an execution by request, in place of an event on the broker; and waiting for its end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import documents
from orchestrator.cli.context import DEFAULT, JsonOption, SagasOption, json_of, plain_console, print_document
from orchestrator.cli.exits import TIMEOUT
from orchestrator.cli.manner import DEFAULT_TIMEOUT_S, fresh_key
from orchestrator.cli.tokens import Reason
from orchestrator.service.starting import Wish

if TYPE_CHECKING:
    from orchestrator.cli.desk import Desk
    from orchestrator.service.records import ExecutionRow
    from orchestrator.service.starting import Begun


@dataclass(frozen=True, slots=True)
class Starting:
    """The command over one desk."""

    desk: Desk

    def add_to(self, app: typer.Typer) -> None:
        """Add it."""
        app.command()(self.start)

    def start(
        self,
        saga: Annotated[str, typer.Argument(help="which saga, by name", show_default=False)],
        file: Annotated[typer.FileBinaryRead, typer.Argument(help="JSON: what its event says; - for standard input")],
        *,
        reason: Reason,
        correlation_id: Annotated[str, typer.Option(help="ties it to what else goes on")] = "",
        wait: Annotated[bool, typer.Option("--wait", help="wait for its end")] = False,
        timeout: Annotated[float, typer.Option(min=0.1, help="how long --wait waits, seconds")] = DEFAULT_TIMEOUT_S,
        key: Annotated[str, typer.Option(help="idempotency key, to repeat a call", show_default="a fresh one")] = "",
        sagas: SagasOption = DEFAULT,
        json: JsonOption = False,
    ) -> None:
        """Start an execution; it is durable when this returns."""
        wish = Wish(
            saga=saga,
            input=json_of(file.read(), "input"),
            reason=reason,
            key=key or fresh_key(),
            correlation_id=correlation_id,
        )
        begun, row = asyncio.run(_begun(self.desk, wish, sagas, timeout if wait else 0.0))
        if json:
            execution = documents.execution(row) if row else None
            print_document(
                {"id": begun.execution_id, "is_new": begun.is_new, "has_ended": bool(row), "execution": execution}
            )
        else:
            _say(begun, row, waited=wait)
        if wait and row is None:
            raise typer.Exit(TIMEOUT)


def _say(begun: Begun, row: ExecutionRow | None, *, waited: bool) -> None:
    how = "is started" if begun.is_new else "was started before by the same request"
    plain_console().print(f"{begun.execution_id} {how}{f': {row.status}' if row else ''}", soft_wrap=True)
    if waited and row is None:
        told = f"it goes on, or waits for a worker: `saga watch {begun.execution_id}` follows it"
        plain_console(stderr=True).print(told, style="dim", soft_wrap=True)


async def _begun(desk: Desk, wish: Wish, sagas: str, seconds: float) -> tuple[Begun, ExecutionRow | None]:
    """What was begun, and its row once it has ended, if that is waited for and comes in time."""
    async with desk.service(sagas) as service:
        begun = await service.starting.start(desk.caller, wish)
        patience = timedelta(seconds=seconds)
        if not (patience and await service.starting.ended_within(begun.execution_id, patience)):
            return begun, None
        return begun, (await service.reading.look(desk.caller, begun.execution_id)).row
