"""What the ledger keeps of executions, as values: what is written, what is asked, what is read.

Times are epoch milliseconds where they are written, `datetime` in UTC where people read them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from orchestrator.engine.execution import Execution
    from orchestrator.saga.plan import Plan
    from orchestrator.service.journal import JournalEntry
    from orchestrator.service.letters import MessagePlace
    from orchestrator.stored import Way

Status: TypeAlias = Literal[
    "running",
    "suspended",
    "parked",
    "compensating",
    "stuck",
    "completed",
    "compensated",
    "partially_compensated",
    "aborted",
    "terminated",
]
"""The word of lists; `terminated` = ended from outside, offered for undo."""
IN_FLIGHT: tuple[Status, ...] = ("running", "suspended", "parked", "compensating", "stuck")
Gone: TypeAlias = Literal["", "terminated", "timed_out", "failed", "canceled", "deleted"]
"""How an execution ended from outside; empty = it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where in an execution's history a snapshot was taken. Later ones win (express.md, 15).

    Attributes:
        run_id, run_ms: the Temporal run and when it began: a continued or linked run begins later than the one before.
        history: history length of the activation. A lost attempt and its repeat differ in it, where revision may lie.
        revision: signals received.
    """

    run_id: str
    run_ms: int
    history: int
    revision: int

    @property
    def rank(self) -> int:
        """One number that orders the tellings of one execution: the later run, then the longer history, is true."""
        return (self.run_ms << 20) + self.history


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """An execution at one position. The engine's `execution` in it is a copy that nobody changes.

    Attributes:
        workflow_id: the Temporal workflow; differs from the execution's id in a linked undo run.
        journal: what happened since the last snapshot that was handed over.
        confirmed: Temporal has recorded this end; such a row is final for its run.
        gone: how it was ended from outside. `ended_ms`: when it ended, if Temporal says so.
        plan_hash: the plan's content hash, which the plan itself would have to compute anew for each execution.
    """

    execution: Execution
    position: Position
    workflow_id: str
    correlation_id: str
    started_ms: int
    changed_ms: int
    plan_hash: str
    journal: tuple[JournalEntry, ...] = ()
    confirmed: bool = False
    gone: Gone = ""
    ended_ms: int | None = None

    @property
    def execution_id(self) -> str:
        """The original id, for ever."""
        return self.execution.state.execution_id

    @property
    def plan(self) -> Plan:
        """The plan it runs by."""
        return self.execution.plan

    @property
    def told(self) -> tuple[JournalEntry, ...]:
        """Its journal without what a lost attempt told and its repeat replaced: the last line of each revision is true.

        What lies behind the snapshot's own revision never happened.
        """
        lines = {entry.revision: entry for entry in self.journal if entry.revision <= self.position.revision}
        return tuple(entry for _, entry in sorted(lines.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRecord:
    """A message that an execution sent or took. The same one recorded again is one row.

    Attributes:
        direction: `in` or `out`, as the execution sees it. `kind`: event, command or reply.
        step, call, attempt: which call it belongs to; `call` is do, undo or probe.
        outcome: what a reply says.
    """

    execution_id: str
    message_id: str
    direction: Way
    kind: Literal["event", "command", "reply"]
    type: str
    at_ms: int
    correlation_id: str = ""
    causation_id: str = ""
    step: str = ""
    call: str = ""
    attempt: int = 0
    outcome: str = ""
    size: int = 0
    body: bytes | None = field(default=None, repr=False)

    @property
    def place(self) -> MessagePlace:
        """Where it stands among the messages of its execution."""
        return self.at_ms, self.message_id, self.direction


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRow:
    """One line of a list.

    Attributes:
        current_step: the step that began last and has not settled. `failed_step`: the one that needs a person, or that
            turned the execution back; `error` is what it said, `fingerprint` the same for errors of one kind.
        confirmed: its end is recorded by Temporal. `gone`: how it was ended from outside.
        window_ends: until when it may be undone by hand; None while it has not ended.
    """

    execution_id: str
    saga: str
    version: int
    plan: str
    status: Status
    forward: str
    undo: str
    correlation_id: str
    business_key: str
    workflow_id: str
    run_id: str
    run_ms: int
    history: int
    revision: int
    current_step: str
    failed_step: str
    fingerprint: str
    error: str
    abort_reason: str
    confirmed: bool
    gone: Gone
    started: datetime
    changed: datetime
    ended: datetime | None
    window_ends: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """Where one step stands. `begun`: its place in the order of begins, 0 = not begun."""

    step: str
    phase: str
    outcome: str
    attempt: int = 0
    undo_attempt: int = 0
    begun: int = 0
    error: str = ""
    undo_error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One execution with its steps and its state, read at one moment."""

    row: ExecutionRow
    steps: tuple[StepRow, ...]
    plan: Plan | None
    state: State = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which executions are wanted; an empty field asks for nothing. All that is said must be true."""

    statuses: tuple[Status, ...] = ()
    saga: str = ""
    sagas: tuple[str, ...] = ()
    """Any of these; beside `saga`, both must be true."""
    version: int | None = None
    correlation_id: str = ""
    business_key: str = ""
    current_step: str = ""
    failed_step: str = ""
    fingerprint: str = ""
    changed_after: datetime | None = None
    changed_before: datetime | None = None
    text: str = ""
    """How a business key begins, or an execution id (`saga:` and more); or a whole correlation id."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: the newest change comes first."""

    changed_ms: int
    execution_id: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `following` is None at the end."""

    rows: tuple[ExecutionRow, ...]
    following: Cursor | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are, counted up to a cap."""

    number: int
    is_capped: bool


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far the ledger can be trusted.

    Attributes:
        stale_since: since then changes may be missing, until the reconciler has been through; None = nothing is known
            to be missing.
        reconciled: when the reconciler last went through everything.
    """

    stale_since: datetime | None
    reconciled: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRow:
    """What the reconciler compares with Temporal: a row that is in flight, or whose end is not confirmed."""

    execution_id: str
    workflow_id: str
    run_id: str
    run_ms: int
    history: int
    revision: int
    changed_ms: int
    has_ended: bool


def saga_of(execution_id: str) -> str:
    """The saga that an execution is one of: what stands before the first colon."""
    return execution_id.partition(":")[0]


def place(snapshot: Snapshot) -> tuple[int, bool, int, int]:
    """By what the snapshots of one execution are ordered (express.md, 15)."""
    position = snapshot.position
    return position.run_ms, snapshot.confirmed, position.history, position.revision


def moment(milliseconds: int) -> datetime:
    """A point in time for people."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def milliseconds(moment: datetime) -> int:
    """A point in time as it is stored."""
    return round(moment.timestamp() * 1000)


State: TypeAlias = Any
"""What `Execution.dump` gives: facts included, so reading it is a right of its own."""
