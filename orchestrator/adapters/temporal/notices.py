"""What executions tell people: announcements, and events that they cannot use, on their way to parking."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic_core import to_json

from orchestrator.adapters.temporal.performing import SOURCE
from orchestrator.contracts.protocol import EXECUTION
from orchestrator.messages import Envelope, short_hash

if TYPE_CHECKING:
    from orchestrator.adapters.temporal.given import Notice

LATE = "declare on_completed='ignore' if that is expected, else ignore this one"
REMEDIES = {
    "same-id-other-content": "send it with a new id, or ignore it",
    "second-start": "send it with a key of its own, or ignore it",
    "unwanted": "check its type and key, or ignore it",
    "ended": LATE,
    "held-at-end": LATE,
    "no-room": "send it again without the large part, or ignore it",
}
"""What a person can do, by the code under which an execution parks an event."""


def announcement(notice: Notice) -> Envelope:
    """An event about an execution. The same notice again has the same id."""
    thread = notice.thread
    return Envelope(
        id=short_hash(notice.execution_id, notice.type, notice.identity),
        source=f"{SOURCE}/{notice.execution_id.partition(':')[0]}",
        type=notice.type,
        body=to_json(notice.body),
        time=datetime.now(UTC),
        correlation_id=thread.correlation_id,
        causation_id=notice.identity,
        traceparent=thread.traceparent,
        tracestate=thread.tracestate,
        headers={EXECUTION: notice.execution_id},
    )


def refused_event(notice: Notice) -> tuple[Envelope, str, str]:
    """An event that an execution cannot use, under its sender's id and source; then code and text for people.

    Its body is the event as the saga knows it: fields that the contract does not have are not kept.
    """
    code, _, reason = notice.reason.partition(": ")
    envelope = announcement(notice)
    if notice.source:
        envelope = replace(
            envelope,
            id=notice.identity,
            source=notice.source,
            sequence=notice.sequence,
            version=notice.version,
            causation_id="",
        )
    told = f"execution {notice.execution_id!r} cannot use message {notice.identity!r}: {reason}"
    return envelope, code, ": ".join(filter(None, (told, REMEDIES.get(code, ""))))
