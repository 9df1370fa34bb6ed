"""Rows of the ledger and the values they stand for. Pure, but for the seal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from orchestrator.adapters.sql.ledger_tables import executions, messages
from orchestrator.service.journal import JournalEntry
from orchestrator.service.records import ExecutionRow, MessageRecord, OpenRow, StepRow, milliseconds, moment
from orchestrator.service.snapshots import row_of, steps_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Row, RowMapping

    from orchestrator.sealing import Seal
    from orchestrator.service.records import Snapshot

_AS_IT_IS = tuple(
    column.name for column in executions.c if column.name in ExecutionRow.__slots__ and column.name != "error"
)
_journal = TypeAdapter(tuple[JournalEntry, ...])


def execution_values(snapshot: Snapshot, seal: Seal) -> dict[str, Any]:
    """The row of `executions`."""
    row = row_of(snapshot)
    return {
        **{name: getattr(row, name) for name in _AS_IT_IS},
        "started_ms": snapshot.started_ms,
        "changed_ms": snapshot.changed_ms,
        "ended_ms": None if row.ended is None else milliseconds(row.ended),
        "window_ms": None if row.window_ends is None else milliseconds(row.window_ends),
        "error": seal.close(row.error.encode()),
        "state": seal.close(to_json(snapshot.execution.dump())),
    }


def step_values(snapshot: Snapshot, seal: Seal) -> list[dict[str, Any]]:
    """The rows of `steps`."""
    return [
        {
            "execution_id": snapshot.execution_id,
            "step": row.step,
            "phase": row.phase,
            "outcome": row.outcome,
            "attempt": row.attempt,
            "undo_attempt": row.undo_attempt,
            "begun": row.begun,
            "error": seal.close(row.error.encode()),
            "undo_error": seal.close(row.undo_error.encode()),
        }
        for row in steps_of(snapshot.execution)
    ]


def journal_values(snapshot: Snapshot, seal: Seal) -> dict[str, Any]:
    """A row of `journal`: all that was handed over at once."""
    return {
        "execution_id": snapshot.execution_id,
        "run_ms": snapshot.position.run_ms,
        "first": snapshot.journal[0].revision,
        "history": snapshot.position.history,
        "entries": seal.close(_journal.dump_json(snapshot.journal, exclude_defaults=True)),
    }


def message_values(message: MessageRecord, seal: Seal) -> dict[str, Any]:
    """A row of `messages`."""
    values = {name: getattr(message, name) for name in messages.c.keys()}  # noqa: SIM118 - not a dict
    return {**values, "body": None if message.body is None else seal.close(message.body)}


def execution_row(found: RowMapping, seal: Seal) -> ExecutionRow:
    """A line of a list."""
    values = {name: value for name, value in found.items() if name != "state"}
    for name, stored in (("started", "started_ms"), ("changed", "changed_ms")):
        values[name] = moment(values.pop(stored))
    for name, stored in (("ended", "ended_ms"), ("window_ends", "window_ms")):
        value = values.pop(stored)
        values[name] = None if value is None else moment(value)
    values["error"] = seal.open(values["error"]).decode()
    return ExecutionRow(**values)


def step_row(found: RowMapping, seal: Seal) -> StepRow:
    """A step."""
    values = dict(found)
    for name in ("error", "undo_error"):
        values[name] = seal.open(values[name]).decode()
    return StepRow(**values)


def message_record(found: RowMapping, seal: Seal) -> MessageRecord:
    """A message, with its body if the row has it."""
    values = dict(found)
    body = values.pop("body", None)
    return MessageRecord(**values, body=None if body is None else seal.open(body))


def open_row(found: RowMapping) -> OpenRow:
    """What the reconciler compares."""
    values = dict(found)
    ended_ms = values.pop("ended_ms")
    return OpenRow(**values, has_ended=ended_ms is not None)


def told(found: Iterable[Row[Any]], seal: Seal, *, until: tuple[int, int]) -> tuple[JournalEntry, ...]:
    """The journal out of its rows, in order, up to `until` = (run, revision) of the execution.

    A lost attempt may have handed over entries that its repeat replaced: of one revision the entry from the longest
    history is true, and entries behind the row's revision never happened.
    """
    known: dict[tuple[int, int], tuple[int, JournalEntry]] = {}
    for row in found:
        for entry in _journal.validate_json(seal.open(row.entries)):
            place = (row.run_ms, entry.revision)
            if place <= until and (place not in known or row.history >= known[place][0]):
                known[place] = (row.history, entry)
    return tuple(entry for _, (_, entry) in sorted(known.items(), key=lambda item: item[0]))


def state_of(stored: bytes, seal: Seal) -> Any:
    """What `Execution.dump` gave."""
    return from_json(seal.open(stored))


def by_key(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """In one order for all writers, so that two of them never wait for each other in a circle."""
    return sorted(rows, key=lambda row: str(row["execution_id"]))
