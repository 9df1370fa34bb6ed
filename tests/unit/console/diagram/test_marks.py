"""Each phase has its mark, told by sign and words; what is not known is shown as it is called."""

import pytest

from orchestrator.console.diagram.marks import BACK, FORWARD, IDLE, Mark, back_mark, forward_mark
from orchestrator.engine.states import Phase
from orchestrator.service.records import StepRow


def row(phase: str, outcome: str = "none") -> StepRow:
    return StepRow(step="a", phase=phase, outcome=outcome)


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_is_in_one_of_the_tables(phase) -> None:
    assert (phase in FORWARD) != (phase in BACK)


def test_marks_of_one_direction_differ_in_words_and_none_is_colour_alone() -> None:
    for table in (FORWARD, BACK):
        assert len({mark.words for mark in table.values()}) == len(table)
        assert all(mark.sign and mark.words for mark in table.values() if mark != IDLE)


def test_a_step_that_is_undone_stays_what_it_was() -> None:
    assert forward_mark(row("undone", "ok")).words == "done"
    assert forward_mark(row("stuck", "unknown")).words == "outcome unknown"


def test_a_step_that_was_never_begun() -> None:
    assert forward_mark(None) == IDLE
    assert back_mark(None, is_unwinding=True) == IDLE


@pytest.mark.parametrize(("unwinding", "words"), [(True, "to be undone"), (False, "")])
def test_what_will_be_undone_is_told_once_the_saga_goes_back(unwinding, words) -> None:
    assert back_mark(row("done", "ok"), is_unwinding=unwinding).words == words


def test_a_refused_step_has_nothing_to_undo() -> None:
    assert back_mark(row("refused"), is_unwinding=True) == IDLE


def test_an_unknown_phase_is_neutral_and_keeps_its_name() -> None:
    assert forward_mark(row("levitating")) == Mark("unknown", "", "levitating")
    assert back_mark(row("levitating"), is_unwinding=False) == Mark("unknown", "", "levitating")
