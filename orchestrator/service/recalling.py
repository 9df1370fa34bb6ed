"""What an execution was told, signal by signal: its journal, with the payloads put back that the journal leaves out.

Payloads come from where they lie: results from the facts of its state, events from the event store or the facts, what
people typed from the operations. What lies nowhere is named and not told. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from orchestrator.engine import signals
from orchestrator.engine.execution import Execution
from orchestrator.engine.signals import Arrived, Elapsed, Lost, ReceivedEvent, Started, Succeeded
from orchestrator.engine.turn import limit_timer
from orchestrator.errors import IllegalSignalError
from orchestrator.saga.plan import WaitPlan, leaves
from orchestrator.service.requests import command_of
from orchestrator.testing.rerun import Told
from orchestrator.testing.walking import Input, Walk, ended_by

if TYPE_CHECKING:
    from orchestrator.engine.effects import Perform
    from orchestrator.engine.signals import Signal
    from orchestrator.engine.states import State
    from orchestrator.saga.plan import Plan
    from orchestrator.service.journal import JournalEntry
    from orchestrator.service.requests import Request
    from orchestrator.stored import StoredMessage

_OUTCOMES: dict[str, Any] = {
    one.__name__: one
    for one in (signals.Succeeded, signals.Refused, signals.Failed, signals.Stalled, signals.Withdrawn)
}
_COMMANDS: dict[str, Any] = {
    one.__name__: one
    for one in (
        signals.CancelRequested,
        signals.CompensateRequested,
        signals.RetryRequested,
        signals.MarkDoneRequested,
        signals.SkipRequested,
        signals.AbandonRequested,
        signals.SuspendRequested,
        signals.ResumeRequested,
        signals.ReleaseRequested,
    )
}
TYPED = ("RetryRequested", "SkipRequested", "MarkDoneRequested")
"""Commands with something that a person typed, which lies with their operation."""
NOT_THERE = (
    "the journal does not lead to where the execution stands: it was written by an older version, or is not whole"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that is known of an execution.

    Attributes:
        plan, state: what it began with, and how it stands.
        journal: what it was told, in order.
        messages: of the event store, with contents: what it sent and took. `missing`: why there are none.
        requests: what people asked, by the id of the operation.
    """

    plan: Plan
    state: State
    journal: Sequence[JournalEntry]
    messages: Sequence[StoredMessage]
    requests: Mapping[str, Request]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Recalled:
    """The execution walked through once more by its own plan, what it was told, and what is not known of it."""

    walk: Walk
    told: tuple[Told, ...]
    unknown: tuple[str, ...]


def recall(record: Record) -> Recalled:
    """Walk an execution through once more as it went, and see that it comes to where it stands."""
    return _Recall(record).run()


