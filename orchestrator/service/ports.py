"""What this package needs of the world behind it: ports, implemented by the adapters and wired in `workers`."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Collection, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from orchestrator.contracts.protocol import Reply
    from orchestrator.messages import Envelope
    from orchestrator.saga.plan import Plan
    from orchestrator.service.journal import JournalEntry
    from orchestrator.service.letters import MessagePlace
    from orchestrator.service.records import (
        Count,
        Cursor,
        Detail,
        Filter,
        Freshness,
        MessageRecord,
        OpenRow,
        Page,
        Snapshot,
        Status,
    )
    from orchestrator.service.runs import RunSeen
    from orchestrator.stored import Way


class Delivery(Enum):
    """What became of a message that was handed to an execution. Each is durable when it is returned.

    STARTED: a new execution began with it.
    ACCEPTED: a running execution took it (it decides itself whether it is a duplicate).
    DUPLICATE: an execution that has ended took it before, or began with the same content: nothing to do.
    CONFLICT: an execution that has ended took a message with this source and id before, with other content.
    ENDED: the execution has ended and never saw it; nothing was delivered.
    MISSING: there is no such execution.
    HELD: there is none, and starts of its saga are held: nothing was done, it comes again.
    """

    STARTED = "started"
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    ENDED = "ended"
    MISSING = "missing"
    HELD = "held"


class Executions(Protocol):
    """Running executions, as the relay sees them. Implemented over Temporal.

    Every method raises `EngineUnavailableError` when the engine cannot be reached now; the caller then pauses. What is
    handed over raises `MessageError` if the engine can never take it, another error of ours if nobody can tell.
    """

    async def start(self, plan: Plan, execution_id: str, trigger: Envelope, payload: Any) -> Delivery:
        """Start an execution, or hand the trigger to the one that runs. STARTED, or as `deliver` but MISSING."""
        ...

    async def deliver(self, execution_id: str, event: Envelope, payload: Any) -> Delivery:
        """Hand an event to a running execution. ACCEPTED, DUPLICATE, CONFLICT, ENDED or MISSING."""
        ...

    async def answer(self, reply: Reply) -> Delivery:
        """Hand a late reply to the workflow it names. ACCEPTED, ENDED or MISSING."""
        ...

    async def is_available(self) -> bool:
        """Whether the engine answers."""
        ...


class Courier(Protocol):
    """Carries messages of executions to the broker, and replies back to whoever waits for them in this process."""

    @property
    def reply_to(self) -> str:
        """Where participants send replies that somebody in this process waits for."""
        ...

    async def send(self, command: Envelope) -> None:
        """Hand a command to its participant's queue; it is stored when this returns.

        Raises:
            PublishError: it was not accepted, or nobody knows.
        """
        ...

    async def publish(self, event: Envelope) -> None:
        """Publish an event; it is stored when this returns. Nobody need be listening.

        Raises:
            PublishError: it was not accepted, or nobody knows.
        """
        ...

    async def park(self, event: Envelope, *, code: str, reason: str) -> None:
        """Put a message that an execution cannot use into parking.

        Raises:
            PublishError: it was not accepted, or nobody knows.
        """
        ...

    def expect(self, command_id: str) -> AbstractContextManager[asyncio.Future[Reply]]:
        """A future for the reply to a command; several may wait for the same one."""
        ...


class LedgerWriter(Protocol):
    """Where the state of executions is written to be read by people. Every method raises `StoreUnavailableError`."""

    async def write(self, snapshots: Sequence[Snapshot], messages: Sequence[MessageRecord] = ()) -> int:
        """Store all of it in one transaction; how many snapshots were newer than what was there.

        An older snapshot changes nothing but the journal; a confirmed row is final for its run (express.md, 15).
        """
        ...

    async def mark_stale(self, since: datetime, until: datetime) -> None:
        """Changes between these may be missing, until `reconciled` is called for a pass that began behind all such."""
        ...


class LedgerReader(Protocol):
    """The state of executions as people ask for it. Every method raises `StoreUnavailableError`."""

    async def page(self, wanted: Filter, *, after: Cursor | None = None, limit: int = 50) -> Page:
        """Executions, the newest change first."""
        ...

    async def counts(self, wanted: Sequence[Filter], *, cap: int = 10_000) -> tuple[Count, ...]:
        """How many there are of each (of one at least), at one moment; counting stops at `cap` for each."""
        ...

    async def find(self, execution_id: str) -> Detail | None:
        """One execution with its steps, its plan and its state."""
        ...

    async def journal(self, execution_id: str) -> tuple[JournalEntry, ...]:
        """What it was told, in order; attempts and operator commands among it."""
        ...

    async def messages(
        self, execution_id: str, *, before: MessagePlace | None = None, limit: int = 200, bodies: bool = False
    ) -> tuple[MessageRecord, ...]:
        """Its messages, the newest first; `before`: the place of the last one of the page before."""
        ...

    async def message(self, execution_id: str, message_id: str, direction: Way) -> MessageRecord | None:
        """One of them, with its body."""
        ...

    async def freshness(self) -> Freshness:
        """Whether changes may be missing, and when everything was last compared with Temporal."""
        ...


class LedgerKeeper(Protocol):
    """What the reconciler needs beside writing. Every method raises `StoreUnavailableError`."""

    async def open_rows(self, *, after: str = "", limit: int = 500) -> Sequence[OpenRow]:
        """Rows in flight or with an unconfirmed end, by execution id, beginning behind `after`."""
        ...

    async def confirmed_among(self, runs: Collection[str]) -> set[str]:
        """Those of these run ids whose end is confirmed."""
        ...

    async def known_among(self, runs: Collection[str]) -> set[str]:
        """Those of these run ids that a row shows."""
        ...

    async def plan(self, content_hash: str) -> Plan | None:
        """A plan that some execution ran by."""
        ...

    async def mark(self, name: str) -> int:
        """A number kept under a name; 0 if there is none."""
        ...

    async def claim(self, name: str, *, now: datetime, until: datetime) -> bool:
        """Take a turn that nobody else has; it is over at `until`. False: somebody has it."""
        ...

    async def set_mark(self, name: str, value: int) -> None:
        """Keep a number under a name."""
        ...

    async def reconciled(self, began: datetime) -> None:
        """A pass over everything is complete: what was missing before it began is there."""
        ...

    async def forget(
        self, statuses: Sequence[Status], *, ended_before: datetime, now: datetime, limit: int = 500
    ) -> int:
        """Remove executions that ended before a time, with their steps, journal and messages; how many.

        Never one that can still be undone by hand, that needs a person, or whose end is not confirmed.
        """
        ...


class Survey(Protocol):
    """The engine's own record of executions. Every method raises `EngineUnavailableError`."""

    def open_runs(self) -> AsyncIterator[RunSeen]:
        """All runs that go on; a change is seen here up to a few seconds late."""
        ...

    def closed_runs(self, since: datetime) -> AsyncIterator[RunSeen]:
        """All runs that ended at or after a time."""
        ...

    async def run(self, workflow_id: str) -> RunSeen | None:
        """The latest run of a workflow; None if it was deleted or forgotten."""
        ...

    async def is_current(self, row: OpenRow) -> bool:
        """Whether a row shows the last change that was recorded."""
        ...

    async def look(self, seen: RunSeen, plan: Plan | None) -> Snapshot | None:
        """The state at the last recorded change; confirmed, if the run has ended. None: nobody can tell now.

        `plan`: that of `seen.plan_hash`, if it is known; else it is fetched too.
        """
        ...

    async def journal(self, seen: RunSeen) -> tuple[JournalEntry, ...]:
        """What a run was told, read anew; costs as much as performing its decisions again. Empty: it is forgotten."""
        ...
