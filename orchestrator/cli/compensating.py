"""`saga compensate`: undo an execution, whole or from a step; first the plan, then its confirmation."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import documents, tables
from orchestrator.cli.context import print_document, table_console
from orchestrator.cli.giving import ask, instruction, may_ask, operate, tell
from orchestrator.cli.manner import Manner, with_manner
from orchestrator.cli.many import Many, MaybeExecutionId, give_many
from orchestrator.errors import EngineUnavailableError
from orchestrator.service.requests import Compensate

if TYPE_CHECKING:
    from orchestrator.cli.desk import Desk
    from orchestrator.service.access import Caller
    from orchestrator.service.compensation import UndoPlan
    from orchestrator.service.operations import OperationRecord
    from orchestrator.service.reading import AsOf
    from orchestrator.service.use_cases import Service

UNSEEN = "nobody can be asked here: give --plan HASH, as --dry-run shows it, or --yes for whatever the plan is"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be undone. `plan`: hash of the plan that was seen; empty = none yet."""

    execution_id: str
    from_step: str | None
    override: bool
    plan: str


@dataclass(frozen=True, slots=True)
class Compensating:
    """The command over one desk."""

    desk: Desk

    def add_to(self, app: typer.Typer) -> None:
        """Add it."""
        app.command()(with_manner(self.compensate))

    def compensate(
        self,
        execution_id: MaybeExecutionId = "",
        *,
        from_step: Annotated[str, typer.Option("--from", help="this step, and all that depended on it")] = "",
        plan: Annotated[str, typer.Option(help="hash of the plan that you saw and confirm")] = "",
        override: Annotated[bool, typer.Option("--override", help="also past the point of no return")] = False,
        many: Many,
        manner: Manner,
    ) -> None:
        """Undo an execution, also one that has ended: --dry-run shows the plan, --plan confirms it.

        With --all many of them, each whole by its own plan; past the point of no return only with --override.
        """
        if many.are_meant(execution_id, **{"--from": from_step, "--plan": plan}):
            give_many(self.desk, "compensate", many, manner, override=override)
            return
        wish = Wish(execution_id, from_step or None, override, plan)
        if manner.dry_run:
            _show(*asyncio.run(_planned(self.desk, wish)), manner)
            return
        manner.require_reason()
        if not (plan or manner.yes or may_ask(manner)):
            raise typer.BadParameter(UNSEEN)
        tell(asyncio.run(_undone(self.desk, wish, manner)), manner)


async def _planned(desk: Desk, wish: Wish) -> tuple[UndoPlan, AsOf | None]:
    """The plan by Temporal while it answers, else as far as the ledger knows."""
    try:
        async with desk.service() as service:
            return await service.operating.plan(desk.caller, wish.execution_id, wish.from_step), None
    except EngineUnavailableError:
        async with desk.reading() as records:
            plan = await records.reading.undo_plan(desk.caller, wish.execution_id, wish.from_step)
            return plan, await records.reading.as_of()


async def _undone(desk: Desk, wish: Wish, manner: Manner) -> OperationRecord:
    async with desk.service() as service:
        seen = wish if wish.plan else await _agreed(desk.caller, service, wish, manner)
        request = Compensate(plan=seen.plan, from_step=seen.from_step, override=seen.override)
        return await operate(desk.caller, service, wish.execution_id, instruction(request, manner), manner)


async def _agreed(caller: Caller, service: Service, wish: Wish, manner: Manner) -> Wish:
    """The wish with the plan as it is now, which a person has agreed to."""
    plan = await service.operating.plan(caller, wish.execution_id, wish.from_step)
    if may_ask(manner):
        _show(plan, None, manner)
        ask(manner, f"undo {wish.execution_id} so?")
    return replace(wish, plan=plan.hash)


def _show(plan: UndoPlan, known: AsOf | None, manner: Manner) -> None:
    if manner.json:
        print_document(documents.plan(plan, known))
    else:
        table_console().print(tables.plan(plan, known))
