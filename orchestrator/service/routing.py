"""Routing: which executions a message is for, and what becomes of it after they were told. Pure: no I/O, no time."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, assert_never

from orchestrator.errors import MissingKeyError
from orchestrator.saga.plan import Plan, WaitPlan, leaves
from orchestrator.service.ports import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_KEY = 200
"""Longest key, characters."""

OnMissing: TypeAlias = Literal["start", "buffer", "redeliver", "ignore", "dead_letter"]
PATIENCE: tuple[OnMissing, ...] = ("start", "redeliver", "buffer", "dead_letter", "ignore")
"""When several waits of one saga disagree about a missing execution, the first of these that one of them says holds."""


@dataclass(frozen=True, slots=True)
class Start:
    """The message starts `execution_id`, or is handed to it if it runs already."""

    plan: Plan
    execution_id: str


@dataclass(frozen=True, slots=True)
class Deliver:
    """The message is handed to `execution_id`; `on_missing` says what becomes of it if there is none."""

    plan: Plan
    execution_id: str
    on_missing: OnMissing


Target: TypeAlias = Start | Deliver


@dataclass(frozen=True, slots=True)
class _Door:
    """One way into a saga for one message type."""

    plan: Plan
    key: str
    on_missing: OnMissing | None

    def target(self, execution_id: str) -> Target:
        if self.on_missing is None:
            return Start(self.plan, execution_id)
        return Deliver(self.plan, execution_id, self.on_missing)


class Routes:
    """For each message type the sagas that start on it or wait for it. Immutable; made by `Routes.of`."""

    def __init__(self, doors: Mapping[str, tuple[_Door, ...]]) -> None:
        self._doors = MappingProxyType(dict(doors))

    @classmethod
    def of(cls, plans: Iterable[Plan]) -> Routes:
        """Routes into all of `plans`. Of several versions of a saga the highest is started; all may be waiting."""
        newest: dict[str, Plan] = {}
        waits: dict[tuple[str, str, str], set[OnMissing]] = defaultdict(set)
        for plan in plans:
            known = newest.setdefault(plan.saga, plan)
            if plan.version > known.version:
                newest[plan.saga] = plan
            for leaf in leaves(plan.root):
                if isinstance(leaf, WaitPlan):
                    waits[leaf.event, plan.saga, leaf.key].add(leaf.on_missing)
        doors: dict[str, list[_Door]] = defaultdict(list)
        for plan in newest.values():
            doors[plan.trigger.event].append(_Door(plan, plan.trigger.key, None))
        for (event, saga, key), said in waits.items():
            doors[event].append(_Door(newest[saga], key, next(word for word in PATIENCE if word in said)))
        return cls({event: tuple(found) for event, found in doors.items()})

    @property
    def types(self) -> frozenset[str]:
        """Message types that lead anywhere."""
        return frozenset(self._doors)

    def find(self, message_type: str, payload: Any) -> tuple[Target, ...]:
        """The executions that a message is for, each once; none if no saga wants the type.

        Raises:
            MissingKeyError: a field that names an execution is absent, empty, longer than `MAX_KEY`, or neither text
                nor number. Then nobody is told, so that a person can send it again as a whole.
        """
        found: dict[str, Target] = {}
        for door in self._doors.get(message_type, ()):
            execution_id = door.plan.execution_id(_key(message_type, door.key, payload))
            # Starting comes first and covers waiting: the port hands a trigger to an execution that runs.
            found.setdefault(execution_id, door.target(execution_id))
        return tuple(found.values())


def start_instead(target: Target, message_type: str) -> Start | None:
    """What `on_missing="start"` does about a missing execution: start it, if the saga starts on this type at all."""
    match target:
        case Deliver(plan=plan, on_missing="start") if plan.trigger.event == message_type:
            return Start(plan, target.execution_id)
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Ack:
    """It has had its effect, now or earlier; `outcome` says which."""

    outcome: Literal["started", "delivered", "duplicate"]


@dataclass(frozen=True, slots=True)
class Ignore:
    """It has no effect, as the saga says."""


@dataclass(frozen=True, slots=True)
class Park:
    """A person must look at it: a stable word, and a sentence that says what to do."""

    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again later: while patience lasts, then `otherwise`. `endless` ones never lose patience."""

    otherwise: Park
    endless: bool = False


