"""Rules about the way back: what needs an undo, what may not have one, and which facts an undo can count on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.saga.checks_messages import named
from orchestrator.saga.flow import WITHIN
from orchestrator.saga.functions import is_optional

if TYPE_CHECKING:
    from orchestrator.saga.flow import Step
    from orchestrator.saga.functions import AnyFunction
    from orchestrator.saga.known import Known
    from orchestrator.saga.rules import Findings


class UndoChecks:
    """Checks how the steps of one saga are undone, probed and retried."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def step(self, step: Step, *, is_past: bool) -> None:
        """The rules that do not look into functions. `is_past`: a pivot stands before the step."""
        report = self._findings.report
        name = step.id
        if is_past or step.is_pivot:
            if step.undo is not None:
                text = f"{name} comes after the pivot, so it can only go forward: remove its undo="
                report("S011", text, step.place)
            if step.retry.attempts is None:
                text = f"{name} is retried without limit, so it would never park for a person: give it attempts"
                report("W002", text, step.place)
            return
        if step.undo is None and not (step.no_undo or "").strip():
            report("S010", f"{name} has neither undo= nor no_undo='why not'", step.place)
        if step.undo is not None and step.no_undo is not None:
            report("S010", f"{name} has undo= and no_undo=: keep one of them", step.place)
        if step.undo_retry.attempts is None:
            report("S012", f"the undo of {name} has no limit: give undo_retry attempts", step.place)

    def kinds(self, step: Step) -> None:
        """Whether do, undo and probe can be what they are declared as. All functions are readable."""
        self._verb(step)
        if step.undo is not None and (step.undo.lane == "publish") != (step.do.lane == "publish"):
            wanted = "publish(...) of a correcting event" if step.do.lane == "publish" else "an action or a command"
            text = f"{step.undo.name}() cannot undo {step.id}: its undo is {wanted}"
            self._findings.report("S028", text, step.place)
        if step.probe is not None and step.probe.lane == "publish":
            text = f"{step.probe.name}() builds an event, but a probe of {step.id} finds out its result"
            self._findings.report("S028", f"{text}: give an action or a command", step.place)
        elif step.probe is not None and step.probe.fact_type is not step.do.fact_type:
            text = f"{step.probe.name}() gives {named(step.probe.fact_type)}, but a probe of {step.id} finds out its"
            self._findings.report("S028", f"{text} result: give {named(step.do.fact_type)}", step.place)

    def _verb(self, step: Step) -> None:
        do, report = step.do, self._findings.report
        if step.verb != "publish" and do.lane == "publish":
            report("S028", f"{do.name}() builds an event: write publish({do.name}), not {step.verb}(...)", step.place)
        if step.verb == "publish" and do.lane != "publish":
            what = "builds a command" if do.lane == "command" else "is an action"
            report("S028", f"{do.name}() {what}: write step({do.name}, ...), not publish(...)", step.place)
        if do.lane == "brief" and not step.is_pivot and step.within > WITHIN:
            text = f"{do.name}() is brief, so it is stopped after a second, and within={step.within} says otherwise"
            report("S032", f"{text}: declare it by @action without brief, or leave within= out", step.place)

    def facts(self, step: Step, undo: AnyFunction, known: Known) -> None:
        """Whether the facts that an undo needs are there whenever it runs (express.md, 3)."""
        for name, annotation in undo.parameters.items():
            if is_optional(annotation) or name in known.recorded:
                continue
            optional = f"annotate {named(annotation)} | None"
            if step.do.lane != "durable" and (name in known.facts or name == step.fact):
                text = f"{undo.name}() needs {name!r}, which a crash can lose while {step.id} was begun: {optional}"
                self._findings.report("S020", text, undo.place)
            elif name == step.fact:
                text = f"{undo.name}() needs {name!r}, which is missing when the outcome of {step.id} is unknown"
                self._findings.report("W001", f"{text}: {optional}", undo.place)
