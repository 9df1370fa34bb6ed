"""What an operation asked for, as its page tells it."""

import pytest

from orchestrator.console.pages.asked import ALL, HIDDEN, WHOLE, asked_in
from orchestrator.service.requests import REQUEST

PLAN = "0123456789abcdef"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"operation": "compensate", "plan": PLAN}, [("From", WHOLE)]),
        (
            {"operation": "compensate", "plan": PLAN, "from_step": "pay", "override": True},
            [("From", "pay"), ("Past the point of no return", "too")],
        ),
        ({"operation": "retry", "step": "pay"}, [("Step", "pay")]),
        (
            {"operation": "resolve", "step": "pay", "how": "give_up"},
            [("Step", "pay"), ("How", "Give it up: its effect stays")],
        ),
        ({"operation": "release"}, [("Events", ALL)]),
        ({"operation": "release", "event_type": "order.paid"}, [("Events", "order.paid")]),
        ({"operation": "suspend"}, []),
    ],
)
def test_step_and_choice_are_told_in_words(asked, told) -> None:
    assert asked_in(REQUEST.validate_python(asked), shows_payloads=False) == told


@pytest.mark.parametrize(
    ("asked", "name", "typed"),
    [
        ({"operation": "edit_and_retry", "step": "pay", "input": {"card": 4242}}, "Facts replaced", {"card": 4242}),
        ({"operation": "skip", "step": "pay", "output": {"card": 4242}}, "Its result", {"card": 4242}),
    ],
)
def test_what_was_typed_is_a_payload(asked, name, typed) -> None:
    request = REQUEST.validate_python(asked)
    assert asked_in(request, shows_payloads=True) == [("Step", "pay"), (name, typed)]
    assert asked_in(request, shows_payloads=False) == [("Step", "pay"), (name, HIDDEN)]
