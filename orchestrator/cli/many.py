"""An operation for many executions: which ones, how many they are, and the confirmation that begins the bulk."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import bulks_shown as shown
from orchestrator.cli.bulks import follow, leave
from orchestrator.cli.context import print_document, table_console
from orchestrator.cli.giving import may_ask
from orchestrator.cli.listing import StatusOption
from orchestrator.service.bulk import MAX_RATE, MIN_RATE, BulkWish
from orchestrator.service.reading import statuses
from orchestrator.service.records import Filter

if TYPE_CHECKING:
    from orchestrator.cli.desk import Desk
    from orchestrator.cli.manner import Manner
    from orchestrator.service.access import Caller
    from orchestrator.service.bulk import Bulking, Selection
    from orchestrator.service.bulk_records import Bulk, BulkCounts, BulkWord

MaybeExecutionId = Annotated[
    str, typer.Argument(metavar="[ID]", help="as in fulfil-order:A17; left out with --all", show_default=False)
]
UNSEEN = "nobody can be asked here: give --confirm TOKEN, as --dry-run shows it, or --yes for whatever is selected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """Which executions, if not one that is named.

    Attributes:
        everything: one bulk over all that the others select.
        confirm: token of the selection that was seen; empty = none yet.
    """

    everything: Annotated[
        bool, typer.Option("--all", help="all executions that --status and the like select, as one bulk")
    ] = False
    status: StatusOption = None
    saga: Annotated[str, typer.Option("--saga", help="with --all: only those of this saga")] = ""
    at_step: Annotated[str, typer.Option("--step", help="with --all: only those at this step")] = ""
    failed_step: Annotated[str, typer.Option(help="with --all: only those in which this step failed")] = ""
    correlation_id: Annotated[str, typer.Option(help="with --all: only those of this correlation id")] = ""
    rate: Annotated[float, typer.Option(min=MIN_RATE, max=MAX_RATE, help="with --all: so many a second at most")] = 20.0
    confirm: Annotated[str, typer.Option(help="with --all: the token that --dry-run gave for what it selects")] = ""

    def are_meant(self, execution_id: str, **for_one: object) -> bool:
        """Whether many executions are meant, not the one that is named. `for_one`: what goes with one alone, by option.

        Raises:
            BadParameter: it is not clear which.
        """
        if not self.everything:
            if replace(self, status=self.status or None) != Many():
                raise typer.BadParameter("--status and the like say which ones, with --all")
            if not execution_id:
                raise typer.BadParameter("name an execution, or select many by --all --status STATUS")
            return False
        given = [name for name, value in {"an execution's id": execution_id, **for_one}.items() if value]
        if given:
            raise typer.BadParameter(f"--all is for many executions, {given[0]} for one")
        if not self.status:
            raise typer.BadParameter("say by --status which executions are meant")
        return True

    def filter(self) -> Filter:
        """What is selected."""
        return Filter(
            statuses=statuses(self.status or ()),
            saga=self.saga,
            current_step=self.at_step,
            failed_step=self.failed_step,
            correlation_id=self.correlation_id,
        )


def give_many(desk: Desk, word: BulkWord, many: Many, manner: Manner, *, override: bool = False) -> None:
    """Count them, ask, and begin the bulk; with `--wait` follow it to its end. `override`: past the pivot, too."""
    manner.require_reason()
    if manner.revision is not None:
        raise typer.BadParameter("--revision is for one execution")
    if not (manner.dry_run or many.confirm or manner.yes or may_ask(manner)):
        raise typer.BadParameter(UNSEEN)
    begun = asyncio.run(_given(desk, Wanted(word, many, override), manner))
    if begun is not None:
        leave(*begun, json=manner.json, has_waited=manner.wait)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done to which. `override`: past the point of no return, too."""

    word: BulkWord
    many: Many
    override: bool


async def _given(desk: Desk, wanted: Wanted, manner: Manner) -> tuple[Bulk, BulkCounts] | None:
    word, many = wanted.word, wanted.many
    async with desk.bulking() as bulking:
        token = many.confirm
        if manner.dry_run or not token:
            found = await bulking.preview(desk.caller, word, many.filter(), override=wanted.override)
            _show(word, found, manner)
            if manner.dry_run:
                return None
            _ask(word, len(found.ids), manner)
            token = found.token
        bulk = await _begun(desk.caller, bulking, replace(wanted, many=replace(many, confirm=token)), manner)
        seconds = manner.timeout if manner.wait else 0.0
        return await follow(desk.caller, bulking, bulk.id, seconds, is_drawn=not manner.json)


async def _begun(caller: Caller, bulking: Bulking, wanted: Wanted, manner: Manner) -> Bulk:
    many = wanted.many
    wish = BulkWish(
        word=wanted.word,
        wanted=many.filter(),
        reason=manner.reason,
        key=manner.key,
        token=many.confirm,
        rate=many.rate,
        override=wanted.override,
    )
    return await bulking.begin(caller, wish)


def _show(word: BulkWord, found: Selection, manner: Manner) -> None:
    if manner.json:
        if manner.dry_run:
            print_document(shown.selection_document(word, found))
    elif manner.dry_run or may_ask(manner):
        table_console().print(shown.selection(word, found))


def _ask(word: BulkWord, count: int, manner: Manner) -> None:
    """Let the number be typed, if somebody is there.

    Raises:
        Abort: it was another one.
    """
    if may_ask(manner) and typer.prompt(f"type {count} to {word} them", err=True).strip() != str(count):
        raise typer.Abort
