"""Rules about what is given to `Saga`, `step`, `wait_for` and the others: kinds of values, and retry policies.

Type checkers find most of it; who runs none is told by these rules. What is wrong is replaced by what stands there by
default, so that the rules after these say the rest, too.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args

from orchestrator.messages import Command, Event
from orchestrator.saga.flow import (
    UNDO_RETRY,
    WITHIN,
    OnMissing,
    OnSiblingFailure,
    OnTimeout,
    Parallel,
    Sequence,
    Sleep,
    Step,
    Wait,
)
from orchestrator.saga.functions import is_class_of
from orchestrator.saga.outline import OnCompleted, Outline, Unwind
from orchestrator.saga.retry import Retry

if TYPE_CHECKING:
    from orchestrator.saga.flow import Part
    from orchestrator.saga.rules import Findings

Options = TypeVar("Options", Step, Wait, Parallel, Outline)


@dataclass(frozen=True, slots=True)
class Kind:
    """What an option takes. `write`: the remedy for a value; `instead`: what stands for a wrong one."""

    fits: Callable[[Any], bool]
    write: Callable[[Any], str]
    instead: Any


def _length(instead: timedelta | None, *, optional: bool = False) -> Kind:
    def write(value: Any) -> str:
        number = value if type(value) in (int, float) else 30
        return f"write a length of time, as timedelta(seconds={number})"

    return Kind(lambda value: isinstance(value, timedelta) or (optional and value is None), write, instead)


def _text(instead: str | None, *, optional: bool = True) -> Kind:
    return Kind(lambda value: isinstance(value, str) or (optional and value is None), lambda _: "write a text", instead)


def _one_of(choices: Any, instead: str) -> Kind:
    words: tuple[str, ...] = get_args(choices)
    return Kind(lambda value: value in words, lambda _: "write " + " or ".join(map(repr, words)), instead)


def _retry(instead: Retry) -> Kind:
    return Kind(lambda value: isinstance(value, Retry), lambda _: "write Retry(attempts=...)", instead)


_FLAG = Kind(lambda value: isinstance(value, bool), lambda _: "write True or False", instead=False)
STEP = MappingProxyType(
    {
        "within": _length(WITHIN),
        "retry": _retry(Retry()),
        "undo_retry": _retry(UNDO_RETRY),
        "no_undo": _text("wrong"),
        "as_": _text(None),
    }
)
WAIT = MappingProxyType(
    {
        "within": _length(WITHIN, optional=True),
        "key": _text(None),
        "on_timeout": _one_of(OnTimeout, "abort"),
        "on_missing": _one_of(OnMissing, "buffer"),
        "sequence": _FLAG,
        "as_": _text(None),
    }
)
SLEEP = MappingProxyType({"duration": _length(None), "as_": _text(None)})
PARALLEL = MappingProxyType({"on_sibling_failure": _one_of(OnSiblingFailure, "drain")})
OUTLINE = MappingProxyType(
    {
        "name": _text("unnamed", optional=False),
        "key": _text("", optional=False),
        "within": _length(None, optional=True),
        "compensation_window": _length(timedelta(days=30)),
        "unwind": _one_of(Unwind, "dependency"),
        "on_completed": _one_of(OnCompleted, "dead_letter"),
    }
)


class ArgumentChecks:
    """Checks what one saga's parts were given.

    Attributes:
        are_whole: whether every part could be kept: a fact that nothing makes may else be that of a part left out.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self.are_whole = True

    def outline(self, outline: Outline) -> Outline | None:
        """The saga's options, mended; None if nothing else can be said without its trigger and its key."""
        is_event = self._is_event(outline.starts_on, "starts_on", outline.place)
        mended = self._mended(outline, "the saga", OUTLINE)
        return mended if is_event and mended.key is outline.key else None

    def parts(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        """The parts, mended; those of which nothing is left are left out."""
        kept = tuple(mended for part in parts for mended in self._part(part))
        self.are_whole = self.are_whole and len(kept) == len(parts)
        return kept

    def _part(self, part: Any) -> tuple[Part, ...]:
        """The part, mended, or nothing. What is no part at all is kept: the walk names it."""
        match part:
            case Step():
                return (self._step(part),)
            case Wait():
                is_event = self._is_event(part.event, "wait_for", part.place)
                return (self._mended(part, f"wait_for({_called(part.event)})", WAIT),) if is_event else ()
            case Sleep():
                return () if list(self._wrong(part, "sleep", SLEEP)) else (part,)
            case Sequence():
                return (replace(part, parts=self.parts(part.parts)),)
            case Parallel():
                return (self._mended(replace(part, parts=self.parts(part.parts)), "parallel", PARALLEL),)
            case stranger:
                return (cast("Part", stranger),)

    def _step(self, step: Step) -> Step:
        label = f"{step.verb}({_called(step.do)})"
        mended = self._mended(step, label, STEP)
        return replace(
            mended,
            retry=self._retry(mended.retry, Retry(), f"{label}: retry", step.place),
            undo_retry=self._retry(mended.undo_retry, UNDO_RETRY, f"{label}: undo_retry", step.place),
        )

    def _retry(self, retry: Retry, instead: Retry, label: str, place: str) -> Retry:
        faults = list(retry.faults())
        for fault in faults:
            self._findings.report("S031", f"{label}: {fault}", place)
        return instead if faults else retry

    def _is_event(self, event: object, where: str, place: str) -> bool:
        if is_class_of(event, Event) and event is not Event:
            return True
        what = "a Command" if is_class_of(event, Command) else "no class of an event"
        remedy = "give a class below Event; a command is sent by step(...)"
        self._findings.report("S030", f"{where}: {_called(event)} is {what}: {remedy}", place)
        return False

    def _mended(self, given: Options, label: str, kinds: Mapping[str, Kind]) -> Options:
        return replace(given, **{option: kinds[option].instead for option in self._wrong(given, label, kinds)})

    def _wrong(self, given: Any, label: str, kinds: Mapping[str, Kind]) -> Iterator[str]:
        """The options that have a value of another kind; they are reported."""
        for option, kind in kinds.items():
            value = getattr(given, option)
            if not kind.fits(value):
                text = f"{label}: {option}={reprlib.repr(value)}: {kind.write(value)}"
                self._findings.report("S030", text, given.place)
                yield option


def _called(what: object) -> str:
    """How its author calls something: by its name if it has one."""
    name = getattr(what, "name", None) or getattr(what, "__name__", None)
    return name if isinstance(name, str) else reprlib.repr(what)
