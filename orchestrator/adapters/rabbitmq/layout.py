"""The layout: everything the broker must have, as data. Nothing here talks to it.

Arguments are what can never change: the kind of a queue, the delay of a rung. Whatever an operator may want to change
later, such as limits, is a policy. One policy fits each queue, since the broker applies only one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from orchestrator.adapters.rabbitmq.names import RETRY_STEPS, Names
from orchestrator.errors import TopologyError
from orchestrator.saga.plan import CallPlan, Plan, StepPlan, WaitPlan, leaves

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

QUORUM = {"x-queue-type": "quorum"}
DELIVERY_LIMIT = 50
"""A crash guard, not a retry policy: each crash of a process counts for every message it held."""
MAX_WORK = 1_000_000
"""Messages in one work queue; publishers are refused beyond it."""
MAX_UNROUTED = 100_000
MAX_PARKED_BYTES = 2**30
MAX_STORED, MAX_STORED_BYTES = 1_000_000, 2**30
"""What waits for a recorder. Beyond it the oldest are dropped: a store that nobody writes to may end with a gap, but it
must neither fill the broker's disk nor keep anybody from publishing."""
NOTICES = "saga.execution.#"
"""What executions tell about themselves."""
PRIORITY = 10


@dataclass(frozen=True, slots=True)
class Exchange:
    """A durable exchange."""

    name: str
    kind: Literal["topic", "direct", "fanout"]
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable queue."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Binding:
    """Messages of exchange `source` that fit `key` go to `queue`, or to the exchange of that name."""

    source: str
    queue: str
    key: str
    to: Literal["queue", "exchange"] = "queue"

    def __str__(self) -> str:
        return f"{self.source} -> {self.queue} by {self.key!r}"


@dataclass(frozen=True, slots=True)
class Policy:
    """Settings for all exchanges or queues whose name fits `pattern`."""

    name: str
    pattern: str
    applies_to: Literal["exchanges", "queues"]
    definition: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything the broker must have.

    Attributes:
        ingress: the queue from which relays take events.
        commands: the exchange that leads commands to their participants.
    """

    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]
    bindings: tuple[Binding, ...]
    policies: tuple[Policy, ...]
    ingress: str = ""
    commands: str = ""

    @property
    def places(self) -> tuple[Exchange | Queue, ...]:
        """Exchanges and queues, in the order in which they can be declared."""
        return (*self.exchanges, *self.queues)


def layout(
    names: Names,
    plans: Iterable[Plan],
    participants: Mapping[str, Collection[str]] | None = None,
    *,
    keeps_messages: bool = True,
    log: Mapping[str, Any] | None = None,
) -> Layout:
    """What the broker must have for `plans`, and for participants (command types by name) that they do not mention.

    `keeps_messages`: whether a copy of every message goes to the event store. `log`: arguments of the stream that gets
    the same copies; None = there is none.

    Raises:
        TopologyError: a message type or participant cannot be a routing key, or a command goes to two participants.
    """
    plans = tuple(plans)
    commands = _commands(plans, participants or {})
    events = sorted({event for plan in plans for event in _events(plan)})
    told = {call.message_type for plan in plans for call in _all_calls(plan) if call.lane == "publish"}
    for word in (*events, *commands, *(name for types in commands.values() for name in types)):
        _require_plain(word)
    _require_one_participant(commands)
    work = (names.ingress, names.replies, *(names.command_queue(name) for name in commands))
    copies = ((names.store,) if keeps_messages else ()) + (() if log is None else (names.log,))
    types = {*events, *filter(None, told)}
    stored = {binding for queue in copies for binding in _stored(names, queue, types, commands)}
    return Layout(
        exchanges=_exchanges(names),
        queues=(
            *_queues(names, (*work, names.store) if keeps_messages else work),
            *(() if log is None else (Queue(names.log, {"x-queue-type": "stream", **log}),)),
        ),
        bindings=tuple(sorted(_bindings(names, work, events, commands) | stored)),
        policies=_policies(names),
        ingress=names.ingress,
        commands=names.commands,
    )


def _bindings(
    names: Names, work: Collection[str], events: Iterable[str], commands: Mapping[str, Collection[str]]
) -> set[Binding]:
    return {
        Binding(names.unrouted, names.unrouted_queue, ""),
        Binding(names.dead_letters, names.parking, "#"),
        Binding(names.replies_late, names.replies, ""),
        Binding(names.replies_sent, names.replies, "", "exchange"),
        *(Binding(names.events, names.ingress, event) for event in events),
        *(Binding(names.retry_back, queue, f"*.{queue}") for queue in work),
        *(Binding(names.retry, names.retry_queue(step), f"{step.name}.#") for step in RETRY_STEPS),
        *(
            Binding(names.commands, names.command_queue(participant), command)
            for participant, types in commands.items()
            for command in types
        ),
    }


def _stored(names: Names, queue: str, events: Iterable[str], commands: Mapping[str, Collection[str]]) -> set[Binding]:
    """A copy of every message for the event store, or the stream.

    By its type, never by `#`: then what nobody wants would count as wanted, and neither would the broker lead it to
    `unrouted`, where the rest of the copies come from, nor a publisher learn of a command whose participant is missing
    in the topology. Replies are copied before the exchange that finds out whether their worker lives.
    """
    return {
        Binding(names.unrouted, queue, ""),
        Binding(names.replies_sent, queue, ""),
        Binding(names.events, queue, NOTICES),
        *(Binding(names.events, queue, event) for event in events),
        *(Binding(names.commands, queue, command) for types in commands.values() for command in types),
    }


def _events(plan: Plan) -> set[str]:
    waits = {leaf.event for leaf in leaves(plan.root) if isinstance(leaf, WaitPlan)}
    return {plan.trigger.event, *waits}


def _commands(plans: Iterable[Plan], participants: Mapping[str, Collection[str]]) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for participant, types in participants.items():
        found[participant].update(types)
    for call in (call for plan in plans for call in _all_calls(plan)):
        if call.participant and call.message_type:
            found[call.participant].add(call.message_type)
    return {participant: tuple(sorted(types)) for participant, types in sorted(found.items())}


def _all_calls(plan: Plan) -> tuple[CallPlan, ...]:
    return tuple(call for leaf in leaves(plan.root) for call in _calls(leaf))


def _calls(leaf: object) -> tuple[CallPlan, ...]:
    if not isinstance(leaf, StepPlan):
        return ()
    return tuple(call for call in (leaf.do, leaf.undo, leaf.probe) if call is not None)


def _require_plain(word: str) -> None:
    if not word or "*" in word or "#" in word or len(word.encode()) > 200:  # noqa: PLR2004 - leaves room for the prefix
        raise TopologyError(f"{word!r} cannot be a routing key: use up to 200 bytes, neither `*` nor `#`")


def _require_one_participant(commands: Mapping[str, Collection[str]]) -> None:
    """Each queue that is bound for a command's type gets it, so two participants would both carry it out."""
    handled: dict[str, str] = {}
    for participant, types in commands.items():
        for command in types:
            other = handled.setdefault(command, participant)
            if other != participant:
                remedy = "give one of them a command type of its own, saga check says where"
                raise TopologyError(
                    f"{command!r} goes to {other!r} and to {participant!r}, and both get both: {remedy}"
                )


