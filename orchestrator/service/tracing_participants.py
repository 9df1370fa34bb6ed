"""What a participant does with a command, as a span: it continues the execution's trace, whoever sent the command."""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.contracts.protocol import CODE, OUTCOME
from orchestrator.messages import is_traceparent, new_traceparent
from orchestrator.service.spans import Place, baggage_of, passed, span_of
from orchestrator.service.tracing import REPLIED, act_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from orchestrator.messages import Envelope
    from orchestrator.service.tracing import Tracing


@dataclass(slots=True)
class Handling:
    """A command in hand. `command`: it, with our span as its trace, so that what follows from it belongs there."""

    command: Envelope
    outcome: str = "unknown"
    error: str = "refused"

    def answered(self, reply: Envelope) -> None:
        """It came to this reply. Unless this is said, it was turned away."""
        said = reply.headers.get(OUTCOME, "")
        self.outcome = REPLIED.get(said, "unknown")
        self.error = "" if self.outcome == "ok" else reply.headers.get(CODE, "") or "failed"


@contextmanager
def handling(tracing: Tracing | None, command: Envelope, queue: str) -> Generator[Handling]:
    """Around the handling of a command. What the handler's own libraries trace becomes part of it."""
    if tracing is None:
        yield Handling(command)
        return
    came = _Came(command.traceparent if is_traceparent(command.traceparent) else new_traceparent())
    held, one, began = Handling(replace(command, traceparent=came.own)), act_of(command), time.time_ns()
    try:
        with tracing.tracer.current(came.own, baggage_of(one.execution_id, command.correlation_id)):
            yield held
    finally:
        if came.is_kept:
            span = span_of(
                came.place,
                one,
                command.correlation_id,
                name=f"process {queue}",
                kind="consumer",
                span_id=came.span_id,
                parent_id=came.parent_id,
                began_ns=began,
                ended_ns=time.time_ns(),
                outcome=held.outcome,
                error=held.error,
                message=passed("process", queue, command),
            )
            tracing.tracer.give(span)


class _Came:
    """The trace that came with a command, and our span in it."""

    def __init__(self, traceparent: str) -> None:
        _, trace_id, self.parent_id, flags = traceparent.split("-")
        # Parent-based: whoever began the trace has decided.
        self.is_kept = bool(int(flags, 16) & 1)
        self.place = Place(trace_id, self.is_kept)
        self.span_id = secrets.token_hex(8)
        self.own = f"00-{trace_id}-{self.span_id}-{flags}"
