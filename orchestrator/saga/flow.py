"""The flow of a saga: immutable values that say when each step comes and how hard to try."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from orchestrator.messages import snake_case
from orchestrator.saga.places import UNKNOWN, caller_place
from orchestrator.saga.retry import Retry, milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.messages import Event
    from orchestrator.saga.functions import AnyFunction, Doing, EventBuilder

WITHIN = timedelta(seconds=30)
"""Limit of one attempt unless a step says otherwise."""
UNDO_RETRY = Retry(attempts=10)
"""Four minutes: what is away for as long as a restart takes makes no undo give up."""


Verb: TypeAlias = Literal["step", "publish", "pivot"]
"""What made a step."""
OnTimeout: TypeAlias = Literal["abort", "continue"]
OnMissing: TypeAlias = Literal["start", "buffer", "redeliver", "ignore", "dead_letter"]
OnSiblingFailure: TypeAlias = Literal["drain", "cancel"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step as written. Made by `step`, `publish` and `pivot`; see there."""

    do: AnyFunction
    undo: AnyFunction | None = None
    no_undo: str | None = None
    within: timedelta = WITHIN
    retry: Retry = field(default_factory=Retry)
    undo_retry: Retry = UNDO_RETRY
    probe: AnyFunction | None = None
    as_: str | None = None
    verb: Verb = "step"
    place: str = UNKNOWN

    @property
    def is_pivot(self) -> bool:
        """Whether it is the point of no return."""
        return self.verb == "pivot"

    @property
    def id(self) -> str:
        """Name of the step: the renamed fact's, else the function's."""
        return self.as_ or self.do.name

    @property
    def fact(self) -> str | None:
        """The name under which its result is known, None if it gives none."""
        return (self.as_ or self.do.fact) if self.do.fact else None

    @property
    def functions(self) -> tuple[AnyFunction, ...]:
        """Its functions: do, undo, probe, as far as it has them."""
        # Whatever stands for `do` is looked at, None too: a rule names it.
        return (self.do, *(function for function in (self.undo, self.probe) if function is not None))


@dataclass(frozen=True, kw_only=True)
class Wait:
    """A wait as written. Made by `wait_for`."""

    event: type[Event]
    within: timedelta | None
    key: str | None = None
    on_timeout: OnTimeout = "abort"
    on_missing: OnMissing = "buffer"
    sequence: bool = False
    as_: str | None = None
    place: str = UNKNOWN

    @property
    def id(self) -> str:
        """A wait is called like the fact that its event becomes."""
        return self.as_ or snake_case(self.event.__name__)


@dataclass(frozen=True, kw_only=True)
class Sleep:
    """A pause as written. Made by `sleep`."""

    duration: timedelta
    as_: str | None = None
    place: str = UNKNOWN

    @property
    def id(self) -> str:
        """A sleep without a name is called by its length."""
        return self.as_ or f"sleep_{abs(milliseconds(self.duration))}ms"


@dataclass(frozen=True, kw_only=True)
class Sequence:
    """Parts one after the other. Made by `sequence`."""

    parts: tuple[Part, ...]
    place: str = UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Parallel:
    """Parts at the same time. Made by `parallel`."""

    parts: tuple[Part, ...]
    on_sibling_failure: OnSiblingFailure = "drain"
    place: str = UNKNOWN


Part: TypeAlias = Step | Wait | Sleep | Sequence | Parallel


def parts_within(parts: tuple[Part, ...]) -> Iterator[Part]:
    """All parts, those inside others too, in the order written."""
    for part in parts:
        yield part
        if isinstance(part, Sequence | Parallel):
            yield from parts_within(part.parts)


def holds_pivot(part: Part) -> bool:
    """Whether a pivot stands anywhere in a part."""
    return any(isinstance(inner, Step) and inner.is_pivot for inner in parts_within((part,)))


