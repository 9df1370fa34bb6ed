"""The simulation is able to find what it looks for: each rule has a fault that breaks it, and a seed that shows it."""

import pytest

from orchestrator.testing.simulation.suite import simulate
from tests.mutants import interpreter as faults
from tests.mutants.interpreter import MOST_SEEDS, first_killer

MUTANTS = [
    ("2", faults.an_undo_is_sent_under_the_forward_key, 4),
    ("4", faults.a_pivot_rides_in_a_run, 242),
    ("5", faults.a_run_goes_on_behind_what_did_not_succeed, 14233),
    ("5", faults.results_of_a_run_are_not_handed_on, 86),
    ("6", faults.news_waits_for_the_end_of_all_runs, 47),
    ("7", faults.a_person_is_obeyed_in_a_task_that_may_vanish, 4344),
    ("8", faults.an_abort_is_not_recorded_before_its_undos, 4344),
    ("8", faults.an_unknown_outcome_is_not_recorded_before_its_undos, 4344),
    ("8", faults.a_cancel_is_not_recorded_before_its_undos, 14233),
    ("8", faults.every_refusal_counts_as_stable, 86),
    ("8", faults.a_refusal_counts_as_stable_beside_an_open_branch, 86),
    ("8", faults.a_release_is_taken_without_a_look_at_the_history, 24897),
    ("9", faults.nobody_looks_at_the_history, 4344),
    ("9", faults.the_look_sees_the_task_at_hand_only, 4344),
    ("9", faults.a_time_out_is_no_sign_of_a_lost_attempt, 4344),
    ("9", faults.a_failure_is_no_sign_of_a_lost_attempt, 14233),
    ("9", faults.what_comes_while_an_abort_is_recorded_is_taken_before_it, 108),
    ("9", faults.nobody_looks_back_before_a_new_run, 4734),
    ("9", faults.a_lost_attempt_is_forgotten_over_a_new_run, 4734),
    ("10", faults.what_a_lost_attempt_may_have_begun_is_not_counted, 4344),
    ("10", faults.what_was_asked_for_when_the_attempt_was_lost_is_not_counted, 19251),
    ("10", faults.the_newest_state_counts_as_recorded, 19251),
    ("10", faults.what_the_run_has_begun_is_withdrawn, 35),
    ("11", faults.what_was_not_begun_begins_behind_the_abort, 19251),
    ("11", faults.forward_commands_are_sent_again_behind_the_abort, 124),
    ("13", faults.performers_know_no_deadline, 4734),
    ("14", faults.a_command_behind_its_undo_is_carried_out, 38),
    ("14", faults.a_repeated_command_is_carried_out_again, 4344),
    ("14", faults.a_refusal_is_not_kept, 189),
    ("18", faults.a_new_run_begins_while_activities_are_open, 1617),
    ("18", faults.limits_are_forgotten_over_a_new_run, 1617),
    ("invariant 24", faults.a_snapshot_leaves_while_history_is_replayed, 0),
    ("invariant 24", faults.what_is_lost_behind_an_abort_is_not_told, 855),
    ("invariant 24", faults.only_the_first_end_of_an_attempt_is_told, 19251),
    ("invariant 24", faults.each_telling_has_an_id_of_its_own, 0),
    ("invariant 10", faults.a_repeat_has_a_key_of_its_own, 0),
    ("replay", faults.a_length_of_time_begins_when_it_is_asked_for, 1559),
]
"""Rule of express.md (or what else it breaks), the fault, and a seed that shows it."""


@pytest.mark.parametrize(
    ("mutant", "seed"), [each[1:] for each in MUTANTS], ids=[f"{rule}-{mutant.__name__}" for rule, mutant, _ in MUTANTS]
)
def test_the_simulation_finds_the_fault(mutant, seed) -> None:
    shown_by, found = first_killer(mutant, [seed, *range(1, MOST_SEEDS)])
    assert found
    assert simulate(shown_by).violations == []


def test_what_is_held_twice_shows_in_the_books() -> None:
    """Invariant 22, which is about the participants' books and so about no record of the engine."""
    _, found = first_killer(faults.a_repeated_command_is_carried_out_again, [4344])
    assert any("effects are held by" in complaint for complaint in found)


def test_each_fault_is_tried() -> None:
    written = {name for name, value in vars(faults).items() if getattr(value, "__module__", "") == faults.__name__}
    tools = {"first_killer", "main", "search", "_shows_no_loss", "_decides"}
    assert written - tools == {mutant.__name__ for _, mutant, _ in MUTANTS}
