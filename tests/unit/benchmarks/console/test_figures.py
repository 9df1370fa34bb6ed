"""A figure of the console is reached if one round reached it; the line says which are not."""

from benchmarks.console.figures import figures
from benchmarks.console.pages import Cost


def test_the_best_round_counts_and_what_none_reached_says_so() -> None:
    costs = [Cost("the list", (320.0, 290.0), 30_000), Cost("oneself", (900.0,), 1_000)]
    made = figures(costs, {"change_shown_s": [1.2, 0.9], "fifty_pages_percent": [12.0, 10.5]})
    assert [is_missed for _, is_missed in made] == [False, False, False, True]
    assert made[-2][0] == "change_shown_s 0.90, at most 1"
    assert made[-1][0] == "fifty_pages_percent 10.50, at most 10: missed"


def test_a_page_that_no_round_made_in_time_is_missed() -> None:
    ((text, is_missed),) = figures(
        [Cost("the list", (320.0, 310.0), 1)], {"change_shown_s": [0], "fifty_pages_percent": [0]}
    )[:1]
    assert is_missed
    assert "missed" in text
