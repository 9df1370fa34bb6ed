"""Stored journals fold to what they came to when they were recorded (invariant 23)."""

from typing import get_args

from orchestrator.engine import signals
from tests.replay.journals import folded, stored

JOURNALS = stored()


def test_every_stored_journal_folds_to_what_it_came_to() -> None:
    for number, journal in enumerate(JOURNALS):
        now, then = folded(journal)
        assert now == then, f"journal {number}"


def test_the_journals_hold_every_kind_of_signal_and_end() -> None:
    kinds = {beat["kind"] for journal in JOURNALS for beat in journal["beats"]}
    every = {kind.__name__ for kind in (*get_args(signals.Operator), *get_args(signals.Outcome))}
    assert every | {"Started", "Arrived", "Elapsed", "Lost", "Withdrawn"} <= kinds
    words = {journal["beats"][-1]["then"][-1] for journal in JOURNALS}
    assert {"Completed", "Compensated", "Partially compensated", "Aborted"} <= words
