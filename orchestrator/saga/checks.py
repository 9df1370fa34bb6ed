"""Walks a flow and finds everything that is wrong with a definition. `rules` lists the rules and their codes."""

from __future__ import annotations

import keyword
import re
import reprlib
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from orchestrator.messages import snake_case
from orchestrator.saga.checks_arguments import ArgumentChecks
from orchestrator.saga.checks_functions import FunctionChecks
from orchestrator.saga.checks_messages import MessageChecks, named
from orchestrator.saga.checks_undo import UndoChecks
from orchestrator.saga.flow import Parallel, Sequence, Sleep, Step, Wait, holds_pivot, parts_within
from orchestrator.saga.functions import CONTEXT, Function, is_optional
from orchestrator.saga.known import Known, Made
from orchestrator.saga.rules import Findings

if TYPE_CHECKING:
    from orchestrator.saga.flow import Part
    from orchestrator.saga.functions import AnyFunction
    from orchestrator.saga.outline import Outline

SAGA_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
STEP_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
SHORTEST = timedelta(milliseconds=1)


def check(outline: Outline, parts: tuple[Part, ...]) -> Findings:
    """Everything that is wrong with a saga, at once."""
    findings = Findings()
    arguments = ArgumentChecks(findings)
    mended, kept = arguments.outline(outline), arguments.parts(parts)
    if mended is not None:
        walk = _Walk(findings, mended, kept)
        walk.is_complete = walk.is_complete and arguments.are_whole
        walk.head()
        if kept or not parts:
            walk.flow(kept)
    return findings


