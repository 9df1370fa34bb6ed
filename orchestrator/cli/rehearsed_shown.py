"""A rehearsed execution for a terminal, and as a document."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Group
from rich.text import Text

from orchestrator.cli.context import print_document, table_console
from orchestrator.cli.exits import DIFFERS, OK, PARTIAL
from orchestrator.cli.tables import plain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from orchestrator.saga.plan import Plan
    from orchestrator.service.differing import Comparison, Line, Verdict
    from orchestrator.service.rehearsing import Rehearsed
    from orchestrator.testing.walking import Begun

STATUS: dict[Verdict, int] = {"same": OK, "differs": DIFFERS, "unknown": PARTIAL}
SAID: dict[Verdict, tuple[str, str]] = {
    "same": ("today's definition would go the same way", "green"),
    "differs": ("today's definition would go another way", "yellow"),
    "unknown": ("nothing differs that is known; not all is known", "yellow"),
}


def show_rehearsed(made: Rehearsed, *, json: bool) -> None:
    """Print it, and exit with a status that says whether they differ."""
    if json:
        print_document(document(made))
    else:
        table_console().print(picture(made))
    status = STATUS[made.comparison.verdict]
    if status:
        raise typer.Exit(status)


def document(made: Rehearsed) -> dict[str, Any]:
    """As JSON values."""
    found = made.comparison
    return {
        "execution": made.execution_id,
        "verdict": found.verdict,
        "first_divergence": found.first or None,
        "then": {**_definition(made.then), "status": found.status_then},
        "today": {**_definition(made.today), "status": found.status_today},
        "attempts": [_line(one) for one in found.lines],
        "differs": list(found.others),
        "unknown": list(found.unknown),
    }


def picture(made: Rehearsed) -> Group:
    """For a terminal."""
    found = made.comparison
    table = plain("then", "today", "attempt", "outcome then", "outcome today", "differs")
    for one in found.lines:
        places = [str(place) if place else "" for place in one.places]
        outcomes = [Text(_outcome(begun)) for begun in (one.then, one.today)]
        table.add_row(*places, Text(one.name), *outcomes, Text("; ".join(one.differs), style="yellow"))
    then, today = (f"version {plan.version} ({plan.content_hash})" for plan in (made.then, made.today))
    lines: list[RenderableType] = [Text(f"{made.execution_id}: {then} then, {today} today", style="bold"), table]
    lines.append(Text(f"status: {found.status_then} then, {found.status_today} today"))
    lines += [Text(text, style="yellow") for text in found.others if not text.startswith("status:")]
    lines += [Text(f"not known: {text}", style="dim") for text in found.unknown]
    return Group(*lines, _said(found))


def _said(found: Comparison) -> Text:
    said, style = SAID[found.verdict]
    return Text(f"{said}: {found.first}" if found.first else said, style=style)


def _definition(plan: Plan) -> dict[str, Any]:
    return {"version": plan.version, "plan": plan.content_hash}


def _outcome(begun: Begun | None) -> str:
    return "" if begun is None else " ".join(filter(None, (begun.end or "open", begun.code)))


def _line(one: Line) -> dict[str, Any]:
    begun = one.then or one.today
    assert begun is not None  # noqa: S101 - a line is of one of them
    return {
        "step": begun.step,
        "direction": begun.direction,
        "attempt": begun.attempt,
        "then": _side(one.then, one.places[0]),
        "today": _side(one.today, one.places[1]),
        "differs": list(one.differs),
    }


def _side(begun: Begun | None, place: int) -> dict[str, Any] | None:
    if begun is None:
        return None
    outcome = {"outcome": begun.end or None, "code": begun.code, "reason": begun.reason}
    return {"place": place, "input": asdict(begun.input), **outcome, "problem": begun.problem}
