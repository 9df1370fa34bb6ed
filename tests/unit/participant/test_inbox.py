"""The table of express.md, rule 14: every state, direction, body and deadline."""

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.contracts.protocol import CONFLICT, EXPIRED, UNDONE, CommandHeaders
from orchestrator.participant.inbox import Deed, Row, Verdict, decide

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEADLINES = {"none": None, "ahead": NOW + timedelta(seconds=1), "now": NOW, "past": NOW - timedelta(microseconds=1)}
BODIES = ("same", "other", "unknown")
STATES = (None, "done", "refused", "undone")


def verdict(direction, state, body, deadline):
    command = CommandHeaders(
        execution="s:1",
        workflow="s:1",
        step="a",
        direction=direction,
        attempt=1,
        key="k",
        undoes="" if direction == "do" else "f",
        deadline=DEADLINES[deadline],
    )
    known = {"same": "hash", "other": "another", "unknown": ""}[body]
    row = Row(forward_key=command.forward_key, state=state, body_hash=known) if state else None
    return decide(row, command, "hash", NOW)


def expected(direction, state, body, deadline):
    """The same table, written the other way round: by answer."""
    match direction, state:
        case "do", None:
            return (Deed.REFUSE, EXPIRED, True) if deadline == "past" else (Deed.RUN, "", False)
        case _, "undone":
            return (Deed.DONE, "", False) if direction == "undo" else (Deed.REFUSE, UNDONE, False)
        case "do", _:
            return (Deed.REFUSE, CONFLICT, False) if body == "other" else (Deed.ANSWER, "", False)
        case "undo", "done":
            return Deed.RUN, "", False
        case "undo", _:
            return Deed.NOTHING, "", False
        case "probe", None:
            return Deed.RUN, "", False
        case "probe", _:
            return Deed.ANSWER, "", False


@pytest.mark.parametrize("direction", ["do", "undo", "probe"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("deadline", DEADLINES)
def test_every_cell_of_the_table(direction, state, body, deadline) -> None:
    found = verdict(direction, state, body, deadline)
    assert (found.deed, found.code, found.retryable) == expected(direction, state, body, deadline)


def test_every_refusal_says_why() -> None:
    cells = [verdict(d, s, b, t) for d in ("do", "undo", "probe") for s in STATES for b in BODIES for t in DEADLINES]
    assert {bool(cell.reason) for cell in cells if cell.deed is Deed.REFUSE} == {True}
    assert {cell for cell in cells if cell.deed is not Deed.REFUSE} == {
        Verdict(deed) for deed in Deed if deed is not Deed.REFUSE
    }


def test_a_deadline_in_another_time_zone_is_the_same_moment() -> None:
    command = CommandHeaders(
        execution="s:1", workflow="s:1", step="a", direction="do", attempt=1, key="k",
        deadline=datetime.fromisoformat("2026-01-01T01:00:00+02:00"),
    )  # fmt: skip
    assert decide(None, command, "hash", NOW).code == EXPIRED
