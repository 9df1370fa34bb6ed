"""What a form says becomes an instruction; a field that does not fit is named."""

import pytest

from orchestrator.console.api.context import LARGEST
from orchestrator.console.pages.forms import instruction_of, number_of
from orchestrator.errors import InvalidRequestError
from orchestrator.service.requests import Cancel, Compensate, EditAndRetry, Release, Resolve, Retry, Skip

PLAN = "a" * 32


@pytest.mark.parametrize(
    ("operation", "given", "asked"),
    [
        ("compensate", {"plan": PLAN, "step": ""}, Compensate(plan=PLAN)),
        (
            "compensate",
            {"plan": PLAN, "step": "a", "override": "yes"},
            Compensate(plan=PLAN, from_step="a", override=True),
        ),
        ("retry", {"step": "a"}, Retry(step="a")),
        ("edit_and_retry", {"step": "a", "input": '{"b": 1}'}, EditAndRetry(step="a", input={"b": 1})),
        ("skip", {"step": "a", "output": " "}, Skip(step="a")),
        ("resolve", {"step": "a", "how": "give_up"}, Resolve(step="a", how="give_up")),
        ("release", {"event_type": ""}, Release()),
        ("cancel", {"step": "ignored"}, Cancel()),
    ],
)
def test_each_operation_is_read_off_its_form(operation, given, asked) -> None:
    assert instruction_of(operation, given).request == asked


@pytest.mark.parametrize(
    ("operation", "given", "where"),
    [
        ("retry", {}, "/step"),
        ("resolve", {"step": "a", "how": "pray"}, "/how"),
        ("skip", {"step": "a", "output": "{"}, "/output"),
        ("compensate", {"plan": "short"}, "/plan"),
    ],
)
def test_a_field_that_does_not_fit_is_named(operation, given, where) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        instruction_of(operation, given)
    assert [place for place, _ in caught.value.problems] == [where]


def test_what_was_seen_is_the_revision_or_the_plan() -> None:
    assert instruction_of("cancel", {"revision": "7"}).revision == 7
    assert instruction_of("cancel", {"revision": "x"}).revision is None
    assert instruction_of("compensate", {"plan": PLAN, "revision": "7"}).revision is None


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("", None), ("-1", None), ("²", None), ("9" * 10, LARGEST), ("9" * 5_000, LARGEST)],
)
def test_a_number_of_a_form_is_one_that_is_kept(text, number) -> None:
    assert number_of(text) == number


def test_a_preview_needs_no_reason() -> None:
    given = {"step": "a", "input": '{"b": 1}', "preview": "yes"}
    assert instruction_of("edit_and_retry", given).reason
    assert instruction_of("cancel", {}).reason == ""
