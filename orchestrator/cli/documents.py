"""What `--json` prints: stable shapes, in the glossary's words, times as RFC 3339 in UTC. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from orchestrator.cli import cursors
from orchestrator.service.records import moment
from orchestrator.service.requests import step_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.cli.looked import Looked
    from orchestrator.service.auditing import AuditRow
    from orchestrator.service.compensation import UndoPlan
    from orchestrator.service.letters import Letters
    from orchestrator.service.operating import Preview
    from orchestrator.service.operations import OperationRecord
    from orchestrator.service.reading import AsOf, Listing
    from orchestrator.service.records import ExecutionRow, Filter, MessageRecord
    from orchestrator.service.tokens import Token

Document = dict[str, Any]


def listing(found: Listing, wanted: Filter) -> Document:
    """A page of executions."""
    return {
        "items": [execution(row) for row in found.rows],
        "next_cursor": cursors.written(found.following, wanted),
        **as_of(found.as_of),
    }


def execution(row: ExecutionRow) -> Document:
    """One line of a list."""
    named = {"id": row.execution_id, **asdict(row)}
    hidden = ("execution_id", "run_ms", "history")
    return {name: value for name, value in named.items() if name not in hidden}


def as_of(found: AsOf) -> Document:
    """How far an answer of the ledger can be trusted."""
    return {"as_of": found.moment, "stale": found.is_stale, "reconciled": found.reconciled}


def looked(found: Looked) -> Document:
    """One execution with its steps."""
    made, state = found.execution, found.execution.state
    abort = state.abort
    return {
        "id": state.execution_id,
        "saga": made.plan.saga,
        "version": made.plan.version,
        "status": found.status,
        "word": found.word,
        "forward": made.forward,
        "undo": made.undo,
        "revision": state.revision,
        "abort": asdict(abort) if abort else None,
        "steps": {name: _step(step) for name, step in state.steps.items()},
        "in_doubt": list(found.in_doubt),
        "window_ends": found.window_ends,
        "actions": [asdict(action) for action in found.actions],
        "source": found.source,
        "as_of": found.as_of.moment if found.as_of else None,
        "without_ledger": found.without_ledger or None,
        "by_history": found.by_history,
        "state": made.dump(),
    }


def _step(step: Any) -> Document:
    shown = ("phase", "outcome", "attempt", "undo_attempt", "error", "undo_error")
    return {name: getattr(step, name) for name in shown}


def plan(found: UndoPlan, known: AsOf | None) -> Document:
    """The plan of an undo; `as_of` is null if Temporal itself was asked."""
    return {**asdict(found), "as_of": known.moment if known else None}


def preview(execution_id: str, operation: str, found: Preview) -> Document:
    """What an operation would do, which is allowed as it stands."""
    changes = [asdict(change) for change in found.changes]
    return {"execution_id": execution_id, "operation": operation, "allowed": True, "changes": changes}


def operation(record: OperationRecord) -> Document:
    """How far an operation is."""
    return {
        "id": record.id,
        "execution_id": record.execution_id,
        "operation": record.request.operation,
        "step": step_of(record.request) or None,
        "state": record.state,
        "text": record.text,
        "reason": record.reason,
        "actor": record.actor,
        "role": record.role,
        "key": record.key,
        "workflow_id": record.workflow_id or None,
        "before": record.before,
        "after": record.after,
        "accepted": moment(record.accepted_ms),
        "settled": None if record.settled_ms is None else moment(record.settled_ms),
        "bulk": record.bulk or None,
    }


def operations(records: Iterable[OperationRecord]) -> Document:
    """Several operations."""
    return {"items": [operation(record) for record in records]}


def letters(found: Letters, *, bodies: bool) -> Document:
    """A page of messages."""
    following = None if found.following is None else cursors.of_message(found.following)
    return {"items": [_message(one, bodies=bodies) for one in found.messages], "next_cursor": following}


def _message(one: MessageRecord, *, bodies: bool) -> Document:
    shown = {name: value for name, value in asdict(one).items() if name not in ("at_ms", "body")}
    body = {"body": None if one.body is None else one.body.decode(errors="replace")} if bodies else {}
    return {**shown, "at": moment(one.at_ms), **body}


def audit(rows: Iterable[AuditRow]) -> Document:
    """Rows of the audit, with their places in the chain."""
    items = [
        {
            "number": row.number,
            "at": moment(row.entry.at_ms),
            **{name: value for name, value in asdict(row.entry).items() if name != "at_ms"},
            "previous": row.previous,
            "hash": row.hash,
        }
        for row in rows
    ]
    return {"items": items, "next_before": items[-1]["number"] if items else None}


def token(one: Token) -> Document:
    """An API token, as far as anybody may know it."""
    caller = one.caller
    return {
        "id": one.id,
        "name": one.name,
        "role": caller.role.value,
        "granted": sorted(caller.granted),
        "sagas": None if caller.sagas is None else sorted(caller.sagas),
        "made_by": one.made_by,
        "made": moment(one.made_ms),
        "expires": None if one.expires_ms is None else moment(one.expires_ms),
        "revoked": None if one.revoked_ms is None else moment(one.revoked_ms),
        "revoked_by": one.revoked_by or None,
    }
