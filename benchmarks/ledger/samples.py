"""Executions as they stand in a ledger that has been in use for long: real ones of the benchmarks' saga, copied."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from benchmarks.rows.ours import saga_of_actions
from orchestrator.adapters.sql import ledger_rows as rows
from orchestrator.engine.execution import Execution
from orchestrator.engine.signals import CancelRequested, ReceivedEvent, Refused, Started, Succeeded
from orchestrator.engine.signals import SuspendRequested as Suspended
from orchestrator.sealing import OPEN
from orchestrator.service.records import MessageRecord, Position, Snapshot
from orchestrator.service.snapshots import entry_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.engine.signals import Signal
    from orchestrator.saga.plan import Plan

Row: TypeAlias = dict[str, Any]
NOW_MS = 1_800_000_000_000
YEAR_MS = 365 * 86_400_000
SAGAS = ("order", "transfer", "booking", "claim", "survey", "audit")
SAGA_WEIGHTS = (50.0, 20.0, 15.0, 10.0, 4.9, 0.1)
VERSIONS = (1, 2, 3)
VERSION_WEIGHTS = (39.0, 60.0, 1.0)
MESSAGES_EACH = 20
BODY = b'{"order_id":"order-0012345","customer":"customer-17","total_cents":4200,"lines":[{"sku":"tea","quantity":2}]}'
_TRIGGER = ReceivedEvent(
    identity="i",
    body_hash="h",
    type="order.placed",
    payload={"order_id": "template", "customer": "customer-17", "total_cents": 4200, "refused": False},
    message_id="m",
)
_BEGIN = Started(_TRIGGER)
_THREE = tuple(Succeeded(step=name, result={"reference": name}) for name in ("reserve", "charge", "label"))
_REFUSED = Refused(step="carrier", reason="the carrier does not go there")
_UNDOS = tuple(Succeeded(step=name, direction="undo") for name in ("label", "charge", "reserve"))
_WHO = {"command_id": "c", "actor": "ann", "reason": "ordered twice"}
WAYS: dict[str, tuple[float, tuple[Signal, ...]]] = {
    "completed": (88.0, (_BEGIN, *_THREE, Succeeded(step="carrier", result={}), Succeeded(step="receipt", result={}))),
    "compensated": (9.0, (_BEGIN, *_THREE, _REFUSED, *_UNDOS)),
    "aborted": (1.0, (_BEGIN, Refused(step="reserve", reason="sold out"))),
    "running": (1.5, (_BEGIN, *_THREE)),
    "suspended": (0.1, (_BEGIN, *_THREE[:1], Suspended(**_WHO))),
    "compensating": (0.2, (_BEGIN, *_THREE, _REFUSED)),
    "stuck": (0.2, (_BEGIN, *_THREE, _REFUSED, Refused(step="label", direction="undo", reason="jammed"))),
    "cancelled": (
        0.02,
        (_BEGIN, *_THREE[:1], CancelRequested(**_WHO), Refused(step="charge", reason="too late"), *_UNDOS[2:]),
    ),
}
"""How executions went: of a hundred so many, and what they were told."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The rows of one execution."""

    execution: Row
    steps: Sequence[Row]
    journal: Row
    messages: Sequence[Row]


@cache
def plan_of(saga: str, version: int) -> Plan:
    """The plan of a saga in a version: all are alike but for their names."""
    return saga_of_actions(saga, brief=True).plan.model_copy(update={"version": version})


@cache
def _template(way: str, saga: str, version: int) -> Snapshot:
    plan = plan_of(saga, version)  # each plan has its own: a state names the plan that it fits, and no other reads it
    execution = Execution.begin(plan, f"{saga}:template")
    for signal in WAYS[way][1]:
        execution.receive(signal)
    journal = tuple(entry_of(entry.revision, NOW_MS, entry.signal, entry.ignored) for entry in execution.journal)
    execution.journal.clear()
    return Snapshot(
        execution=execution,
        position=Position(run_id="", run_ms=0, history=9, revision=execution.state.revision),
        workflow_id=f"{saga}:template",
        correlation_id="",
        started_ms=0,
        changed_ms=0,
        plan_hash=plan.content_hash,
        journal=journal,
        confirmed=execution.state.ended,
    )


@cache
def _rows(way: str, saga: str, version: int) -> tuple[Row, list[Row], Row]:
    given = _template(way, saga, version)
    return rows.execution_values(given, OPEN), rows.step_values(given, OPEN), rows.journal_values(given, OPEN)


def samples(count: int, seed: int = 1) -> Iterator[Sample]:
    """So many, in the order of their keys; the same ones for the same seed."""
    dice = Random(seed)  # noqa: S311 - a sample, not a secret
    weights = [weight for weight, _ in WAYS.values()]
    for number in range(count):
        (way,), (saga,) = dice.choices([*WAYS], weights), dice.choices(SAGAS, SAGA_WEIGHTS)
        (version,) = dice.choices(VERSIONS, VERSION_WEIGHTS)
        yield _sample(number, way, plan_of(saga, version), NOW_MS - int(YEAR_MS * dice.random()))


def _sample(number: int, way: str, plan: Plan, at_ms: int) -> Sample:
    key = f"{number:07}"
    name = f"{plan.saga}:{key}"
    execution, steps, journal = _rows(way, plan.saga, plan.version)
    has_ended = execution["confirmed"]
    changed = {
        "execution_id": name,
        "saga": plan.saga,
        "version": plan.version,
        "plan": plan.content_hash,
        "correlation_id": f"thread-{number // 3}",
        "business_key": key,
        "workflow_id": name,
        "run_id": f"run-{number}",
        "run_ms": at_ms,
        "started_ms": at_ms,
        "changed_ms": at_ms + 900,
        "ended_ms": at_ms + 900 if has_ended else None,
        "window_ms": at_ms + 30 * 86_400_000 if has_ended else None,
        "fingerprint": execution["fingerprint"] and f"{plan.saga[:4]}{execution['fingerprint'][4:]}",
    }
    return Sample(
        execution={**execution, **changed},
        steps=[{**step, "execution_id": name} for step in steps],
        journal={**journal, "execution_id": name, "run_ms": at_ms},
        messages=[_message(one, name, at_ms + 40 * number) for number, one in enumerate(_messages())],
    )


def _message(one: Row, name: str, at_ms: int) -> Row:
    return {**one, "execution_id": name, "message_id": f"{name}:step:{one['message_id']}", "at_ms": at_ms}


@cache
def _messages() -> tuple[Row, ...]:
    """Commands and replies by turns."""
    made = (
        MessageRecord(
            execution_id="",
            message_id=str(number),
            direction="in" if number % 2 else "out",
            kind="reply" if number % 2 else "command",
            type="stock.reserved" if number % 2 else "stock.reserve",
            at_ms=0,
            step="reserve",
            call="do",
            attempt=1,
            size=len(BODY),
            body=BODY,
        )
        for number in range(MESSAGES_EACH)
    )
    return tuple(rows.message_values(one, OPEN) for one in made)
