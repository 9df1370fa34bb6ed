"""Messages of the event store for a terminal, and as documents. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json
from rich.console import Group
from rich.text import Text

from orchestrator.cli.tables import in_a_line, more, plain, when
from orchestrator.service.records import moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from orchestrator.service.event_ports import Gap
    from orchestrator.service.events import EventPage
    from orchestrator.stored import StoredMessage

INNER = ("body_hash", "at_ms", "stored_ms", "headers", "body")


def document(found: EventPage, *, bodies: bool) -> dict[str, Any]:
    """A page."""
    return {"items": [line(one, bodies=bodies) for one in found.messages], "next_cursor": found.following}


def line(message: StoredMessage, *, bodies: bool) -> dict[str, Any]:
    """One message; with `bodies` also its headers and its body, as JSON where it is JSON."""
    shown = {name: value for name, value in asdict(message).items() if name not in INNER}
    shown |= {"time": moment(message.at_ms), "stored": moment(message.stored_ms)}
    return {**shown, "headers": message.headers, "body": _body(message)} if bodies else shown


def table(found: EventPage, *, bodies: bool) -> Group:
    """A page for a terminal."""
    if not found.messages:
        return Group(Text("no messages"))
    made = plain("at, UTC", "way", "type", "of", "step", "said", *(["body"] if bodies else []))
    for one in found.messages:
        call = f"{one.step} {one.call} {one.attempt}" if one.step else ""
        body = [in_a_line((one.body or b"").decode(errors="replace"))] if bodies else []
        owner = Text(one.execution_id or one.correlation_id or one.source)
        made.add_row(when(one.at_ms), one.way, Text(one.type), owner, Text(call), Text(one.outcome), *body)
    lines: list[RenderableType] = [made]
    if found.following is not None:
        lines.append(more("--cursor", found.following))
    return Group(*lines)


def gaps_table(found: Sequence[Gap]) -> Table:
    """What is missing."""
    made = plain("source", "missing", "from", "to", "noticed, UTC")
    for gap in found:
        made.add_row(Text(gap.source), str(gap.missing), str(gap.first), str(gap.last), when(gap.noticed_ms))
    return made


def gaps_document(found: Sequence[Gap]) -> list[dict[str, Any]]:
    """The same as JSON values."""
    return [
        {
            "source": gap.source,
            "first": gap.first,
            "last": gap.last,
            "missing": gap.missing,
            "noticed": moment(gap.noticed_ms),
        }
        for gap in found
    ]


def _body(message: StoredMessage) -> Any:
    if message.body is None:
        return None
    try:
        return from_json(message.body)
    except ValueError:
        return message.body.decode(errors="replace")
