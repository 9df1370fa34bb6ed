"""Reasons and keys of a usable length."""

import pytest

from orchestrator.errors import InvalidRequestError
from orchestrator.service.reasons import MAX_KEY, MAX_REASON, MIN_REASON, check_reason, check_words, wrong_reason


@pytest.mark.parametrize("reason", ["x" * MIN_REASON, "x" * MAX_REASON, f"  {'x' * MIN_REASON} "])
def test_a_usable_reason_has_nothing_wrong_with_it(reason) -> None:
    assert wrong_reason(reason) == []
    check_words(reason, "k" * MAX_KEY)
    check_reason(reason)


@pytest.mark.parametrize("reason", ["", "x" * (MIN_REASON - 1), " " * MIN_REASON, "x" * (MAX_REASON + 1)])
def test_what_is_too_short_or_too_long_is_told_with_its_place(reason) -> None:
    assert [place for place, _ in wrong_reason(reason)] == ["/reason"]
    with pytest.raises(InvalidRequestError, match="say why"):
        check_reason(reason)
    with pytest.raises(InvalidRequestError) as error:
        check_words(reason, "k" * (MAX_KEY + 1))
    assert [place for place, _ in error.value.problems] == ["/reason", "/key"]