class _Recall:
    def __init__(self, record: Record) -> None:
        self._record = record
        self._walk = Walk.of(record.plan, record.state.execution_id, self._input)
        self._sent = {(one.step, one.call, one.attempt): one for one in record.messages if one.way == "out"}
        self._taken = {one.message_id: one for one in record.messages if one.kind == "event" and one.way == "in"}
        self._waits = [leaf for leaf in leaves(record.plan.root) if isinstance(leaf, WaitPlan)]
        self._unknown: list[str] = []

    def run(self) -> Recalled:
        told: list[Told] = []
        self._look_for_gaps()
        for entry in self._record.journal:
            if not entry.ignored:
                told += self._again(entry)
        if not self._unknown and _stand(self._walk.execution.state) != _stand(self._record.state):
            self._unknown.append(NOT_THERE)
        return Recalled(self._walk, tuple(told), tuple(self._unknown))

    def _look_for_gaps(self) -> None:
        there = {entry.revision for entry in self._record.journal}
        lost = [number for number in range(1, self._record.state.revision + 1) if number not in there]
        if lost:
            some = ", ".join(map(str, lost[:5])) + (", ..." if len(lost) > 5 else "")  # noqa: PLR2004 - so many are shown
            self._unknown.append(f"the journal lacks revision {some}")

    def _again(self, entry: JournalEntry) -> list[Told]:
        """Tell it once more; what was told, nothing if nobody knows what it was."""
        signal, lacks = self._signal(entry)
        if signal is None:
            self._unknown.append(f"revision {entry.revision}, {entry.kind}: {lacks}")
            return []
        call, _, _ = ended_by(signal)
        is_proof = call is not None and not isinstance(signal, Elapsed) and not self._walk.waits_for(call)
        try:
            ignored = self._walk.tell(signal, entry.at_ms)
        except IllegalSignalError as error:
            ignored = str(error)
        if ignored:
            self._unknown.append(f"revision {entry.revision}, {entry.kind}: it is not taken again: {ignored}")
        return [Told(signal, entry.at_ms, is_proof, lacks)]

    def _signal(self, entry: JournalEntry) -> tuple[Signal | None, str]:
        """What was told, and what of it is not known; None if nobody knows what it was."""
        said = entry.said or {}
        match entry.kind:
            case "Started":
                trigger = self._record.plan.trigger
                event, lacks = self._event(entry, trigger.gives)
                return Started(event), lacks
            case "Arrived":
                gives = {wait.gives for wait in self._waits if wait.event == entry.message_type}
                event, lacks = self._event(entry, gives.pop() if len(gives) == 1 else "")
                return Arrived(event), lacks
            case "Elapsed":
                return _elapsed(entry, said)
            case "Lost":
                return Lost(tuple(said.get("steps", ())), int(said.get("fence_ms", 0))), ""
            case kind if kind in _OUTCOMES:
                return self._outcome(entry, said)
            case _:
                return self._command(entry, said)

    def _event(self, entry: JournalEntry, fact: str) -> tuple[ReceivedEvent, str]:
        kept, facts = self._taken.get(entry.message_id), self._record.state.facts
        identity = kept.identity if kept else f"{entry.message_type}:{entry.message_id}"
        payload, lacks = facts.get(fact), ""
        if fact not in facts:
            payload, lacks = read(kept, self._record.missing)
        return (
            ReceivedEvent(
                identity=identity,
                body_hash=kept.body_hash if kept else identity,
                type=entry.message_type,
                payload=payload,
                message_id=entry.message_id,
                sequence=kept.sequence if kept else "",
                source=kept.source if kept else "",
            ),
            lacks,
        )

    def _outcome(self, entry: JournalEntry, said: Mapping[str, Any]) -> tuple[Signal, str]:
        given: dict[str, Any] = {"step": entry.step, "direction": entry.direction, "attempt": entry.attempt}
        kind, lacks = _OUTCOMES[entry.kind], ""
        if kind is Succeeded:
            given["result"], lacks = self._result(entry)
        else:
            given |= {name: getattr(entry, name) for name in ("code", "reason") if name in kind.__slots__}
            given |= {name: value for name, value in said.items() if name in kind.__slots__}
        return kind(**given), lacks

    def _result(self, entry: JournalEntry) -> tuple[Any, str]:
        if entry.direction == "undo":
            return None, ""
        fact = self._walk.execution.gives(entry.step)
        if fact is None:
            return None, ""
        facts = self._record.state.facts
        return facts.get(fact), "" if fact in facts else f"the fact {fact} that {entry.step} gave is not kept"

    def _command(self, entry: JournalEntry, said: Mapping[str, Any]) -> tuple[Signal | None, str]:
        given = {"command_id": entry.command_id, "actor": entry.actor, "reason": entry.reason}
        request = self._record.requests.get(entry.command_id)
        if request is not None:
            return command_of(request, **given), ""
        kind = _COMMANDS.get(entry.kind)
        if kind is None:
            return None, "this version knows no such signal"
        step = {"step": entry.step} if entry.kind in TYPED else {}
        evidence = {"evidence": ""} if entry.kind == "MarkDoneRequested" else {}
        lacks = f"what {entry.actor} typed is not kept" if step and not evidence else ""
        return kind(**given, **step, **evidence, **said), lacks

    def _input(self, execution: Execution, perform: Perform) -> Input:
        """What the call was given, as it was sent."""
        if perform.call.message_type is None:
            return Input(value=execution.facts_for(perform.step, perform.call))
        sent = self._sent.get((perform.step, perform.direction, perform.attempt))
        if sent is None and perform.call.lane == "publish":  # every attempt has the first one's id
            sent = self._sent.get((perform.step, perform.direction, 1))
        value, lacks = read(sent, self._record.missing)
        return Input(sent.type if sent else perform.call.message_type, value, lacks)


def read(kept: StoredMessage | None, missing: str = "") -> tuple[Any, str]:
    """What a message says, and why that is not known."""
    if kept is None:
        return None, missing or "it is not in the event store"
    if kept.body is None:
        return None, f"its body of {kept.size} bytes was not kept"
    try:
        return from_json(kept.body), ""
    except ValueError:
        return None, f"its body is no JSON ({(kept.headers or {}).get('content-type') or 'unknown'})"


def _elapsed(entry: JournalEntry, said: Mapping[str, Any]) -> tuple[Signal | None, str]:
    if entry.step:
        direction: Any = entry.direction
        return Elapsed(limit_timer(entry.step, direction, entry.attempt)), ""
    if "timer" in said:
        return Elapsed(str(said["timer"])), ""
    return None, "an older version wrote it without the timer's name"


def _stand(state: State) -> Any:
    """Where an execution stands, as far as a journal tells it."""
    steps = {
        name: (step.phase, step.outcome, step.attempt, step.undo_attempt, step.order)
        for name, step in state.steps.items()
        if step.order or step.attempt or step.phase.value != "idle"
    }
    return steps, state.ended, state.completed, state.suspended
