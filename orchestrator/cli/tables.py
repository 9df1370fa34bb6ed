"""Tables and sentences for a terminal. Pure. What comes from elsewhere is printed as it is, never as markup."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from orchestrator.cli import cursors
from orchestrator.service.records import moment
from orchestrator.service.requests import step_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from rich.console import RenderableType

    from orchestrator.service.auditing import AuditRow
    from orchestrator.service.checking import Change
    from orchestrator.service.compensation import UndoPlan
    from orchestrator.service.letters import Letters
    from orchestrator.service.operations import OperationRecord, OperationState
    from orchestrator.service.reading import AsOf, Listing
    from orchestrator.service.records import ExecutionRow, Status
    from orchestrator.service.tokens import Token

STYLES: MappingProxyType[Status, str] = MappingProxyType(
    {
        "running": "cyan",
        "suspended": "yellow",
        "parked": "bold red",
        "compensating": "cyan",
        "stuck": "bold red",
        "completed": "green",
        "compensated": "green",
        "partially_compensated": "yellow",
        "aborted": "",
        "terminated": "bold red",
    }
)
STATE_STYLES: MappingProxyType[OperationState, str] = MappingProxyType(
    {"accepted": "cyan", "applied": "cyan", "verified": "green", "failed": "bold red", "no_effect": "yellow"}
)
_AGES = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def at(then: datetime) -> str:
    """A point in time, to the second."""
    return f"{then:%Y-%m-%d %H:%M:%S} UTC"


def age(then: datetime, now: datetime) -> str:
    """How long ago something was, in its largest unit."""
    seconds = max(0, int((now - then).total_seconds()))
    size, unit = next((one for one in _AGES if seconds >= one[0]), _AGES[-1])
    return f"{seconds // size} {unit}"


def as_of(known: AsOf, why: str = "") -> Text:
    """How far an answer of the ledger can be trusted."""
    stale = ": later changes may be missing, until the ledger has been compared with Temporal" if known.is_stale else ""
    return Text(
        f"as of {at(known.moment)}{stale}{f' ({why})' if why else ''}", style="yellow" if stale or why else "dim"
    )


def listing(found: Listing, following: str | None) -> Group:
    """A page of executions. `following`: where the next one begins."""
    table = plain("execution", "status", "step", "since", "said")
    for column in table.columns[:-1]:
        column.no_wrap = True  # where room is short, what was said is cut first
    for row in found.rows:
        step, since = Text(row.failed_step or row.current_step), age(row.changed, found.as_of.moment)
        table.add_row(Text(row.execution_id), status(row), step, since, in_a_line(row.error))
    last: list[RenderableType] = [table] if found.rows else [Text("no executions")]
    if following:
        last.append(more("--cursor", following))
    return Group(*last, as_of(found.as_of))


def status(row: ExecutionRow) -> Text:
    """The status of a row; of one that was ended from outside, how."""
    return Text((row.gone or row.status).replace("_", " "), style=STYLES[row.status])


def plan(found: UndoPlan, known: AsOf | None) -> Group:
    """What a compensation would do, and what it would not."""
    table = plain("order", "undo of", "by", "note")
    for step in found.steps:
        by = f"{step.handler.partition('@')[0]} to {step.participant}" if step.participant else step.handler
        table.add_row(str(step.wave), Text(step.step), Text(by), Text(step.note))
    lines: list[RenderableType] = [
        Text(f"{found.execution_id}: {counted(len(found.steps), 'step')} would be undone, in this order", style="bold"),
        table,
        *(Text(f"stays: {one.step}: {one.why}") for one in found.cannot_undo),
    ]
    if found.needs_override:
        lines.append(Text("It goes past the point of no return: that needs --override.", style="yellow"))
    lines.append(Text(f"plan {found.hash} of revision {found.revision}"))
    return Group(*lines, *([as_of(known)] if known else []))


def changes(found: Iterable[Change]) -> Group:
    """What an edited input would change."""
    table = plain("fact", "before", "after")
    for change in found:
        table.add_row(Text(change.pointer), Text(_written(change.before)), Text(_written(change.after)))
    return Group(table)


def operation(record: OperationRecord) -> Text:
    """One operation, in a line."""
    step = f" {step_of(record.request)}" if step_of(record.request) else ""
    text = f": {record.text}" if record.text else ""
    head = f"{record.execution_id}: {record.request.operation}{step} "
    return Text.assemble(head, (record.state, STATE_STYLES[record.state]), f"{text} (operation {record.id})")


def operations(records: Iterable[OperationRecord]) -> Table:
    """Several operations."""
    table = plain("operation", "at, UTC", "by", "what", "state", "said")
    for one in records:
        what = f"{one.request.operation} {step_of(one.request)}".strip()
        table.add_row(
            Text(one.id),
            when(one.accepted_ms),
            Text(one.actor),
            Text(f"{what} of {one.execution_id}"),
            Text(one.state, style=STATE_STYLES[one.state], no_wrap=True),
            Text(one.text or one.reason),
        )
    return table


def letters(found: Letters, *, bodies: bool) -> Group:
    """A page of messages, the newest first."""
    table = plain("at, UTC", "way", "kind", "type", "step", "outcome", "bytes", *(["body"] if bodies else []))
    for one in found.messages:
        call = f"{one.step} {one.call} {one.attempt}" if one.step else ""
        body = [Text((one.body or b"").decode(errors="replace"))] if bodies else []
        table.add_row(
            when(one.at_ms),
            one.direction,
            one.kind,
            Text(one.type),
            Text(call),
            one.outcome,
            str(one.size),
            *body,
        )
    shown: RenderableType = table if found.messages else Text("no messages")
    if found.following is None:
        return Group(shown)
    return Group(shown, more("--cursor", cursors.of_message(found.following)))


def audit(rows: Iterable[AuditRow]) -> Table:
    """Rows of the audit; what came of it, else why it was asked for."""
    table = plain("number", "at, UTC", "who", "what", "result", "said")
    for row in rows:
        entry = row.entry
        what, said = f"{entry.what} of {entry.target}", entry.text or entry.reason
        table.add_row(str(row.number), when(entry.at_ms), *map(Text, (entry.actor, what, entry.result, said)))
    return table


def tokens(found: Iterable[Token]) -> Table:
    """API tokens."""
    table = plain("id", "name", "role", "also", "sagas", "made", "until")
    for one in found:
        caller = one.caller
        table.add_row(
            one.id,
            Text(one.name),
            caller.role.value,
            ", ".join(sorted(caller.granted)),
            "all" if caller.sagas is None else ", ".join(sorted(caller.sagas)),
            f"{at(moment(one.made_ms))} by {one.made_by}",
            Text(_until(one)),
        )
    return table


def _until(one: Token) -> str:
    if one.revoked_ms is not None:
        return f"{at(moment(one.revoked_ms))}, revoked by {one.revoked_by}"
    return "it is revoked" if one.expires_ms is None else at(moment(one.expires_ms))


def plain(*names: str) -> Table:
    """A table without lines."""
    table = Table(*names, box=None, pad_edge=False, header_style="dim")
    for column in table.columns:
        column.overflow = "fold"
    return table


def when(milliseconds: int) -> Text:
    """Epoch milliseconds as a point in time, to the second; where room is short, the time of day below its date."""
    return Text(f"{moment(milliseconds):%Y-%m-%d %H:%M:%S}")


def more(option: str, following: object) -> Text:
    """Where the next page begins: in one piece, so that it can be copied. Print what holds it by `crop=False`."""
    return Text(f"there are more: {option} {following}", style="dim", no_wrap=True, overflow="ignore")


def in_a_line(text: str) -> Text:
    """A text on one line, cut where there is no more room."""
    return Text(" ".join(text.split()), no_wrap=True, overflow="ellipsis")


def counted(number: int, what: str) -> str:
    """A number of things."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _written(value: object) -> str:
    from pydantic_core import to_json  # noqa: PLC0415

    return "-" if value is None else to_json(value).decode()
