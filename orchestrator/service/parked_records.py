"""Parked messages as values: what comes out of the parking queue, what the ledger keeps of it, what is asked for.

Times are epoch milliseconds, as in the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from orchestrator.service.records import milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

UNWATCHED_MS = 60_000
"""A recorder says every few seconds that it is at work: after so long there is none, or it cannot reach the ledger."""
JSON: TypeAlias = Any
ParkedState: TypeAlias = Literal["parked", "redriving", "redriven", "discarded"]
"""Parked (waits for a person), redriving (to be sent, or sent and not noted yet), redriven, discarded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A message as it travels.

    Attributes:
        headers: what JSON has no word for is tagged, as `{"$bytes": ...}`.
        properties: the other AMQP properties that travel on, as text.
    """

    body: bytes = field(repr=False)
    headers: Mapping[str, JSON] = field(default_factory=dict[str, JSON])
    properties: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a message was parked: the queue that it came from, and how it had been published."""

    queue: str = ""
    exchange: str = ""
    routing_key: str = ""

    @property
    def is_known(self) -> bool:
        """Whether it can be sent back at all."""
        return bool(self.queue or self.exchange)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What a message says of itself, as far as that can be read; the rest is empty.

    `execution`: the one that a command or a reply names. `version`: of its type; 0 = it cannot be read.
    """

    id: str = ""
    source: str = ""
    type: str = ""
    correlation_id: str = ""
    execution: str = ""
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedCopy:
    """One message of the parking queue.

    Attributes:
        home: the queue whose consumer takes it; events that nobody was bound for are the relay's.
        reason: a stable word, as `wrong-schema`. `text`: the same for people.
        candidates: executions for which it might have been meant.
    """

    content: Content
    attributes: Attributes
    origin: Origin
    home: str
    reason: str
    text: str
    at_ms: int
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A copy, recognised.

    Attributes:
        id: the same for every copy of one message. `copy_hash`: the same only for this copy, handed over again.
        fingerprint: the same for messages that were parked for one cause.
        saga: the one that all its executions are of, empty if none or several are named.
    """

    copy: ParkedCopy
    id: str
    copy_hash: str
    fingerprint: str
    saga: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedMessage:
    """A row: one message, however often it was parked.

    Attributes:
        number: its place in its group; later ones are higher.
        seen: how often it was parked, copies by the same publisher included. `redrives`: how often it was redriven.
        first_ms, parked_ms: when it was parked first and last.
        revision: raised by whatever changes it.
        decided_ms, decided_by: when and by whom it was last redriven, discarded, restored or edited.
        problem: why the last redrive did not get through, empty if it did.
        action: the last action that took it.
    """

    id: str
    fingerprint: str
    number: int
    state: ParkedState
    reason: str
    text: str
    type: str
    saga: str
    message_id: str
    source: str
    correlation_id: str
    origin: Origin
    home: str
    candidates: tuple[str, ...]
    size: int
    seen: int
    redrives: int
    first_ms: int
    parked_ms: int
    revision: int
    is_edited: bool = False
    decided_ms: int | None = None
    decided_by: str = ""
    problem: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedGroup:
    """Messages that were parked for one cause.

    Attributes:
        waiting: how many wait for a person. `total`: copies that ever came.
        oldest_ms: when the oldest that waits was parked, None if none does.
        last_number: the highest number in it: an action that names it covers nothing that comes later.
        reopened: how often it came again after everything in it had been decided; `reopened_ms`: when last.
    """

    fingerprint: str
    reason: str
    text: str
    type: str
    queue: str
    saga: str
    waiting: int
    total: int
    first_ms: int
    last_ms: int
    last_number: int
    oldest_ms: int | None = None
    reopened: int = 0
    reopened_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedFilter:
    """Which messages are wanted; an empty field asks for nothing.

    `up_to`: no further than this number of their group. `sagas`: of these only; None = of any, or of none.
    """

    states: tuple[ParkedState, ...] = ()
    fingerprint: str = ""
    reason: str = ""
    type: str = ""
    queue: str = ""
    message_id: str = ""
    correlation_id: str = ""
    up_to: int = 0
    sagas: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFilter:
    """Which groups are wanted; `waiting_only`: those in which something waits for a person."""

    waiting_only: bool = True
    reason: str = ""
    type: str = ""
    queue: str = ""
    sagas: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of messages or groups ended: the newest comes first."""

    at_ms: int
    id: str


@dataclass(frozen=True, slots=True)
class ParkedPage:
    """One page of messages; `following` is None at the end."""

    messages: tuple[ParkedMessage, ...]
    following: Place | None


@dataclass(frozen=True, slots=True)
class GroupPage:
    """One page of groups."""

    groups: tuple[ParkedGroup, ...]
    following: Place | None


@dataclass(frozen=True, slots=True)
class Contents:
    """A message as it came, and as it was edited last; None = it was not."""

    original: Content
    edited: Content | None = None

    @property
    def outgoing(self) -> Content:
        """What a redrive sends."""
        return self.edited or self.original


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedOverview:
    """Parked messages in one look.

    Attributes:
        waiting, groups: messages that wait for a person, and the groups they are in.
        oldest_ms: when the oldest of them was parked.
        inflow: copies that were stored in the last hour.
        recorded_ms: when a recorder was last at work; None = never.
    """

    waiting: int
    groups: int
    oldest_ms: int | None
    inflow: int
    recorded_ms: int | None

    def is_watched(self, now: datetime) -> bool:
        """Whether a recorder is at work, so that what is parked now is seen here."""
        return self.recorded_ms is not None and milliseconds(now) - self.recorded_ms <= UNWATCHED_MS
