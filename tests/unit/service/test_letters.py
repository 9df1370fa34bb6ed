"""The place where a page of messages ended, as others give it back."""

import pytest

from orchestrator.service.letters import place_of


def test_a_place_that_was_written_down_is_read_back() -> None:
    assert place_of((7, "m:1", "out")) == (7, "m:1", "out")
    assert place_of(["7", "m1", "in"]) == (7, "m1", "in")
    assert place_of(None) is None


@pytest.mark.parametrize("wrong", [(7, "m1", "by"), (7, "", "in"), ("x", "m1", "in"), (7, "m1"), ()])
def test_what_is_no_place_is_refused(wrong) -> None:
    with pytest.raises(ValueError):
        place_of(wrong)