def _exchanges(names: Names) -> tuple[Exchange, ...]:
    # The way of late replies is an argument: that no reply is lost must not hang on a policy.
    late = {"alternate-exchange": names.replies_late}
    return (
        Exchange(names.unrouted, "fanout"),
        Exchange(names.events, "topic"),
        Exchange(names.retry, "topic"),
        Exchange(names.retry_back, "topic"),
        Exchange(names.dead_letters, "topic"),
        Exchange(names.commands, "topic"),
        Exchange(names.replies_late, "fanout"),
        Exchange(names.replies, "direct", late),
        Exchange(names.replies_sent, "fanout"),
    )


def _queues(names: Names, work: Iterable[str]) -> tuple[Queue, ...]:
    rungs = (
        Queue(names.retry_queue(step), {**QUORUM, "x-message-ttl": int(step.delay.total_seconds() * 1000)})
        for step in RETRY_STEPS
    )
    plain = (Queue(name, QUORUM) for name in (names.unrouted_queue, names.parking, *work))
    return (*plain, *rungs)


def _policies(names: Names) -> tuple[Policy, ...]:
    prefix = re.escape(names.prefix)
    rungs = "|".join(step.name for step in RETRY_STEPS)
    kept = {"delivery-limit": -1, "overflow": "reject-publish"}
    dead = {"dead-letter-strategy": "at-least-once", "overflow": "reject-publish"}
    work = {"dead-letter-exchange": names.dead_letters, "delivery-limit": DELIVERY_LIMIT, "max-length": MAX_WORK}
    retry = {"dead-letter-exchange": names.retry_back, "delivery-limit": -1, "max-length": MAX_WORK}
    # Looking into a queue counts as a delivery, so these two have no limit of them. Beyond its length the last drops
    # the oldest: what nobody is bound for must not keep those that publish from going on.
    rows: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("work", r"(ingress|replies|commands\..+)", {**dead, **work}),
        ("retry", rf"retry\.({rungs})", {**dead, **retry}),
        ("parking", "parking", {**kept, "max-length-bytes": MAX_PARKED_BYTES}),
        ("unrouted", r"unrouted\.q", {"delivery-limit": -1, "max-length": MAX_UNROUTED}),
        ("store", "store", {"delivery-limit": -1, "max-length": MAX_STORED, "max-length-bytes": MAX_STORED_BYTES}),
    )
    queues = (Policy(f"{names.prefix}-{name}", rf"^{prefix}\.{of}$", "queues", what) for name, of, what in rows)
    alternate = {"alternate-exchange": names.unrouted}
    return (Policy(f"{names.prefix}-events", rf"^{prefix}\.events$", "exchanges", alternate), *queues)
