"""Executions that were lived through by hand, and what the ledger and the event store would have of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from orchestrator.engine.execution import Execution
from orchestrator.engine.signals import Arrived, Elapsed, Failed, ReceivedEvent, Refused, Started, Succeeded
from orchestrator.messages import short_hash
from orchestrator.service.differing import Comparison, compare
from orchestrator.service.journal import JournalEntry
from orchestrator.service.recalling import Record, recall
from orchestrator.service.snapshots import entry_of
from orchestrator.testing.rerun import built, rerun
from orchestrator.testing.walking import Input, Walk
from tests.event_kit import T0, stored

if TYPE_CHECKING:
    from orchestrator.engine.effects import Perform
    from orchestrator.engine.signals import Signal
    from orchestrator.messages import Event
    from orchestrator.saga.definition import Saga
    from orchestrator.stored import StoredMessage

_journal = TypeAdapter(tuple[JournalEntry, ...])


@dataclass
class Lived:
    """One execution; each signal is a second after the one before.

    Attributes:
        messages: as the event store has them. `typed`: what people asked, by command id.
    """

    saga: Saga
    key: str = "A17"
    messages: list[StoredMessage] = field(default_factory=list)
    typed: dict[str, Any] = field(default_factory=dict)
    journal: list[JournalEntry] = field(default_factory=list)
    now_ms: int = T0
    number: int = 0

    def __post_init__(self) -> None:
        self.walk = Walk.of(self.saga.plan, f"{self.saga.name}:{self.key}", self._sent)

    def starts(self, event: Event) -> Lived:
        return self.told(Started(self._taken(event)))

    def happens(self, event: Event) -> Lived:
        return self.told(Arrived(self._taken(event)))

    def replies(self, step: str, answer: Any = None, *, direction: Any = "do", attempt: int = 1) -> Lived:
        result = None if answer is None else answer.model_dump(mode="json")
        return self.told(Succeeded(step=step, direction=direction, attempt=attempt, result=result))

    def rejects(self, step: str, code: str = "rejected", **more: Any) -> Lived:
        return self.told(Refused(step=step, code=code, reason="no", **more))

    def fails(self, step: str, **more: Any) -> Lived:
        return self.told(Failed(step=step, reason="broken", **more))

    def rings(self, timer: str) -> Lived:
        self.now_ms = max(self.now_ms, self.walk.timers[timer].due_ms)
        return self.told(Elapsed(timer))

    def told(self, signal: Signal) -> Lived:
        self.now_ms += 1_000
        self.walk.tell(signal, self.now_ms)
        entry = self.walk.execution.journal[-1]
        self.journal.append(entry_of(entry.revision, self.now_ms, entry.signal, entry.ignored))
        return self

    @property
    def record(self) -> Record:
        """As it is read back from the database."""
        execution = self.walk.execution
        state = Execution.restore(execution.plan, from_json(to_json(execution.dump()))).state
        journal = _journal.validate_json(_journal.dump_json(tuple(self.journal), exclude_defaults=True))
        return Record(
            plan=execution.plan, state=state, journal=journal, messages=self.messages, requests=dict(self.typed)
        )

    def _taken(self, event: Event) -> ReceivedEvent:
        self.number += 1
        body = event.model_dump_json().encode()
        message = stored(
            self.number, kind="event", way="in", type=event.message_type, body=body, step="", call="", execution_id=""
        )
        self.messages.append(message)
        return ReceivedEvent(
            identity=message.identity,
            body_hash=short_hash(event.message_type, body.decode()),
            type=event.message_type,
            payload=event.model_dump(mode="json"),
            message_id=message.message_id,
            source=message.source,
        )

    def _sent(self, execution: Execution, perform: Perform) -> Input:
        facts = execution.facts_for(perform.step, perform.call)
        if perform.call.message_type is None:
            return Input(value=facts)
        given = built(self.saga.handlers[perform.call.handler], facts)
        self.number += 1
        kind = "event" if perform.call.lane == "publish" else "command"
        self.messages.append(
            stored(
                self.number,
                kind=kind,
                type=given.type,
                body=to_json(given.value),
                execution_id=execution.state.execution_id,
                step=perform.step,
                call=perform.direction,
                attempt=perform.attempt,
            )
        )
        return given


def compared(lived: Lived, today: Saga, **changes: Any) -> Comparison:
    """How far `today` would go the way that was lived."""
    recalled = recall(replace(lived.record, **changes))
    return compare(recalled, rerun(today, lived.record.state.execution_id, recalled.told, recalled.walk.lengths))