def step(
    do: Doing,
    *,
    undo: Doing | None = None,
    no_undo: str | None = None,
    within: timedelta = WITHIN,
    retry: Retry | None = None,
    undo_retry: Retry = UNDO_RETRY,
    probe: Doing | None = None,
    as_: str | None = None,
) -> Step:
    """One step, and what undoes it.

    Args:
        do: an action or a command.
        undo: an action or command that reverses the effect. Before the pivot give it, or `no_undo`.
        no_undo: why nothing is to be undone, as "reads only".
        within: limit of one attempt; for a command the time until its reply, resends included.
        retry: for an action any failure counts; for a command refusals that are marked retryable.
        undo_retry: when it is used up the saga is stuck and a person decides; never without a limit. Ten attempts
            within four minutes unless given.
        probe: finds out what an attempt without a verdict did: returns the result, or raises `Rejected`. One that fails
            is asked again until `within` is over, a brief one for a second; then the outcome stays unknown.
        as_: another name for the step and its result.
    """
    place = caller_place()
    return Step(
        do=do,
        undo=undo,
        no_undo=no_undo,
        within=within,
        retry=Retry() if retry is None else retry,
        undo_retry=undo_retry,
        probe=probe,
        as_=as_,
        place=place,
    )


def publish(
    build: EventBuilder[..., Any],
    *,
    undo: Step | None = None,
    retry: Retry | None = None,
    undo_retry: Retry = UNDO_RETRY,
    as_: str | None = None,
) -> Step:
    """Publish an event.

    Args:
        build: makes the event.
        undo: `publish(...)` of a correcting event, told when the saga turns back; without it nothing is.
        retry: for the case that the broker does not take it.
        undo_retry: the same for the correcting one.
        as_: another name for the step.
    """
    correcting = undo.do if isinstance(undo, Step) else undo
    no_undo = None if correcting is not None else "what was told cannot be untold"
    return Step(
        do=build,
        undo=correcting,
        no_undo=no_undo,
        retry=Retry() if retry is None else retry,
        undo_retry=undo_retry,
        as_=as_,
        verb="publish",
        place=caller_place(),
    )


def pivot(
    do: Doing,
    *,
    within: timedelta = WITHIN,
    retry: Retry | None = None,
    probe: Doing | None = None,
    as_: str | None = None,
) -> Step:
    """The point of no return: once it is done the saga only goes forward, so steps behind it have no undo.

    A pivot without a verdict is tried again with the same key, then probed, then waits for a person; it is never undone
    by itself. For the arguments see `step`.
    """
    retry = Retry() if retry is None else retry
    return Step(do=do, within=within, retry=retry, probe=probe, as_=as_, verb="pivot", place=caller_place())


def wait_for(
    event: type[Event],
    *,
    within: timedelta | None = None,
    key: str | None = None,
    on_timeout: OnTimeout = "abort",
    on_missing: OnMissing = "buffer",
    sequence: bool = False,
    as_: str | None = None,
) -> Wait:
    """Wait for an event of this execution; one that came early is taken at once.

    Args:
        event: the class of the event; its fact is named after it.
        within: how long; a wait without limit is refused.
        key: the field that holds the saga's key, if it is called otherwise there.
        on_timeout: undo what was done, or go on without the fact, which then is None.
        on_missing: what becomes of an event whose execution does not exist.
        sequence: of several held events take the one with the lowest declared sequence, not the first that came.
        as_: another name for the wait and its fact.
    """
    return Wait(
        event=event,
        within=within,
        key=key,
        on_timeout=on_timeout,
        on_missing=on_missing,
        sequence=sequence,
        as_=as_,
        place=caller_place(),
    )


def sleep(duration: timedelta, *, as_: str | None = None) -> Sleep:
    """Let time pass. `as_`: a name, for a second pause of the same length."""
    return Sleep(duration=duration, as_=as_, place=caller_place())


def sequence(*parts: Part) -> Sequence:
    """Parts one after the other, as a branch of `parallel`."""
    return Sequence(parts=parts, place=caller_place())


def parallel(*parts: Part, on_sibling_failure: OnSiblingFailure = "drain") -> Parallel:
    """Parts at the same time; done when all are.

    A step may use a fact that a branch written above makes; it then waits for it.

    Args:
        parts: the branches; several parts in one branch stand in `sequence(...)`.
        on_sibling_failure: when one fails, let the others finish, or ask them to stop; either way what they did is
            undone too.
    """
    return Parallel(parts=parts, on_sibling_failure=on_sibling_failure, place=caller_place())