Settlement: TypeAlias = Ack | Ignore | Retry | Park


def settlement(delivery: Delivery, target: Target) -> Settlement:
    """What becomes of a message for one target after the engine answered `delivery`."""
    match delivery:
        case Delivery.STARTED:
            return Ack("started")
        case Delivery.ACCEPTED:
            return Ack("delivered")
        case Delivery.DUPLICATE:
            return Ack("duplicate")
        case Delivery.CONFLICT:
            return _other_content(target)
        case Delivery.ENDED:
            return _late(target)
        case Delivery.MISSING:
            return _missing(target)
        case Delivery.HELD:
            return Retry(Park("starts-held", f"starts of {target.plan.saga!r} are held"), endless=True)
        case _:
            assert_never(delivery)


def met_before(seen: Mapping[str, str], identity: str, body_hash: str) -> Delivery:
    """What an event is to an execution that has ended: by (source, id) and content, as while it ran.

    Args:
        seen: identity -> body hash of every event that it took, its trigger first.
        identity: the event's (source, id).
        body_hash: its content's. With the trigger's it is that start once more, whatever its id.
    """
    if body_hash == next(iter(seen.values()), None):
        return Delivery.DUPLICATE
    if identity not in seen:
        return Delivery.ENDED
    return Delivery.DUPLICATE if seen[identity] == body_hash else Delivery.CONFLICT


def no_execution(execution_id: str) -> Park:
    """What becomes of a message whose execution did not come in time."""
    return Park("no-execution", f"execution {execution_id!r} does not exist: check the key, or send its first event")


def fault(execution_id: str, error: Exception) -> Retry:
    """What becomes of a message on which our own code failed: it may be a passing fault, so not at once a person's."""
    text = f"handing it to {execution_id!r} failed: {type(error).__name__}: {error}. See the worker's log"
    return Retry(Park("fault", text))


def _other_content(target: Target) -> Park:
    """As the execution itself would have parked it: never dropped, whatever the saga does with late events."""
    text = f"execution {target.execution_id!r} took a message with this source and id before, with other content"
    return Park("same-id-other-content", f"{text}: send it with a new id, or ignore it")


def _late(target: Target) -> Settlement:
    if target.plan.on_completed == "ignore":
        return Ignore()
    is_start = isinstance(target, Start)
    how = "was started by an event with other content, and has ended" if is_start else "has ended"
    text = f"execution {target.execution_id!r} {how}: nothing was delivered; declare on_completed='ignore' if that is"
    return Park("second-start" if is_start else "ended", f"{text} expected")


def _missing(target: Target) -> Settlement:
    given_up = no_execution(target.execution_id)
    match target:
        case Deliver(on_missing="ignore"):
            return Ignore()
        case Deliver(on_missing="dead_letter"):
            return given_up
        case Deliver(on_missing="redeliver"):
            return Retry(given_up, endless=True)
        case _:
            return Retry(given_up)


def _key(message_type: str, field: str, payload: Any) -> str:
    value: Any = payload.get(field) if isinstance(payload, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 17 and 17.0 are one number in JSON, so they name one execution
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise MissingKeyError(message_type=message_type, key=field)
    text = str(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise MissingKeyError(message_type=message_type, key=field)
    if problem := _problem_of(text):
        raise MissingKeyError(message_type=message_type, key=field, problem=problem)
    return text


def _problem_of(key: str) -> str:
    if not key.strip():
        return "it is empty"
    if len(key) > MAX_KEY:
        return f"it has {len(key)} characters, {MAX_KEY} are allowed"
    if any(char < " " or char == "\x7f" for char in key):
        return "it holds a control character"
    return ""
