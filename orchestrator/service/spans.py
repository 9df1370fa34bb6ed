"""Spans: what was done for an execution, one short piece of work each, and where it belongs in its trace.

An execution has one trace, and every process that works for it must name the same one without asking anybody. So ids
are derived: the trace's from the execution's id, an attempt's from step, direction and number. What a crash makes a
process tell twice is then the same span twice, and whoever reads takes it once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias
from urllib.parse import quote

from orchestrator.messages import short_hash
from orchestrator.service.attempts import NOT_BEGUN, end_of
from orchestrator.service.records import saga_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from orchestrator.messages import Envelope
    from orchestrator.service.journal import JournalEntry
    from orchestrator.service.records import Snapshot

Kind: TypeAlias = Literal["internal", "producer", "consumer"]
Operation: TypeAlias = Literal["send", "receive", "process"]
MS = 1_000_000
"""Nanoseconds in a millisecond."""
HALVES = 2**64
"""How many trace ids there are as far as the ratio is concerned: by W3C the last 8 bytes are the random ones."""


class AttemptId(NamedTuple):
    """One attempt of one call of an execution."""

    execution_id: str
    step: str
    direction: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """The message that a span is about.

    Attributes:
        operation: `send`, `receive` or `process`.
        destination: the exchange or queue. `routing_key`: with which it went there.
        size: of its body, bytes.
    """

    operation: Operation
    destination: str
    routing_key: str
    message_id: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of work that is over. It holds no payload and no text of an error: both may be nobody else's business.

    Attributes:
        began_ns, ended_ns: since the epoch.
        parent_id: empty = it is the root of its trace.
        link: W3C trace context of what led to it in another trace; empty = none.
        direction: `do` or `undo`; of what asks whether a `do` was done, `probe`; empty = of no step.
        outcome: `ok`, `rejected`, `unknown`; of an accepted event what the engine said.
        error: why it did not go well, in one word.
        revision: place in the journal; 0 = it is not in there. `ignored`: why the engine took no notice.
        rank: of several tellings of one attempt that with the greatest is true.
        actor: who gave the command.
    """

    name: str
    kind: Kind
    trace_id: str
    span_id: str
    execution_id: str
    correlation_id: str
    began_ns: int
    ended_ns: int
    parent_id: str = ""
    link: str = ""
    step: str = ""
    direction: str = ""
    attempt: int = 0
    outcome: str = ""
    error: str = ""
    revision: int = 0
    rank: int = 0
    ignored: str = ""
    actor: str = ""
    message: Passed | None = None

    @property
    def saga(self) -> str:
        """Whose execution it is."""
        return saga_of(self.execution_id)


class Tracer(Protocol):
    """Where spans go. Nothing here fails or holds anybody up: what cannot be kept is counted and dropped."""

    @property
    def dropped(self) -> int:
        """Spans that were not kept, so far."""
        ...

    def give(self, span: Span) -> None:
        """Take a span; it is written a little later."""
        ...

    async def store(self, spans: Sequence[Span]) -> None:
        """Take spans; those of a file are in it when this returns, and survive the end of this process."""
        ...

    def current(self, traceparent: str, baggage: str) -> AbstractContextManager[None]:
        """While the block runs, spans that other libraries make belong to this one."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """The trace of one execution. `is_kept`: whether its spans are written."""

    trace_id: str
    is_kept: bool

    @property
    def root(self) -> str:
        """Id of the span from which all others hang: the acceptance of the trigger."""
        return self.named("root")

    def attempt(self, one: AttemptId) -> str:
        """Id of an attempt's span."""
        return self.named("attempt", one.step, one.direction, str(one.number))

    def named(self, *parts: str) -> str:
        """Id of a span that whoever speaks of it can name."""
        return short_hash(self.trace_id, *parts)[:16]

    def traceparent(self, span_id: str) -> str:
        """W3C trace context of one of its spans."""
        return f"00-{self.trace_id}-{span_id}-{'01' if self.is_kept else '00'}"


@dataclass(frozen=True, slots=True)
class Traces:
    """Where executions have their traces.

    Args:
        home: tells installations apart that send spans to one place, and use the same execution ids.
        ratio: so many of all executions are kept, 0 to 1; the same ones wherever this is asked.
    """

    home: str
    ratio: float = 1.0

    def of(self, execution_id: str) -> Place:
        """The trace of an execution."""
        trace_id = short_hash("trace", self.home, execution_id)
        return Place(trace_id, int(trace_id[16:], 16) < round(self.ratio * HALVES))


def baggage_of(execution_id: str, correlation_id: str) -> str:
    """What travels as W3C baggage: two ids and nothing else, whatever came in."""
    return f"saga.id={quote(execution_id, safe=':')},correlation.id={quote(correlation_id, safe=':')}"


def passed(operation: Operation, destination: str, envelope: Envelope) -> Passed:
    """A message as it passes."""
    return Passed(
        operation=operation,
        destination=destination,
        routing_key=envelope.type,
        message_id=envelope.id,
        size=len(envelope.body),
    )


def span_of(place: Place, one: AttemptId, correlation_id: str, **said: Any) -> Span:
    """A span in the trace of an execution, about one attempt of it; an empty one is about none."""
    return Span(
        trace_id=place.trace_id,
        execution_id=one.execution_id,
        correlation_id=correlation_id,
        step=one.step,
        direction=one.direction,
        attempt=one.number,
        **said,
    )


def told_of(entry: JournalEntry, snapshot: Snapshot, place: Place) -> Span | None:
    """The span of a journal entry: of an attempt that was begun, or of a person's command. None: it is of neither."""
    execution_id = snapshot.execution_id
    outcome = end_of(entry)
    one = AttemptId(execution_id, entry.step, entry.direction, entry.attempt)
    if entry.command_id:
        said = _of_command(entry, place)
    elif outcome and outcome != NOT_BEGUN:
        error = "" if outcome == "ok" else entry.code or ("timeout" if entry.kind == "Elapsed" else "failed")
        name = f"{entry.direction} {entry.step}"
        said = {"name": name, "span_id": place.attempt(one), "outcome": outcome, "error": error}
    else:
        return None
    at_ns = entry.at_ms * MS
    return span_of(
        place,
        one,
        snapshot.correlation_id,
        kind="internal",
        parent_id=place.root,
        began_ns=at_ns,
        ended_ns=at_ns,
        revision=entry.revision,
        rank=snapshot.position.rank,
        ignored=entry.ignored,
        **said,
    )


def command_of(entry: JournalEntry) -> str:
    """What a person commanded, in one word."""
    return entry.kind.removesuffix("Requested").lower()


def _of_command(entry: JournalEntry, place: Place) -> dict[str, str]:
    return {
        "name": f"operator {command_of(entry)}",
        "span_id": place.named("command", entry.command_id),
        "outcome": "refused" if entry.ignored else "ok",
        "actor": entry.actor,
    }