class _Walk:
    """One walk through a flow, in the order written."""

    def __init__(self, findings: Findings, outline: Outline, parts: tuple[Part, ...]) -> None:
        self.findings = findings
        self._outline = outline
        self._messages = MessageChecks(self.findings, outline.starts_on, outline.key)
        self._functions = FunctionChecks(self.findings, self._messages)
        self._undo = UndoChecks(self.findings)
        self._trigger = snake_case(outline.starts_on.__name__)
        self._names: dict[str, str] = {}
        self._makers: dict[str, str] = {self._trigger: "the trigger"}
        self._later, self.is_complete = self._facts_in(parts)

    def head(self) -> None:
        """The rules about the saga's own options."""
        outline, report = self._outline, self.findings.report
        if not SAGA_NAME.fullmatch(outline.name):
            text = f"the saga's name is {outline.name!r}: use small letters, digits and dashes, at most 63"
            report("S026", text, outline.place)
        if type(outline.version) is not int or outline.version < 1:
            report("S026", f"the version is {outline.version!r}: count from 1, in whole numbers", outline.place)
        for option in ("within", "compensation_window"):
            length = getattr(outline, option)
            if length is not None and length < SHORTEST:
                report("S019", f"the saga's {option} is {length}: give it a length of time", outline.place)
        self._messages.key(outline.starts_on, outline.key, "starts_on", outline.place)
        self._messages.message(outline.starts_on)

    def flow(self, parts: tuple[Part, ...]) -> None:
        """The rules about the parts, from the top to the bottom."""
        if not parts:
            self.findings.report("S013", "the saga has no parts: give it at least one step", self._outline.place)
        known = Known({self._trigger: Made(self._outline.starts_on)}, {self._trigger})
        self._sequence(parts, known, is_past=False)

    def _facts_in(self, parts: tuple[Part, ...]) -> tuple[dict[str, str], bool]:
        """Which step makes which fact, and whether all could be read."""
        found: dict[str, str] = {}
        is_complete = True
        for part in parts_within(parts):
            if isinstance(part, Wait):
                found.setdefault(part.id, part.id)
            elif isinstance(part, Step):
                readable = self._is_readable(part)
                is_complete = is_complete and readable
                if readable and part.fact is not None:
                    found.setdefault(part.fact, part.id)
        return found, is_complete

    def _is_readable(self, step: Step) -> bool:
        readable = [self._functions.check(function, step.place) for function in step.functions]
        return all(readable)

    # -- parts of parts ------------------------------------------------------------------------------------------

    def _sequence(self, parts: tuple[Part, ...], known: Known, *, is_past: bool) -> None:
        for part in parts:
            if is_past and holds_pivot(part):
                text = "a second pivot on one path: there is one point of no return; make it a step"
                self.findings.report("S008", text, part.place)
            self._part(part, known, is_past=is_past)
            is_past = is_past or holds_pivot(part)

    def _part(self, part: object, known: Known, *, is_past: bool) -> None:
        match part:
            case Step():
                self._step(part, known, is_past=is_past)
            case Wait():
                self._wait(part, known, is_past=is_past)
            case Sleep():
                self._name(part.id, part.place)
                self._length(part.id, part.duration, part.place)
                known.record()
            case Sequence():
                if not part.parts:
                    self.findings.report("S013", "sequence() without parts: give it steps, or remove it", part.place)
                self._sequence(part.parts, known, is_past=is_past)
            case Parallel():
                self._parallel(part, known, is_past=is_past)
            case _:
                self._stranger(part)

    def _stranger(self, part: object) -> None:
        shown = part.name + "()" if isinstance(part, Function) else reprlib.repr(part)
        text = f"{shown} is no part of a flow: wrap it in step(...), publish(...) or pivot(...)"
        self.findings.report("S028", text, self._outline.place)

    def _parallel(self, part: Parallel, known: Known, *, is_past: bool) -> None:
        if not part.parts:
            self.findings.report("S013", "parallel() without branches: give it steps, or remove it", part.place)
        if holds_pivot(part):
            self.findings.report("S009", "a pivot inside parallel: move it before or behind", part.place)
        finished: list[Known] = []
        for number, branch in enumerate(part.parts):
            below = frozenset(self._facts_in(part.parts[number + 1 :])[0])
            inside = known.branch(finished, below)
            self._part(branch, inside, is_past=is_past)
            finished.append(inside)
        known.join(finished)

    # -- leaves --------------------------------------------------------------------------------------------------

    def _step(self, step: Step, known: Known, *, is_past: bool) -> None:
        if not self._is_readable(step):
            return
        self._undo.step(step, is_past=is_past)
        self._undo.kinds(step)
        self._name(step.id, step.place)
        self._length(step.id, step.within, step.place)
        own = {step.fact: Made(step.do.fact_type)} if step.fact and step.do.fact_type else {}
        self._facts(step.do, step, known, {})
        if step.undo is not None:
            self._facts(step.undo, step, known, own)
            if not is_past:
                self._undo.facts(step, step.undo, known)
        if step.probe is not None:
            self._facts(step.probe, step, known, {})
        goes_through_server = step.do.lane == "durable" or step.is_pivot
        if goes_through_server:
            known.record()
        for fact, made in own.items():
            self._make(fact, made, step.id, step.place, known)
            if goes_through_server:
                known.recorded.add(fact)

    def _wait(self, wait: Wait, known: Known, *, is_past: bool) -> None:
        label = f"wait_for({wait.event.__name__})"
        report = self.findings.report
        self._name(wait.id, wait.place)
        self._messages.key(wait.event, wait.key or self._outline.key, label, wait.place)
        self._messages.message(wait.event)
        if wait.within is None:
            report("S015", f"{label} has no limit: add within=", wait.place)
        else:
            self._length(wait.id, wait.within, wait.place)
        if is_past and wait.on_timeout == "abort":
            report("S018", f"{label} behind the pivot cannot abort: add on_timeout='continue'", wait.place)
        if wait.on_missing == "start" and wait.event is not self._outline.starts_on:
            text = f"{label} cannot start an execution, only {self._outline.starts_on.__name__} can: choose another"
            report("S029", f"{text} on_missing=", wait.place)
        # An event that came early lets a run pass, so a wait records nothing: neither what was before, nor its own.
        self._make(wait.id, Made(wait.event, is_certain=wait.on_timeout == "abort"), wait.id, wait.place, known)

    # -- single rules --------------------------------------------------------------------------------------------

    def _name(self, name: str, place: str) -> None:
        if name == CONTEXT:
            self.findings.report("S017", f"{name!r} is reserved for the action's context: rename it by as_=", place)
        elif keyword.iskeyword(name):
            self.findings.report("S017", f"{name!r} is a word of Python and no parameter's name: rename by as_=", place)
        elif not STEP_NAME.fullmatch(name):
            text = f"{name!r} cannot be a parameter's name: use small letters, digits and _, at most 100"
            self.findings.report("S017", text, place)
        if name in self._names:
            text = f"two steps are called {name!r} (the other: {self._names[name]}): rename one by as_="
            self.findings.report("S007", text, place)
        self._names.setdefault(name, place)

    def _length(self, name: str, length: timedelta, place: str) -> None:
        limit = self._outline.within
        if length < SHORTEST:
            self.findings.report("S019", f"{name} has {length} for its length: give it more than none", place)
        elif limit is not None and length > limit:
            text = f"{name} may take {length}, the saga only {limit}: raise the saga's within=, or lower this"
            self.findings.report("S019", text, place)

    def _make(self, fact: str, made: Made, maker: str, place: str, known: Known) -> None:
        if fact in self._makers:
            text = f"{maker} makes {fact!r}, which {self._makers[fact]} makes too: rename one by as_="
            self.findings.report("S003", text, place)
        self._makers.setdefault(fact, maker)
        known.make(fact, made)

    def _facts(self, function: AnyFunction, step: Step, known: Known, own: dict[str, Made]) -> None:
        for name, annotation in function.parameters.items():
            made = own.get(name) or known.take(name)
            if made is None:
                self._missing(function, step, name, known, [*own, *known.facts])
            elif name in function.hints:
                self._fits(function, name, annotation, made)

    def _fits(self, function: AnyFunction, name: str, annotation: Any, made: Made) -> None:
        if annotation not in (made.type, made.type | None):
            text = f"{function.name}() takes {name} as {named(annotation)}, but it is {named(made.type)}"
            self.findings.report("S004", text, function.place)
        elif not made.is_certain and not is_optional(annotation):
            text = f"{function.name}() counts on {name!r}, which is missing when the wait for it ends without it"
            self.findings.report("S024", f"{text}: annotate {named(made.type)} | None", function.place)

    def _missing(self, function: AnyFunction, step: Step, name: str, known: Known, there: list[str]) -> None:
        asks = f"{function.name}() asks for {name!r}"
        if name in known.elsewhere:
            text = f"{asks}, which a branch written below makes: write that branch first, and {step.id} waits for it"
            self.findings.report("S024", text, function.place)
        elif name in self._later:
            maker = self._later[name]
            move = f"move {step.id} below it" if maker != step.id else "only its undo can know that"
            self.findings.report("S002", f"{asks}, which {maker} makes later; {move}", function.place)
        elif self.is_complete:
            close = get_close_matches(name, there, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Known here: {', '.join(sorted(there))}."
            self.findings.report("S001", f"{asks}, which is not known. {hint}", function.place)
