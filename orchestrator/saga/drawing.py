"""Draws a plan as a Mermaid flowchart: the way forward solid, the way back dashed, the pivot as a thick hexagon."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, assert_never

from orchestrator.saga.lengths import length
from orchestrator.saga.plan import ParallelPlan, SequencePlan, SleepPlan, StepPlan, WaitPlan, leaves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.saga.plan import CallPlan, Leaf, Node, Plan

STYLES = ("classDef pivot stroke-width:4px", "classDef undo stroke-dasharray:4 3")


def draw(plan: Plan) -> str:
    """The plan as Mermaid text, the same for the same plan.

    Nodes are named `s_<step>` and `u_<step>` (its undo), so that no step's name is a word of Mermaid's own.
    """
    drawing = _Drawing()
    drawing.add(f"start([{_text(plan.trigger.event)}])")
    drawing.link(drawing.forward(plan.root, ["start"]), "-->", "done")
    drawing.add(f"done([{_text(f'{plan.saga} completed')}])")
    last = drawing.back(plan.root, [])
    if last:
        drawing.link(last, "-.->", "undone")
        drawing.add(f"undone([{_text(f'{plan.saga} compensated')}])")
    for style in STYLES:
        drawing.add(style)
    return "\n".join(["flowchart TD", *drawing.lines]) + "\n"


class _Drawing:
    """The lines of one picture."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._joins = 0

    def add(self, line: str) -> None:
        """One more line."""
        self.lines.append(f"  {line}")

    def link(self, entries: Sequence[str], arrow: str, node: str) -> None:
        """An arrow from each entry to `node`."""
        for entry in entries:
            self.add(f"{entry} {arrow} {node}")

    def forward(self, node: Node, entries: list[str]) -> list[str]:
        """Draw `node` behind `entries`; returns what comes last in it."""
        match node:
            case SequencePlan():
                for child in node.children:
                    entries = self.forward(child, entries)
                return entries
            case ParallelPlan():
                entries = self._joined(entries, "-->")
                return list(chain.from_iterable(self.forward(child, entries) for child in node.children))
            case _:
                self._leaf(node, entries)
                return [f"s_{node.id}"]

    def back(self, node: Node, entries: list[str]) -> list[str]:
        """Draw the undos in `node`, which follow those in `entries`; returns those that come last on the way back."""
        match node:
            case SequencePlan():
                for child in reversed(node.children):
                    entries = self.back(child, entries)
                return entries
            case ParallelPlan():
                branches = [child for child in node.children if _has_undo(child)]
                entries = self._joined(entries, "-.->") if branches else entries
                return list(chain.from_iterable(self.back(child, entries) for child in branches)) or entries
            case StepPlan(undo=undo) if undo is not None:
                name = f"u_{node.id}"
                self.add(f"{name}[{_text(_call(undo))}]:::undo")
                self.add(f"s_{node.id} -. undo .-> {name}")
                self.link(entries, "-.->", name)
                return [name]
            case _:
                return entries

    def _joined(self, entries: list[str], arrow: str) -> list[str]:
        """One entry for several, so that two parallels in a row do not make an arrow from each to each."""
        if len(entries) <= 1:
            return entries
        self._joins += 1
        name = f"join{self._joins}"
        self.add(f"{name}(( ))")
        self.link(entries, arrow, name)
        return [name]

    def _leaf(self, leaf: Leaf, entries: list[str]) -> None:
        self.add(_shape(leaf))
        self.link(entries, "-->", f"s_{leaf.id}")
        if isinstance(leaf, StepPlan):
            self.link([f"s_{maker}" for maker in leaf.after], "-- fact -->", f"s_{leaf.id}")


def _shape(leaf: Leaf) -> str:
    name = f"s_{leaf.id}"
    match leaf:
        case StepPlan(phase="pivot"):
            return f"{name}{{{{{_text(_call(leaf.do, leaf.id))}}}}}:::pivot"
        case StepPlan():
            return f"{name}[{_text(_call(leaf.do, leaf.id))}]"
        case WaitPlan():
            otherwise = ", else go on" if leaf.on_timeout == "continue" else ""
            return f"{name}[/{_text(f'wait for {leaf.event} (at most {length(leaf.within_ms)}{otherwise})')}/]"
        case SleepPlan():
            return f"{name}[/{_text(f'sleep {length(leaf.duration_ms)}')}/]"
        case _:
            assert_never(leaf)


def _has_undo(node: Node) -> bool:
    return any(isinstance(leaf, StepPlan) and leaf.undo is not None for leaf in leaves(node))


def _call(call: CallPlan, name: str | None = None) -> str:
    shown = name or call.handler.partition(".")[2].partition("@")[0]
    if call.lane == "publish":
        return f"publish {call.message_type}"
    return f"{shown} → {call.participant}" if call.participant else shown


def _text(text: str) -> str:
    """A label in quotes; Mermaid reads `#...;` as a character by its name."""
    escaped = text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
    return f'"{escaped}"'
