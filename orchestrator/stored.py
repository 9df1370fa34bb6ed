"""A message of the event store: what was once sent or taken, as it was recorded. Projections fold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from pydantic_core import from_json

Kind: TypeAlias = Literal["event", "command", "reply"]
Way: TypeAlias = Literal["in", "out"]
Contents: TypeAlias = Literal["none", "headers", "all"]
"""What is read of each message beside what it is: nothing, headers, or headers and body, which may have megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """One message; times are epoch milliseconds.

    Attributes:
        number: its place in the store, in the order of arrival; 0 = not stored yet.
        identity: hash of (source, id), by which it is stored once. `body_hash`: of type and body.
        source, message_id, type: as CloudEvents has them. `version`: of the type; the body is as it was sent.
        kind: event, command or reply. `way`: taken by sagas, or sent by them.
        execution_id: whose message it is; empty where the message does not say: an event that starts a saga.
        step, call, attempt: which call of the saga; empty for events.
        outcome: of a reply: completed, rejected or failed.
        correlation_id, causation_id: of the business case; of the message that led to this one.
        sequence: its place in its source's order, if the source says so.
        at_ms: when its sender made it. `stored_ms`: when it was recorded.
        exchange, routing_key: where it was published.
        size: of the body, bytes.
        headers: all of them, as text; None = not shown to whoever asked.
        body: None = not shown to whoever asked, or not kept since it is too large.
    """

    number: int = 0
    identity: str
    body_hash: str = ""
    source: str
    message_id: str
    type: str
    version: int = 1
    kind: Kind
    way: Way
    execution_id: str = ""
    step: str = ""
    call: str = ""
    attempt: int = 0
    outcome: str = ""
    correlation_id: str = ""
    causation_id: str = ""
    sequence: str = ""
    at_ms: int
    stored_ms: int = 0
    exchange: str = ""
    routing_key: str = ""
    size: int = 0
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)

    @property
    def saga(self) -> str:
        """The saga whose message it is; empty where it does not say."""
        return self.execution_id.partition(":")[0]

    @property
    def payload(self) -> Any:
        """The body as JSON values.

        Raises:
            ValueError: it was not kept, or is no JSON.
        """
        if self.body is None:
            raise ValueError(f"the body of {self.type} {self.message_id!r} was not kept")
        return from_json(self.body)

    def with_only(self, contents: Contents) -> StoredMessage:
        """The same with no more of its contents than these."""
        headers, body = (None if contents == "none" else self.headers), (self.body if contents == "all" else None)
        return replace(self, headers=headers, body=body)

    @property
    def place(self) -> int | None:
        """Its sequence as a number, by which gaps are found; None if it is none."""
        is_number = self.sequence.isascii() and self.sequence.isdigit() and len(self.sequence) <= MAX_DIGITS
        return int(self.sequence) if is_number else None


MAX_DIGITS = 18
"""Longest sequence that is counted; databases have no longer whole number."""
