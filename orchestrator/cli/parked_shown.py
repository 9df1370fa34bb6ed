"""Parked messages as documents, in the words of the API, and as tables. Pure."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from orchestrator.cli import tables
from orchestrator.service.records import moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from orchestrator.service.checking import Change
    from orchestrator.service.parked_actions import Deed, ParkedAction, Target
    from orchestrator.service.parked_reading import Look
    from orchestrator.service.parked_records import (
        Content,
        GroupPage,
        ParkedMessage,
        ParkedOverview,
        ParkedPage,
        Place,
    )

Document = dict[str, Any]
STATE_STYLES = {"parked": "bold red", "redriving": "cyan", "redriven": "green", "discarded": "dim"}
GROUP_TIMES = {"first_ms": "first", "last_ms": "last", "oldest_ms": "oldest", "reopened_ms": "reopened_at"}
MESSAGE_TIMES = {"first_ms": "first_parked", "parked_ms": "parked", "decided_ms": "decided"}


@dataclass(frozen=True, slots=True)
class Shown:
    """One answer in both forms."""

    document: Document
    picture: RenderableType


def groups(page: GroupPage, seen: ParkedOverview) -> Shown:
    """A page of groups, the one that was added to last comes first."""
    table = tables.plain("group", "waiting", "reason", "type", "last, UTC", "said")
    for one in page.groups:
        waiting = Text(str(one.waiting), style="bold red" if one.waiting else "")
        said = tables.in_a_line(one.text)
        table.add_row(Text(one.fingerprint), waiting, Text(one.reason), Text(one.type), tables.when(one.last_ms), said)
    items = [_timed(asdict(one), GROUP_TIMES) for one in page.groups]
    document = {"items": items, "next_cursor": _cursor(page.following), **_overview(seen)}
    recorded = "nothing is recorded yet: `saga recorder` does that"
    if seen.recorded_ms:
        recorded = f"nothing waits; a recorder was last at work at {moment(seen.recorded_ms):%F %T} UTC"
    return Shown(document, _paged(table if page.groups else Text(recorded), page.following))


def messages(page: ParkedPage) -> Shown:
    """A page of messages, the last parked comes first."""
    table = tables.plain("message", "state", "type", "id of the sender", "parked, UTC", "said")
    for one in page.messages:
        state = Text(one.state, style=STATE_STYLES[one.state])
        said = tables.in_a_line(one.problem or one.text)
        table.add_row(Text(one.id), state, Text(one.type), Text(one.message_id), tables.when(one.parked_ms), said)
    document = {"items": [_line(one) for one in page.messages], "next_cursor": _cursor(page.following)}
    return Shown(document, _paged(table if page.messages else Text("no messages"), page.following))


def message(seen: Look) -> Shown:
    """One message whole."""
    one, contents = seen.message, seen.contents
    original = _content(contents.original) if contents else None
    edited = _content(contents.edited) if contents and contents.edited else None
    changes = None if seen.changes is None else [asdict(change) for change in seen.changes]
    document = {**_line(one), "original": original, "edited": edited, "changes": changes}
    table = tables.plain("", "")
    rows = {
        "state": one.state,
        "why": f"{one.reason}: {one.text}",
        "last redrive": one.problem,
        "type": one.type,
        "from": f"{one.source} as {one.message_id}" if one.message_id else one.source,
        "queue": one.origin.queue,
        "meant for": ", ".join(one.candidates),
        "correlation id": one.correlation_id,
        "parked": f"{tables.at(moment(one.parked_ms))}, {one.seen} times",
        "decided": f"{tables.at(moment(one.decided_ms))} by {one.decided_by}" if one.decided_ms else "",
        "revision": str(one.revision),
    }
    for name, value in rows.items():
        if value:
            table.add_row(Text(name, style="dim"), Text(value))
    parts: list[RenderableType] = [Text(one.id, style="bold"), table]
    if contents is not None:
        parts += [Text("body, as it would be sent", style="dim"), Text(_body(contents.outgoing))]
    if seen.changes:
        parts += [Text("edited", style="dim"), tables.changes(seen.changes)]
    return Shown(document, Group(*parts))


def preview(deed: Deed, target: Target, total: int, changes: Sequence[Change] = ()) -> Shown:
    """What an action would do."""
    found = [asdict(change) for change in changes]
    document = {"operation": deed, "total": total, "up_to": target.up_to or None, "changes": found}
    told = Text(f"{deed} is allowed as it stands: {tables.counted(total, 'message')}{_as_far(target)}")
    return Shown(document, Group(told, *([tables.changes(changes)] if changes else [])))


def action(done: ParkedAction) -> Shown:
    """What was done, and how far it is."""
    same = ("id", "actor", "role", "reason", "key", "total", "done", "failed", "waiting")
    document = {
        **{name: getattr(done, name) for name in same},
        "operation": done.deed,
        "message": done.target.message or None,
        "group": done.target.fingerprint or None,
        "up_to": done.target.up_to or None,
        "at": moment(done.at_ms),
    }
    told = f"{done.deed}: {done.done} of {tables.counted(done.total, 'message')}{_as_far(done.target)}"
    rest = f", {done.waiting} still to be sent: `saga recorder` goes on with it" if done.waiting else ""
    failed = f", {done.failed} the broker did not take: they wait again" if done.failed else ""
    return Shown(document, Text(f"{told}{rest}{failed} (operation {done.id})"))


def _overview(seen: ParkedOverview) -> Document:
    recorded = None if seen.recorded_ms is None else moment(seen.recorded_ms)
    return {"waiting": seen.waiting, "inflow_last_hour": seen.inflow, "recorded": recorded}


def _line(one: ParkedMessage) -> Document:
    named = {**asdict(one), "operation": one.action}
    return _timed({name: value for name, value in named.items() if name != "action"}, MESSAGE_TIMES)


def _timed(values: Document, names: Mapping[str, str]) -> Document:
    """The values with epoch milliseconds as points in time, by the names of the API."""
    kept = {name: value for name, value in values.items() if name not in names}
    times = {name: None if values[old] is None else moment(values[old]) for old, name in names.items()}
    return {**kept, **times}


def _content(one: Content) -> Document:
    try:
        body, encoded = one.body.decode(), None
    except UnicodeDecodeError:
        body, encoded = None, b64encode(one.body).decode()
    return {
        "headers": dict(one.headers),
        "properties": dict(one.properties),
        "body": body,
        "body_base64": encoded,
    }


def _body(one: Content) -> str:
    return one.body.decode(errors="replace")


def _cursor(place: Place | None) -> str | None:
    return None if place is None else f"{place.at_ms}:{place.id}"


def _paged(table: RenderableType, following: Place | None) -> RenderableType:
    cursor = _cursor(following)
    return Group(table, tables.more("--cursor", cursor)) if cursor else table


def _as_far(target: Target) -> str:
    return f" of the group, as far as number {target.up_to}" if target.up_to else ""
