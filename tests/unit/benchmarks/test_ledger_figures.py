"""Which figures of the ledger count as reached."""

from benchmarks.ledger.figures import GOALS, Figure, last_line, worst_list
from benchmarks.ledger.samples import MESSAGES_EACH, samples


def test_a_figure_is_missed_only_if_no_round_reached_it() -> None:
    goal = GOALS["list_p95_ms"]
    assert not Figure("sqlite", "list_p95_ms", [goal * 3, goal, goal * 9]).is_missed
    assert Figure("sqlite", "list_p95_ms", [goal * 3, goal * 1.01]).is_missed
    assert not Figure("sqlite", "floor_p95_ms", [9e9]).is_missed


def test_the_slowest_kind_of_list_is_the_slowest_at_its_best() -> None:
    rounds = [{"saga": 90.0, "version": 60.0}, {"saga": 10.0, "version": 55.0}]
    assert worst_list(rounds) == ("version", [60.0, 55.0])


def test_the_last_line_has_every_figure_and_says_what_was_missed() -> None:
    figures = [Figure("sqlite", "detail_p95_ms", [7.0, 8.0]), Figure("postgresql", "reconcile_s", [31.0])]
    assert last_line(figures) == (
        "sqlite detail_p95_ms 7 (at most 100); postgresql reconcile_s 31 (at most 30, missed)"
    )


def test_samples_are_whole_executions_of_every_kind() -> None:
    made = list(samples(3_000))
    assert len({one.execution["execution_id"] for one in made}) == 3_000
    statuses = {one.execution["status"] for one in made}
    assert {"completed", "compensated", "aborted", "running", "suspended", "compensating", "stuck"} <= statuses
    assert all(len(one.messages) == MESSAGES_EACH and one.steps for one in made)
