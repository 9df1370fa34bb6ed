"""Bulks as documents, in the words of the API, and as tables. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from orchestrator.cli import tables
from orchestrator.service.records import moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType
    from rich.table import Table

    from orchestrator.service.bulk import Selection
    from orchestrator.service.bulk_reading import BulkItems
    from orchestrator.service.bulk_records import Bulk, BulkCounts, BulkState, BulkWord, ItemState

Document = dict[str, Any]
SHOWN_IDS = 20
STATE_STYLES: dict[BulkState, str] = {
    "running": "cyan",
    "suspended": "yellow",
    "cancelled": "yellow",
    "completed": "green",
    "partially_completed": "yellow",
    "failed": "bold red",
}
ITEM_STYLES: dict[ItemState, str] = {"waiting": "", "done": "green", "failed": "bold red", "skipped": "yellow"}


def selection_document(word: BulkWord, found: Selection) -> Document:
    """What a bulk would touch."""
    first = list(found.ids[:SHOWN_IDS])
    return {"operation": word, "count": len(found.ids), "token": found.token, "first_ids": first}


def selection(word: BulkWord, found: Selection) -> Group:
    """The same for people."""
    count, first = len(found.ids), found.ids[:SHOWN_IDS]
    lines = [Text(f"{word} of {tables.counted(count, 'execution')}", style="bold"), *map(Text, first)]
    if count > len(first):
        lines.append(Text(f"and {count - len(first)} more", style="dim"))
    return Group(*lines, Text(f"begin it by --confirm {found.token}", style="dim"))


def line_document(bulk: Bulk) -> Document:
    """One bulk of a list."""
    return {
        "id": bulk.id,
        "operation": bulk.word,
        "state": bulk.state,
        "reason": bulk.reason,
        "actor": bulk.caller.actor,
        "rate": bulk.rate,
        "total": bulk.total,
        "created": moment(bulk.created_ms),
        "override": bulk.override,
    }


def document(bulk: Bulk, counts: BulkCounts) -> Document:
    """How far one is."""
    return {**line_document(bulk), **asdict(counts)}


def items_document(found: BulkItems) -> Document:
    """A page of items."""
    return {"items": [asdict(one) for one in found.items], "next_after": found.following}


def lines(found: Iterable[Bulk]) -> Table:
    """Bulks, in a list."""
    table = tables.plain("bulk", "begun, UTC", "by", "what", "state", "why")
    for one in found:
        table.add_row(
            Text(one.id),
            tables.when(one.created_ms),
            Text(one.caller.actor),
            f"{one.word} of {one.total}",
            Text(one.state, style=STATE_STYLES[one.state], no_wrap=True),
            Text(one.reason),
        )
    return table


def bulk(one: Bulk, counts: BulkCounts) -> Text:
    """How far one is, in a line."""
    numbers = ", ".join(f"{number} {state}" for state, number in asdict(counts).items() if number)
    head = f"bulk {one.id}: {one.word} of {tables.counted(one.total, 'execution')} "
    return Text.assemble(head, (one.state, STATE_STYLES[one.state]), f": {numbers}" if numbers else "")


def items(found: BulkItems) -> Group:
    """A page of items."""
    table = tables.plain("number", "execution", "state", "said")
    for one in found.items:
        table.add_row(
            str(one.number), Text(one.execution_id), Text(one.state, style=ITEM_STYLES[one.state]), Text(one.text)
        )
    shown: RenderableType = table if found.items else Text("no items")
    more = [] if found.following is None else [tables.more("--after", found.following)]
    return Group(shown, *more)
