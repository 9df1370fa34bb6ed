"""Lengths of time as people read them."""

import pytest

from orchestrator.saga.lengths import length


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(86_400_000, "1 d"), (5_400_000, "90 min"), (1_500, "1500 ms"), (7_200_000, "2 h"), (3_000, "3 s")],
)
def test_a_length_is_a_whole_number_of_its_largest_unit(milliseconds, text) -> None:
    assert length(milliseconds) == text
