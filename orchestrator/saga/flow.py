"""The flow of a saga: immutable values that say when each step comes and how hard to try."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from orchestrator.saga.retry import Retry

if TYPE_CHECKING:
    from orchestrator.messages import Event
    from orchestrator.saga.functions import AnyFunction

WITHIN = timedelta(seconds=30)
"""Limit of one attempt unless a step says otherwise."""
UNDO_RETRY = Retry(attempts=5)


def _place() -> str:
    frame = inspect.currentframe()
    caller = frame.f_back.f_back if frame and frame.f_back else None
    if caller is None:
        return "?"
    return f"{Path(caller.f_code.co_filename).name}:{caller.f_lineno}"


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
    is_pivot: bool = False
    place: str = "?"

    @property
    def id(self) -> str:
        """Name of the step: the renamed fact's, else the function's."""
        return self.as_ or self.do.name


@dataclass(frozen=True, kw_only=True)
class Wait:
    """A wait as written. Made by `wait_for`."""

    event: type[Event]
    within: timedelta | None
    key: str | None = None
    on_timeout: Literal["abort", "continue"] = "abort"
    on_missing: Literal["start", "buffer", "redeliver", "ignore", "dead_letter"] = "buffer"
    sequence: bool = False
    as_: str | None = None
    place: str = "?"


@dataclass(frozen=True, kw_only=True)
class Sleep:
    """A pause as written. Made by `sleep`."""

    duration: timedelta
    name: str | None = None
    place: str = "?"


@dataclass(frozen=True, kw_only=True)
class Sequence:
    """Parts one after the other. Made by `sequence`."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True)
class Parallel:
    """Parts at the same time. Made by `parallel`."""

    parts: tuple[Part, ...]
    on_sibling_failure: Literal["drain", "cancel"] = "drain"
    place: str = "?"


Part: TypeAlias = Step | Wait | Sleep | Sequence | Parallel


def step(
    do: AnyFunction,
    *,
    undo: AnyFunction | None = None,
    no_undo: str | None = None,
    within: timedelta = WITHIN,
    retry: Retry | None = None,
    undo_retry: Retry = UNDO_RETRY,
    probe: AnyFunction | None = None,
    as_: str | None = None,
) -> Step:
    """One step: `do`, and what undoes it.

    Args:
        do: the action or command.
        undo: an action or command that reverses the effect. Before the pivot give it, or `no_undo`.
        no_undo: why nothing is to be undone, as "reads only".
        within: limit of one attempt; for a command the time until its reply, resends included.
        retry: for an action any failure counts; for a command refusals that are marked retryable.
        undo_retry: when it is used up the saga is stuck and a person decides.
        probe: finds out what an attempt without a verdict did: returns the result, or raises `Rejected`.
        as_: another name for the step and its result.
    """
    return Step(
        do=do,
        undo=undo,
        no_undo=no_undo,
        within=within,
        retry=retry or Retry(),
        undo_retry=undo_retry,
        probe=probe,
        as_=as_,
        place=_place(),
    )


def publish(build: AnyFunction, *, undo: Step | None = None, retry: Retry | None = None) -> Step:
    """Publish the event that `build` makes. `undo=publish(...)` publishes a correcting one when the saga turns back."""
    correcting = undo.do if undo else None
    no_undo = None if correcting else "told is told"
    return Step(do=build, undo=correcting, no_undo=no_undo, retry=retry or Retry(), place=_place())


def pivot(do: AnyFunction, *, within: timedelta = WITHIN, retry: Retry | None = None, as_: str | None = None) -> Step:
    """The point of no return: once it is done the saga only goes forward. Steps behind it need no undo."""
    return Step(do=do, within=within, retry=retry or Retry(), as_=as_, is_pivot=True, place=_place())


def wait_for(
    event: type[Event],
    *,
    within: timedelta | None = None,
    key: str | None = None,
    on_timeout: Literal["abort", "continue"] = "abort",
    on_missing: Literal["start", "buffer", "redeliver", "ignore", "dead_letter"] = "buffer",
    sequence: bool = False,
    as_: str | None = None,
) -> Wait:
    """Wait for an event of this execution; one that came early is taken at once.

    Args:
        event: the event's class.
        within: how long; a wait without limit is refused.
        key: the field that holds the saga's key, if it is called otherwise there.
        on_timeout: undo what was done, or go on without the fact.
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
        place=_place(),
    )


def sleep(duration: timedelta, *, as_: str | None = None) -> Sleep:
    """Let time pass."""
    return Sleep(duration=duration, name=as_, place=_place())


def sequence(*parts: Part) -> Sequence:
    """Parts one after the other, as a branch of `parallel`."""
    return Sequence(parts=parts)


def parallel(*parts: Part, on_sibling_failure: Literal["drain", "cancel"] = "drain") -> Parallel:
    """Parts at the same time. If one fails the others are awaited, or asked to stop."""
    return Parallel(parts=parts, on_sibling_failure=on_sibling_failure, place=_place())
