"""`saga replay --send`: events of the store, published again. Filters are typed as field=value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

from orchestrator.cli.context import print_document, table_console
from orchestrator.cli.tables import counted, plain
from orchestrator.service.event_ports import EventFilter
from orchestrator.service.records import milliseconds
from orchestrator.service.resending import Sending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.cli.desk import Desk
    from orchestrator.service.resending import Offer

FIELDS = ("correlation", "execution", "type", "source", "since", "until")
FOR_OTHERS = "Sagas take none of them, so no participant hears of it; --reach-participants would change that."
REACHES = "Sagas take them as what they are: executions may start or go on, and commands reach participants."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is typed. `confirm`: the count that the dry run showed."""

    send: Annotated[
        list[str] | None, typer.Option(metavar="FIELD=VALUE", help=f"events to publish again: {', '.join(FIELDS)}")
    ] = None
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what --send would send, and its count")] = False
    confirm: Annotated[int | None, typer.Option(min=0, help="the count that the dry run showed")] = None
    reason: Annotated[str, typer.Option(help="why they are sent, in 8 characters or more; it is recorded")] = ""
    reach_participants: Annotated[
        bool, typer.Option("--reach-participants", help="sagas may take what is sent, and commands follow")
    ] = False


async def resend(desk: Desk, wish: Wish, *, json: bool) -> None:
    """Show what would be sent, or send it.

    Raises:
        BadParameter: the filter cannot be read; or it is to send, and neither count nor reason is given.
    """
    wanted = read_filter(wish.send or ())
    if wish.dry_run:
        async with desk.resending(sends=False) as resending:
            offer = await resending.offer(desk.caller, wanted)
        show_offer(offer, wish, json=json)
        return
    if wish.confirm is None or not wish.reason.strip():
        raise typer.BadParameter("look by --dry-run first, then give its count by --confirm N, and --reason TEXT")
    sending = Sending(wanted=wanted, reason=wish.reason, confirm=wish.confirm, reaches=wish.reach_participants)
    async with desk.resending(sends=True) as resending:
        sent = await resending.send(desk.caller, sending)
    if json:
        print_document({"sent": sent, "reaches_participants": wish.reach_participants})
    else:
        table_console().print(Text(f"{counted(sent, 'event')} sent again"))


def read_filter(chosen: Sequence[str]) -> EventFilter:
    """Which events are meant.

    Raises:
        BadParameter: a part is no field=value, or no time.
    """
    given: dict[str, list[str]] = {}
    for part in chosen:
        name, equals, value = part.partition("=")
        if name not in FIELDS or not (equals and value):
            raise typer.BadParameter(f"--send takes field=value with one of {', '.join(FIELDS)}, not {part!r}")
        given.setdefault(name, []).append(value)
    if several := [name for name, values in given.items() if len(values) > 1 and name != "type"]:
        raise typer.BadParameter(f"--send takes one {several[0]}")
    one = {name: values[0] for name, values in given.items()}
    return EventFilter(
        correlation_id=one.get("correlation", ""),
        execution_id=one.get("execution", ""),
        types=tuple(given.get("type", ())),
        source=one.get("source", ""),
        since_ms=_time(one.get("since")),
        until_ms=_time(one.get("until")),
    )


def show_offer(offer: Offer, wish: Wish, *, json: bool) -> None:
    """What would be sent, and how."""
    if json:
        given: dict[str, Any] = {"types": dict(offer.types), "left_out": dict(offer.left_out)}
        print_document({"count": offer.count, **given, "reaches_participants": wish.reach_participants})
        return
    table = plain("events", "type")
    for name, number in sorted(offer.types.items()):
        table.add_row(str(number), Text(name))
    left = [Text(f"left out: {number}, {why}", style="dim") for why, number in sorted(offer.left_out.items())]
    last = f"{counted(offer.count, 'event')} would be sent; to send: --confirm {offer.count} --reason TEXT"
    warning = Text(REACHES, style="yellow") if wish.reach_participants else Text(FOR_OTHERS)
    table_console().print(Group(table, *left, warning, Text(last, style="bold")))


def _time(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time, write 2026-11-26T02:36:30") from None
    return milliseconds(found if found.tzinfo else found.replace(tzinfo=UTC))
