"""The table of express.md, rule 14: every state, direction, body and deadline."""

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.contracts.protocol import CommandHeaders
from orchestrator.engine.signals import Direction
from orchestrator.participant.inbox import Deed, Row, decide

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def command(direction: Direction = "do", deadline=None):
    return CommandHeaders(
        execution="s:1", workflow="s:1", step="a", direction=direction, attempt=1, key="k", undoes="f" if direction == "undo" else "",
        deadline=deadline,
    )  # fmt: skip


def row(state):
    return Row(forward_key="k", state=state, body_hash="same")


@pytest.mark.parametrize(
    ("state", "body", "deed", "code"),
    [
        (None, "same", Deed.RUN, ""),
        ("done", "same", Deed.ANSWER, ""),
        ("done", "other", Deed.REFUSE, "conflict"),
        ("refused", "same", Deed.ANSWER, ""),
        ("refused", "other", Deed.REFUSE, "conflict"),
        ("undone", "same", Deed.REFUSE, "undone"),
        ("undone", "other", Deed.REFUSE, "undone"),
    ],
)
def test_a_forward_command(state, body, deed, code) -> None:
    verdict = decide(row(state) if state else None, command(), body, NOW)
    assert (verdict.deed, verdict.code) == (deed, code)


@pytest.mark.parametrize(
    ("state", "deed"),
    [(None, Deed.NOTHING), ("refused", Deed.NOTHING), ("done", Deed.RUN), ("undone", Deed.DONE)],
)
def test_an_undo_whatever_its_body_and_deadline(state, deed) -> None:
    late = NOW - timedelta(hours=1)
    assert decide(row(state) if state else None, command("undo", late), "other", NOW).deed is deed


def test_a_forward_command_past_its_deadline_is_refused_and_never_begun() -> None:
    assert decide(None, command(deadline=NOW - timedelta(seconds=1)), "same", NOW).code == "expired"


def test_a_repeat_past_the_deadline_still_gets_the_stored_reply() -> None:
    assert decide(row("done"), command(deadline=NOW - timedelta(seconds=1)), "same", NOW).deed is Deed.ANSWER


def test_a_probe_is_always_run() -> None:
    assert decide(row("done"), command("probe"), "other", NOW).deed is Deed.RUN
