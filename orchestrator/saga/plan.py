"""The plan: a saga compiled to plain data. It travels in the input of each execution, so editing a saga breaks none.

A plan is a tree. Leaves are steps, waits and sleeps; inner nodes say how their children follow each other. Code that
reads a plan goes through `leaves` and `engine.topology`, never over a flat list: choices, loops, maps, child sagas and
scopes are further inner nodes, and a leaf inside a loop or a map stands for several rounds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

FORMAT = 1
"""The plan format written today. The interpreter branches on the number it finds, never on the code's age."""

JSON: TypeAlias = Any
"""A value that JSON can carry."""

Lane: TypeAlias = Literal["command", "publish", "brief", "durable"]
"""How a call is carried out: the first three ride the express lane, unless they are the pivot."""


class Part(BaseModel):
    """Base of all parts of a plan: frozen, and strict about what it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RetryPlan(Part):
    """How often and when an attempt is made again.

    Attributes:
        attempts: attempts in all, the first included; None = no limit.
        first_delay_ms: pause before attempt 2, milliseconds.
        backoff: factor by which each further pause grows.
        max_delay_ms: no pause is longer, milliseconds.
    """

    attempts: int | None = 3
    first_delay_ms: int = 1_000
    backoff: float = 2.0
    max_delay_ms: int = 60_000

    def delay_ms(self, attempt: int) -> int:
        """Pause before `attempt`, milliseconds; the first attempt is 1 and does not wait."""
        if attempt <= 1:
            return 0
        grown = self.first_delay_ms * self.backoff ** min(attempt - 2, 64)
        return int(min(grown, self.max_delay_ms))

    def allows(self, attempt: int) -> bool:
        """Whether `attempt` may be made."""
        return self.attempts is None or attempt <= self.attempts


NO_UNDO_RETRY = RetryPlan(attempts=5)
"""What stands for the policy of a step that has no undo; format 1 leaves it out."""


class Need(Part):
    """A fact that a function takes by parameter name; `optional` ones are None while they are not known."""

    fact: str
    optional: bool = False


class CallPlan(Part):
    """One function of the author, and how it is carried out.

    Attributes:
        lane: see `Lane`.
        handler: name under which workers register the function, as `fulfil-order.reserve_stock@1`.
        needs: facts it takes.
        gives: name of the fact that its result or reply becomes, None if nothing.
        message_type: type of the command or event it builds, None for actions.
        participant: who handles the command, None otherwise.
    """

    lane: Lane
    handler: str
    needs: tuple[Need, ...] = ()
    gives: str | None = None
    message_type: str | None = None
    participant: str | None = None


class StepPlan(Part):
    """One step: what to do and, maybe, what undoes it.

    Attributes:
        id: unique in the plan.
        do: the forward call.
        undo: the call that undoes it; None with `no_undo`, and at and after the pivot.
        no_undo: why nothing is to be undone.
        phase: before, at, or after the point of no return.
        within_ms: limit of one attempt (a command's resends are one attempt), milliseconds.
        retry: policy of the forward call. `undo_retry`: policy of the undo, never without a limit.
        probe: a call that finds out what an unknown attempt did.
        after: ids of steps whose facts it uses, beside those that the flow puts before it.
    """

    kind: Literal["step"] = "step"
    id: str
    do: CallPlan
    undo: CallPlan | None = None
    no_undo: str | None = None
    phase: Literal["compensatable", "pivot", "retriable"] = "compensatable"
    within_ms: int = 30_000
    retry: RetryPlan = RetryPlan()
    undo_retry: RetryPlan = NO_UNDO_RETRY
    probe: CallPlan | None = None
    after: tuple[str, ...] = ()


class WaitPlan(Part):
    """Waits for an event; its payload becomes a fact.

    Attributes:
        event: the message type waited for. `key`: the field of the event that holds the execution's key.
        gives: the fact it becomes.
        within_ms: how long to wait, milliseconds.
        on_timeout: what then: undo what was done, or go on without the fact.
        on_missing: what becomes of an event whose execution does not exist yet.
        sequence: True = of several held events the lowest declared sequence is taken first.
        retriable: True when it stands after the pivot (a timeout then never aborts).
    """

    kind: Literal["wait"] = "wait"
    id: str
    event: str
    key: str
    gives: str
    within_ms: int
    on_timeout: Literal["abort", "continue"] = "abort"
    on_missing: Literal["start", "buffer", "redeliver", "ignore", "dead_letter"] = "buffer"
    sequence: bool = False
    retriable: bool = False


class SleepPlan(Part):
    """Lets time pass: `duration_ms` milliseconds."""

    kind: Literal["sleep"] = "sleep"
    id: str
    duration_ms: int


class SequencePlan(Part):
    """Children one after the other."""

    kind: Literal["sequence"] = "sequence"
    children: tuple[Node, ...]


class ParallelPlan(Part):
    """Children at the same time; done when all are. `on_sibling_failure`: await the others, or cancel them."""

    kind: Literal["parallel"] = "parallel"
    children: tuple[Node, ...]
    on_sibling_failure: Literal["drain", "cancel"] = "drain"


Leaf: TypeAlias = StepPlan | WaitPlan | SleepPlan
Node: TypeAlias = Annotated[StepPlan | WaitPlan | SleepPlan | SequencePlan | ParallelPlan, Field(discriminator="kind")]

SequencePlan.model_rebuild()
ParallelPlan.model_rebuild()


class TriggerPlan(Part):
    """What starts the saga: the event's type, the fact it becomes, and the field that holds the key."""

    event: str
    gives: str
    key: str


class Plan(Part):
    """A saga, compiled.

    Attributes:
        format: see `FORMAT`.
        saga: the saga's name. `version`: its version, a whole number.
        trigger: what starts it.
        root: the flow.
        within_ms: limit of the whole execution, milliseconds; None = none. After the pivot it only alerts.
        unwind: undo independent branches at the same time, or all in exact reverse order of starts.
        compensation_window_ms: how long after the end it may be undone by hand, milliseconds.
        on_completed: what becomes of events that come after the end.
    """

    format: int = FORMAT
    saga: str
    version: int
    trigger: TriggerPlan
    root: Node
    within_ms: int | None = None
    unwind: Literal["dependency", "serial"] = "dependency"
    compensation_window_ms: int = 30 * 24 * 3600 * 1000
    on_completed: Literal["dead_letter", "ignore"] = "dead_letter"

    @cached_property
    def content_hash(self) -> str:
        """16 hex digits that name this plan's content, its version included."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @cached_property
    def document(self) -> dict[str, Any]:
        """The plan as JSON values, without what is as by default: it lies in the history of every execution.

        The defaults are therefore part of the format: one that must change needs a new `FORMAT`.
        """
        short = self.model_dump(mode="json", exclude_defaults=True)
        _name_kinds(self.root, short["root"])
        return {"format": self.format, **short}

    def execution_id(self, key: str) -> str:
        """`saga:key`, at most 255 bytes: a longer one keeps its head and ends in a hash."""
        text = f"{self.saga}:{key}"
        if len(text.encode()) <= MAX_ID_BYTES:
            return text
        digest = hashlib.sha256(text.encode()).hexdigest()[:32]
        return text.encode()[: MAX_ID_BYTES - 33].decode(errors="ignore") + "~" + digest


MAX_ID_BYTES = 255
"""Longest workflow id that Temporal's SQL stores keep, and longest AMQP short string."""


def _name_kinds(node: Node, dumped: dict[str, Any]) -> None:
    """Put back what tells nodes apart: `kind` is a default too."""
    dumped["kind"] = node.kind
    if isinstance(node, SequencePlan | ParallelPlan):
        for child, below in zip(node.children, dumped["children"], strict=True):
            _name_kinds(child, below)


def leaves(node: Node) -> Iterator[Leaf]:
    """All leaves below `node`, in the order in which they are written."""
    match node:
        case SequencePlan() | ParallelPlan():
            for child in node.children:
                yield from leaves(child)
        case _:
            yield node


def participants(plan: Plan) -> frozenset[str]:
    """Whom a plan sends commands to, undos and probes included."""
    steps = (leaf for leaf in leaves(plan.root) if isinstance(leaf, StepPlan))
    calls = (call for step in steps for call in (step.do, step.undo, step.probe) if call is not None)
    return frozenset(call.participant for call in calls if call.participant)
