"""An execution as a picture for a terminal: its steps in the order of the flow, and where each stands. Pure.

What comes from elsewhere (ids, reasons, errors) is printed as it is: never as markup, never as emoji.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias, assert_never

from rich.console import Group
from rich.table import Table
from rich.text import Text

from orchestrator.engine.states import Phase, StepState
from orchestrator.saga.plan import ParallelPlan, SequencePlan, SleepPlan, StepPlan, WaitPlan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.engine.states import Abort, State
    from orchestrator.saga.plan import Leaf, Node, Plan

Cell: TypeAlias = "str | Text"

STANDS = MappingProxyType(
    {
        Phase.IDLE: ("·", "not begun", "dim"),
        Phase.DOING: ("▶", "under way", "cyan"),
        Phase.RESTING: ("▶", "will be tried again", "cyan"),
        Phase.PROBING: ("▶", "outcome is being looked up", "cyan"),
        Phase.DONE: ("✓", "done", "green"),
        Phase.REFUSED: ("✗", "refused, no effect", "yellow"),
        Phase.DOUBTFUL: ("?", "outcome unknown", "yellow"),
        Phase.PARKED: ("!", "parked: a person decides", "bold red"),
        Phase.DROPPED: ("·", "given up", "dim"),
        Phase.UNDOING: ("↩", "being undone", "cyan"),
        Phase.UNDO_RESTING: ("↩", "undo will be tried again", "cyan"),
        Phase.UNDONE: ("↩", "undone", "green"),
        Phase.STUCK: ("!", "undo stuck: a person decides", "bold red"),
        Phase.LEFT: ("-", "left as it is", "yellow"),
    }
)
"""How each phase is marked, named and coloured."""

MEANINGS = MappingProxyType(
    {
        "Stuck": "An undo gave up. What its step depended on waits until a person decides; the rest is undone.",
        "Parked": "A step behind the point of no return gave up, or has no code. It waits until a person decides.",
        "Suspended": "A person suspended it. Nothing new begins until it is resumed.",
        "Terminated": "It was terminated in Temporal, from outside. Nothing goes on, and nothing was undone by that.",
        "Timed out": "Temporal ended it at a limit set from outside. Nothing goes on, and nothing was undone by that.",
        "Failed": "Its workflow failed in Temporal. Nothing goes on, and nothing was undone by that.",
        "Canceled": "It was canceled in Temporal, past the saga. Nothing goes on, and nothing was undone by that.",
    }
)
"""What words mean that ask for a person."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the tree: a step, or (`leaf` is None) what holds several."""

    depth: int
    name: str
    leaf: Leaf | None = None


def draw_execution(plan: Plan, state: State, word: str, in_doubt: Sequence[str] = ()) -> Group:
    """An execution as a tree of steps.

    Args:
        plan: the plan that it began with.
        state: where it stands.
        word: its status, as lists show it; of one that was ended from outside, how.
        in_doubt: steps that a lost attempt may have begun.
    """
    head = [Text(f"{state.execution_id}: {word}", style="bold")]
    if word in MEANINGS:
        head.append(Text(MEANINGS[word]))
    head += [Text(sentence) for sentence in _news(state)]
    table = Table("step", "stands", "attempts", "reason", box=None, pad_edge=False, header_style="dim")
    table.columns[0].overflow = table.columns[3].overflow = "fold"
    for line in lines(plan.root):
        table.add_row(*_cells(line, state, in_doubt))
    return Group(*head, Text(), table)


def lines(root: Node) -> Iterator[Line]:
    """The tree of a flow, from the top to the bottom. The outermost sequence is the flow itself."""
    for node in root.children if isinstance(root, SequencePlan) else (root,):
        yield from _lines(node, 0)


def _lines(node: Node, depth: int) -> Iterator[Line]:
    match node:
        case SequencePlan() | ParallelPlan():
            yield Line(depth, "one after the other" if isinstance(node, SequencePlan) else "at the same time")
            for child in node.children:
                yield from _lines(child, depth + 1)
        case StepPlan() | WaitPlan() | SleepPlan():
            yield Line(depth, node.id, node)
        case _:
            assert_never(node)


def _news(state: State) -> Iterator[str]:
    """What is said of the whole, one sentence each."""
    if state.abort is not None:
        yield _turned_back(state.abort)
    if state.waiting_abort is not None:
        yield f"{_turned_back(state.waiting_abort)} (as soon as the outcome of the pivot is known)"
    if state.compensating:
        yield "A person asked to undo it after its end."
    if state.abandoned:
        yield "A person abandoned the rest of the undoing."
    if state.held:
        kinds = ", ".join(sorted({event.type for event in state.held}))
        count = "1 event is" if len(state.held) == 1 else f"{len(state.held)} events are"
        yield f"{count} held that no step wants yet: {kinds}"


def _turned_back(abort: Abort) -> str:
    by = f" by {abort.actor}" if abort.actor else ""
    match abort.reason:
        case "step":
            return f"Turned back: {abort.step} was refused: {abort.text}"
        case "error":
            return f"Turned back: {abort.step} failed: {abort.text}"
        case "cancel":
            return f"Cancelled{by}: {abort.text}"
        case "deadline":
            return f"Turned back: {abort.text}"
        case "operator":
            step = f" from {abort.step}" if abort.step else ""
            return f"Undone{step}{by}: {abort.text}"
        case _:
            assert_never(abort.reason)


def _cells(line: Line, state: State, in_doubt: Sequence[str]) -> tuple[Cell, ...]:
    indent = "  " * line.depth
    if line.leaf is None:
        return Text(f"{indent}  {line.name}", style="dim"), "", "", ""
    step = state.steps.get(line.name, StepState())
    mark, stands, style = STANDS[step.phase]
    if line.name in in_doubt:
        mark, stands, style = "?", "may have been begun", "yellow"
    elif isinstance(line.leaf, WaitPlan | SleepPlan) and step.phase is Phase.DOING:
        stands = "waiting"
    name = Text(f"{indent}{mark} {line.name}", style=style)
    if isinstance(line.leaf, StepPlan) and line.leaf.phase == "pivot":
        name.append(" (pivot)", style="dim")
    return name, Text(stands, style=style), Text(_attempts(step)), Text("\n".join(_reasons(line.leaf, step, state)))


def _attempts(step: StepState) -> str:
    parts = (str(step.attempt) if step.attempt else "", f"undo {step.undo_attempt}" if step.undo_attempt else "")
    return ", ".join(part for part in parts if part)


def _reasons(leaf: Leaf, step: StepState, state: State) -> Iterator[str]:
    """Why it stands there: both errors, and what is not undone though the saga turned back."""
    if step.error:
        yield step.error
    if step.undo_error:
        yield f"undo: {step.undo_error}"
    if state.is_unwinding and isinstance(leaf, StepPlan) and leaf.no_undo and step.phase is Phase.DONE:
        yield f"nothing is undone: {leaf.no_undo}"
