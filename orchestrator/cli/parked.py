"""`saga parked`, `redrive`, `discard`, `restore`, `edit`: messages that could not be handled, what becomes of them.

Looking, putting aside and editing need the ledger alone; what is redriven is sent to the broker from here.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from orchestrator.cli import parked_shown as shown
from orchestrator.cli.context import DEFAULT, JsonOption, SagasOption, print_document, table_console
from orchestrator.cli.exits import ERROR, TIMEOUT
from orchestrator.cli.giving import DRY_REASON, LOOK_EVERY_S, ask
from orchestrator.cli.manner import Manner, with_manner
from orchestrator.cli.tables import counted
from orchestrator.errors import InvalidRequestError, ParkedNotFoundError
from orchestrator.service.parked_actions import Target
from orchestrator.service.parked_deciding import Wish
from orchestrator.service.parked_editing import Edit
from orchestrator.service.parked_records import GroupFilter, ParkedFilter, ParkedState, Place
from orchestrator.service.reading import MOST_ROWS

if TYPE_CHECKING:
    from orchestrator.cli.desk import Desk
    from orchestrator.service.access import Caller
    from orchestrator.service.parked_actions import ParkedAction
    from orchestrator.service.parked_cases import ParkedCases
    from orchestrator.service.parked_reading import ParkedReading

Order: TypeAlias = Literal["redrive", "discard", "restore"]
What = Annotated[str, typer.Argument(metavar="ID", help="a message or a group, by its id", show_default=False)]
UpTo = Annotated[
    int, typer.Option(min=0, help="of a group: nothing behind this number, its `last_number` as you saw it")
]
Limit = Annotated[int, typer.Option(min=1, max=MOST_ROWS, help="at most so many")]


@dataclass(frozen=True, slots=True)
class ParkedCommands:
    """The commands over one desk."""

    desk: Desk

    def add_to(self, app: typer.Typer) -> None:
        """Add them all."""
        app.command()(self.parked)
        for command in (self.redrive, self.discard, self.restore, self.edit):
            app.command()(with_manner(command))

    def parked(
        self,
        what: Annotated[str, typer.Argument(metavar="[ID]", help="a group or a message; left out: all groups")] = "",
        *,
        everything: Annotated[bool, typer.Option("--all", help="also what has been decided")] = False,
        message_type: Annotated[str, typer.Option("--type", help="only messages of this type")] = "",
        reason: Annotated[str, typer.Option(help="only those parked for this, as wrong-schema")] = "",
        queue: Annotated[str, typer.Option(help="only those of this queue")] = "",
        limit: Limit = 50,
        cursor: Annotated[str, typer.Option(help="where the page before ended: its next_cursor")] = "",
        json: JsonOption = False,
    ) -> None:
        """List parked messages by cause, those of one cause, or show one of them."""
        wanted = GroupFilter(waiting_only=not everything, type=message_type, reason=reason, queue=queue)
        found = asyncio.run(_looked(self.desk, what, wanted, _place(cursor), limit))
        if json:
            print_document(found.document)
        else:
            table_console().print(found.picture, crop=False)

    def redrive(self, what: What, *, up_to: UpTo = 0, manner: Manner) -> None:
        """Send a message or a group back to where it came from, as edited; the broker confirms each."""
        self._order("redrive", what, up_to, manner)

    def discard(self, what: What, *, up_to: UpTo = 0, manner: Manner) -> None:
        """Put a message or a group aside; it can be restored until it is forgotten."""
        self._order("discard", what, up_to, manner)

    def restore(self, what: What, *, up_to: UpTo = 0, manner: Manner) -> None:
        """Let what was discarded wait for a person again."""
        self._order("restore", what, up_to, manner)

    def edit(
        self,
        what: Annotated[str, typer.Argument(metavar="ID", help="a message, by its id", show_default=False)],
        *,
        body: Annotated[
            typer.FileBinaryRead | None, typer.Option(help="a file with the whole new body, - for standard input")
        ] = None,
        header: Annotated[
            list[str] | None, typer.Option(help="NAME=VALUE sets a header, NAME= leaves it out; several times")
        ] = None,
        sagas: SagasOption = DEFAULT,
        manner: Manner,
    ) -> None:
        """Keep another form of a message beside the original, checked against its contract; a redrive sends it."""
        manner.require_reason()
        edit = Edit(body=body.read() if body else None, headers=dict(map(_header, header or [])))
        done = asyncio.run(_edited(self.desk, what, edit, manner, sagas))
        if done is not None:
            _tell(done, manner)

    def _order(self, order: Order, what: str, up_to: int, manner: Manner) -> None:
        manner.require_reason()
        done = asyncio.run(_given(self.desk, order, what, up_to, manner))
        if done is not None:
            _tell(done, manner)


async def _looked(desk: Desk, what: str, wanted: GroupFilter, after: Place | None, limit: int) -> shown.Shown:
    async with desk.parked() as cases:
        reading, caller = cases.reading, desk.caller
        if not what:
            page = await reading.groups(caller, wanted, after=after, limit=limit)
            return shown.groups(page, await reading.overview(caller))
        target = await _target(reading, caller, what)
        if target.message:
            return shown.message(await reading.look(caller, what))
        states: tuple[ParkedState, ...] = ("parked", "redriving") if wanted.waiting_only else ()
        narrowed = ParkedFilter(states=states, fingerprint=what, type=wanted.type, queue=wanted.queue)
        return shown.messages(await reading.messages(caller, narrowed, after=after, limit=limit))


async def _target(reading: ParkedReading, caller: Caller, what: str) -> Target:
    """The message or the group of this id.

    Raises:
        ParkedNotFoundError: it is neither.
    """
    try:
        await reading.find(caller, what)
    except ParkedNotFoundError:
        await reading.group(caller, what)
        return Target(fingerprint=what)
    return Target(what)


async def _given(desk: Desk, order: Order, what: str, up_to: int, manner: Manner) -> ParkedAction | None:
    sends = order == "redrive" and not manner.dry_run
    async with desk.parked(sends=sends) as cases:
        target = await _target(cases.reading, desk.caller, what)
        wish = _wish(Target(target.message, target.fingerprint, up_to if target.fingerprint else 0), manner)
        if not manner.dry_run and manner.json and (target.message or up_to):
            return await _done(cases, desk.caller, order, wish, manner)
        # What is asked about is what is done: messages that come meanwhile are not covered.
        seen, total = await cases.deciding.check(desk.caller, order, wish)
        if manner.dry_run:
            _show(shown.preview(order, seen, total), manner)
            return None
        ask(manner, f"{order} {counted(total, 'message')}?")
        return await _done(cases, desk.caller, order, _wish(seen, manner), manner)


async def _done(cases: ParkedCases, caller: Caller, order: Order, wish: Wish, manner: Manner) -> ParkedAction:
    deciding = cases.deciding
    orders = {"redrive": deciding.redrive, "discard": deciding.discard, "restore": deciding.restore}
    done = await orders[order](caller, wish)
    if manner.wait:
        done = await _until_sent(cases, caller, done, manner.timeout)
    return done


async def _until_sent(cases: ParkedCases, caller: Caller, done: ParkedAction, seconds: float) -> ParkedAction:
    """The action once nothing of it is to be sent any more, or as it is when the time is up."""
    try:
        async with asyncio.timeout(seconds):
            while done.waiting:
                await asyncio.sleep(LOOK_EVERY_S)
                done = await cases.reading.action(caller, done.id)
    except TimeoutError:
        pass  # it is told as it is
    return done


async def _edited(desk: Desk, what: str, edit: Edit, manner: Manner, sagas: str) -> ParkedAction | None:
    async with desk.parked(sagas) as cases:
        if not manner.json or manner.dry_run:
            changes = await cases.deciding.preview(desk.caller, what, edit)
            _show(shown.preview("edit", Target(what), 1, changes), manner)
        if manner.dry_run:
            return None
        ask(manner, f"edit {what}?")
        return await cases.deciding.edit(desk.caller, _wish(Target(what), manner), edit)


def _wish(target: Target, manner: Manner) -> Wish:
    reason = manner.reason if manner.reason or not manner.dry_run else DRY_REASON
    return Wish(target=target, reason=reason, key=manner.key, revision=manner.revision if target.message else None)


def _show(found: shown.Shown, manner: Manner) -> None:
    if manner.json:
        print_document(found.document)
    else:
        table_console().print(found.picture)


def _tell(done: ParkedAction, manner: Manner) -> None:
    """Print an action, and leave with the status that says how far it came."""
    _show(shown.action(done), manner)
    if done.failed:
        raise typer.Exit(ERROR)
    if manner.wait and done.waiting:
        raise typer.Exit(TIMEOUT)


def _header(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise InvalidRequestError([("/header", f"{text!r}: write NAME=VALUE, or NAME= to leave it out")])
    return name, value or None


def _place(cursor: str) -> Place | None:
    at_ms, _, found = cursor.partition(":")
    if not cursor:
        return None
    if not (at_ms.isdecimal() and found):
        raise InvalidRequestError([("/cursor", "take the next_cursor of the page before")])
    return Place(int(at_ms), found)
