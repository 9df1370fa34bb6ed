"""Everything that can be wrong with a definition, each rule with its code. docs/definition-rules.md explains them."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, assert_never, get_args

from pydantic import BaseModel

from orchestrator.messages import Command, Event, snake_case
from orchestrator.saga.compiling import fact_of, holds_pivot, sleep_id, wait_id
from orchestrator.saga.flow import Parallel, Sequence, Sleep, Step, Wait
from orchestrator.saga.functions import CONTEXT, is_optional

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.saga.flow import Part
    from orchestrator.saga.functions import AnyFunction

KEY_TYPES = (str, int)


@dataclass(slots=True)
class Known:
    """Facts by name at one point of the flow. `recorded`: those that a lost run cannot take back (express.md, 3)."""

    facts: dict[str, Any]
    recorded: set[str] = field(default_factory=set[str])

    def copied(self) -> Known:
        """An independent copy, for one branch."""
        return Known(dict(self.facts), set(self.recorded))


class Checker:
    """Checks one saga. After `check`, `problems` and `warnings` hold what was found, a line each."""

    def __init__(self, starts_on: type[Event], key: str, within: timedelta | None) -> None:
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self._starts_on, self._key, self._within = starts_on, key, within
        self._names: dict[str, str] = {}
        self._makers: dict[str, str] = {}
        self._all_facts: set[str] = set()

    def check(self, parts: tuple[Part, ...]) -> None:
        """Find everything at once."""
        trigger = snake_case(self._starts_on.__name__)
        self._check_key(self._starts_on, self._key, "starts_on")
        self._makers[trigger] = "the trigger"
        try:
            self._all_facts = {trigger, *_facts_in(parts)}
        except (NameError, LookupError) as error:
            self._report("S023", f"an annotation cannot be found at run time: {error}; import it for real", "")
            return
        self._sequence(parts, Known({trigger: self._starts_on}, {trigger}), is_past=False)

    def _report(self, code: str, text: str, place: str) -> None:
        self.problems.append(f"{code} {text}     {place}".rstrip())

    def _warn(self, code: str, text: str, place: str) -> None:
        self.warnings.append(f"{code} {text}     {place}".rstrip())

    # -- the walk ------------------------------------------------------------------------------------------------

    def _sequence(self, parts: tuple[Part, ...], known: Known, *, is_past: bool) -> None:
        for part in parts:
            if is_past and holds_pivot(part):
                self._report("S008", "a second pivot on one path: there is one point of no return", _place(part))
            self._part(part, known, is_past=is_past)
            is_past = is_past or holds_pivot(part)

    def _part(self, part: Part, known: Known, *, is_past: bool) -> None:
        match part:
            case Step():
                self._step(part, known, is_past=is_past)
            case Wait():
                self._wait(part, known, is_past=is_past)
            case Sleep():
                self._name(sleep_id(part), part.place)
                known.recorded = set(known.facts)
            case Sequence():
                self._sequence(part.parts, known, is_past=is_past)
            case Parallel():
                self._parallel(part, known, is_past=is_past)
            case _:
                assert_never(part)

    def _parallel(self, part: Parallel, known: Known, *, is_past: bool) -> None:
        if not part.parts:
            self._report("S013", "parallel() without branches: give it steps, or remove it", part.place)
        if holds_pivot(part):
            self._report("S009", "a pivot inside parallel: move it before or behind", part.place)
        branches = [known.copied() for _ in part.parts]
        for branch, seen in zip(part.parts, branches, strict=True):
            self._part(branch, seen, is_past=is_past)
        for seen in branches:
            known.facts.update(seen.facts)

    def _step(self, step: Step, known: Known, *, is_past: bool) -> None:
        self._name(step.id, step.place)
        self._signature(step.do, known)
        self._result(step.do)
        if step.undo is not None:
            self._undo(step, step.undo, known)
        if step.probe is not None:
            self._signature(step.probe, known)
        self._undo_rules(step, is_past=is_past)
        if self._within is not None and step.within > self._within:
            self._report("S019", f"{step.id} may take {step.within}, longer than the saga's {self._within}", step.place)
        if step.do.lane == "durable" or step.is_pivot:
            known.recorded = set(known.facts)
        fact, made = fact_of(step), step.do.fact_type
        if fact is not None and made is not None:
            self._make(fact, made, step.id, step.place, known)
            if step.do.lane == "durable" or step.is_pivot:
                known.recorded.add(fact)

    def _wait(self, wait: Wait, known: Known, *, is_past: bool) -> None:
        self._name(wait_id(wait), wait.place)
        self._check_key(wait.event, wait.key or self._key, f"wait_for({wait.event.__name__})")
        if wait.within is None:
            self._report("S015", f"wait_for({wait.event.__name__}) has no limit: add within=", wait.place)
        elif self._within is not None and wait.within > self._within:
            self._report("S019", f"{wait_id(wait)} waits {wait.within}, longer than the saga's limit", wait.place)
        if is_past and wait.on_timeout == "abort":
            text = f"wait_for({wait.event.__name__}) behind the pivot cannot abort: add on_timeout='continue'"
            self._report("S018", text, wait.place)
        made = wait.event | None if wait.on_timeout == "continue" else wait.event
        self._make(wait_id(wait), made, wait_id(wait), wait.place, known)
        known.recorded = set(known.facts)

    # -- single rules --------------------------------------------------------------------------------------------

    def _name(self, name: str, place: str) -> None:
        if name == CONTEXT:
            self._report("S017", f"{name!r} is reserved: rename it by as_=", place)
        if name in self._names:
            self._report("S007", f"two steps are called {name!r} ({self._names[name]}): rename one by as_=", place)
        self._names.setdefault(name, place)

    def _make(self, fact: str, made: Any, maker: str, place: str, known: Known) -> None:
        if fact in self._makers:
            text = f"{maker} makes {fact!r}, which {self._makers[fact]} makes too: rename one by as_="
            self._report("S003", text, place)
        self._makers.setdefault(fact, maker)
        known.facts[fact] = made

    def _signature(self, function: AnyFunction, known: Known, own: dict[str, Any] | None = None) -> None:
        facts = {**known.facts, **(own or {})}
        for name, annotation in function.parameters.items():
            if name not in facts:
                self._unknown(function, name, facts)
            elif not _accepts(annotation, facts[name]):
                text = f"{function.name}() takes {name} as {_named(annotation)}, but it is {_named(facts[name])}"
                self._report("S004", text, function.place)

    def _unknown(self, function: AnyFunction, name: str, facts: dict[str, Any]) -> None:
        if name in self._all_facts:
            text = f"{function.name}() asks for {name!r}, which is made later or in another branch; move it below"
            self._report("S002", text, function.place)
            return
        close = get_close_matches(name, facts, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else f" Known here: {', '.join(sorted(facts))}."
        self._report("S001", f"{function.name}() asks for {name!r}, which is not known yet.{hint}", function.place)

    def _result(self, function: AnyFunction) -> None:
        made: Any = function.result
        if function.lane in ("brief", "durable") and not inspect.iscoroutinefunction(function.call):
            self._report("S005", f"{function.name}() is an action: write `async def`", function.place)
        if function.lane == "command" and not _is_a(made, Command):
            self._report("S006", f"{function.name}() must return a Command, it returns {_named(made)}", function.place)
        if function.lane == "publish" and not _is_a(made, Event):
            self._report("S006", f"{function.name}() must return an Event, it returns {_named(made)}", function.place)
        plain = function.lane in ("brief", "durable") and made is not None and made is not type(None)
        if plain and not _is_a(made, BaseModel):
            text = f"{function.name}() returns {_named(made)}: a fact is a pydantic model, so that it can be stored"
            self._report("S021", text, function.place)

    def _undo(self, step: Step, undo: AnyFunction, known: Known) -> None:
        own = {fact_of(step) or "": step.do.fact_type}
        self._signature(undo, known, own)
        self._result(undo)
        for name, annotation in undo.parameters.items():
            if is_optional(annotation) or name in known.recorded:
                continue
            if step.do.lane == "durable" and name in own:
                text = f"{undo.name}() needs {name}, which is missing when the outcome of {step.id} is unknown"
                self._warn("W001", text, undo.place)
            elif name in own or (name in known.facts and step.do.lane != "durable"):
                text = f"{undo.name}() needs {name}, which a crash can lose: annotate it `... | None`"
                self._report("S020", text, undo.place)

    def _undo_rules(self, step: Step, *, is_past: bool) -> None:
        is_compensatable = not is_past and not step.is_pivot
        if is_compensatable and step.undo is None and step.no_undo is None:
            self._report("S010", f"{step.id} has neither undo= nor no_undo='why not'", step.place)
        if not is_compensatable and step.undo is not None:
            text = f"{step.id} comes after the pivot, so it can only go forward: remove its undo="
            self._report("S011", text, step.place)
        if step.undo_retry.attempts is None:
            self._report("S012", f"the undo of {step.id} has no limit: give undo_retry attempts", step.place)
        if is_past and step.retry.attempts is None:
            self._warn("W002", f"{step.id} is retried without limit: it would never park", step.place)

    def _check_key(self, event: type[Event], key: str, where: str) -> None:
        found = event.model_fields.get(key)
        if found is None:
            self._report("S014", f"{event.__name__} in {where} has no field {key!r}: name the key by key=", "")
            return
        annotation: Any = found.annotation
        if annotation not in KEY_TYPES:
            text = f"{event.__name__}.{key} is {_named(found.annotation)}: a key is str or int"
            self._report("S016", text, "")
            return
        first = self._starts_on.model_fields.get(self._key)
        if first is not None and first.annotation is not found.annotation:
            text = f"{event.__name__}.{key} is {_named(found.annotation)}, the saga's key {_named(first.annotation)}"
            self._report("S016", text, "")


def _facts_in(parts: tuple[Part, ...]) -> Iterator[str]:
    for part in parts:
        match part:
            case Step():
                # Reading the hints of every function here finds annotations that do not resolve.
                _ = (part.do.hints, part.undo and part.undo.hints, part.probe and part.probe.hints)
                yield from filter(None, (fact_of(part),))
            case Wait():
                yield wait_id(part)
            case Sequence() | Parallel():
                yield from _facts_in(part.parts)
            case Sleep():
                pass


def _place(part: Part) -> str:
    return getattr(part, "place", "")


def _accepts(annotation: Any, made: Any) -> bool:
    if annotation is Any:
        return True
    wanted = {one for one in (get_args(annotation) or (annotation,)) if one is not type(None)}
    offered = {one for one in (get_args(made) or (made,)) if one is not type(None)}
    if is_optional(made) and not is_optional(annotation):
        return False
    return all(any(inspect.isclass(w) and issubclass(o, w) for w in wanted) for o in offered)


def _is_a(made: Any, kind: type) -> bool:
    return inspect.isclass(made) and issubclass(made, kind)


def _named(annotation: Any) -> str:
    return getattr(annotation, "__name__", str(annotation))
