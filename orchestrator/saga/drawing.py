"""Draws a plan as a Mermaid flowchart: the way forward solid, what undoes a step dashed, the pivot as a hexagon."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from orchestrator.saga.plan import Leaf, ParallelPlan, SequencePlan, SleepPlan, StepPlan, WaitPlan

if TYPE_CHECKING:
    from orchestrator.saga.plan import Node, Plan


def draw(plan: Plan) -> str:
    """The plan as Mermaid text, the same for the same plan."""
    lines = ["flowchart TD", f"  start([{_text(plan.trigger.event)}])"]
    last = _draw(plan.root, ["start"], lines)
    lines += [f"  {name} --> done" for name in last]
    lines.append(f"  done([{_text(plan.saga)} completed])")
    return "\n".join(lines) + "\n"


def _draw(node: Node, entries: list[str], lines: list[str]) -> list[str]:
    """Draw `node` behind `entries`; returns what comes last in it."""
    match node:
        case SequencePlan():
            for child in node.children:
                entries = _draw(child, entries, lines)
            return entries
        case ParallelPlan():
            return [last for child in node.children for last in _draw(child, entries, lines)]
        case _:
            lines.extend(_leaf(node))
            lines.extend(f"  {entry} --> {node.id}" for entry in entries)
            return [node.id]


def _leaf(leaf: Leaf) -> list[str]:
    match leaf:
        case StepPlan():
            return _step(leaf)
        case WaitPlan():
            return [f"  {leaf.id}[/wait for {_text(leaf.event)}/]"]
        case SleepPlan():
            return [f"  {leaf.id}[/wait {leaf.duration_ms / 1000:g} s/]"]
        case _:
            assert_never(leaf)


def _step(step: StepPlan) -> list[str]:
    label = _text(f"{step.id} → {step.do.participant}" if step.do.participant else step.id)
    if step.phase == "pivot":
        return [f"  {step.id}{{{{{label}}}}}"]
    lines = [f"  {step.id}[{label}]"]
    if step.undo is not None:
        name = step.undo.handler.partition(".")[2].partition("@")[0]
        lines.append(f"  {step.id} -. undo .-> {step.id}_undo[{_text(name)}]:::undo")
    return lines


def _text(text: str) -> str:
    escaped = text.replace("&", "#amp;").replace('"', "#quot;")
    return f'"{escaped}"'
