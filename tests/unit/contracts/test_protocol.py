"""Headers of commands and replies, as strangers write them."""

import pytest

from orchestrator.contracts.protocol import CommandHeaders, read_command, read_reply, reply_to
from orchestrator.errors import MalformedMessageError
from orchestrator.messages import Envelope

HEADERS = CommandHeaders(
    execution="fulfil:A17", workflow="fulfil:A17", step="reserve", direction="do", attempt=2, key="fulfil:A17:reserve"
).to_headers()
COMMAND = Envelope(id="c1", source="/saga", type="inventory.reserve", body=b"{}", headers=HEADERS)
REPLY = reply_to(COMMAND, source="/inventory", reply_type="reserved", body=b'{"r": 1}')


def test_a_reply_says_which_attempt_of_which_step_it_answers() -> None:
    reply = read_reply(REPLY)
    assert (reply.execution, reply.workflow, reply.step) == ("fulfil:A17", "fulfil:A17", "reserve")
    assert (reply.direction, reply.attempt, reply.command_id, reply.body) == ("do", 2, "c1", b'{"r": 1}')


@pytest.mark.parametrize(
    ("header", "value", "told"),
    [
        ("saga-id", "", "saga-id is '', it must be sent back as the command has it"),
        ("saga-workflow", " ", "saga-workflow is ' '"),
        ("saga-step", "", "saga-step is ''"),
        ("saga-workflow", "x" * 1_001, "saga-workflow is 'xxx"),
        ("saga-attempt", "x", "saga-attempt is 'x', it must be the command's number"),
        ("saga-direction", "back", "saga-direction is 'back'"),
        ("saga-outcome", "maybe", "saga-outcome is 'maybe'"),
    ],
)
def test_a_reply_that_names_nothing_usable_is_refused_in_words(header, value, told) -> None:
    with pytest.raises(MalformedMessageError, match=told):
        read_reply(REPLY.with_headers(**{header: value}))


def test_a_command_whose_attempt_is_no_number_is_refused_in_words() -> None:
    with pytest.raises(MalformedMessageError, match="saga-attempt is 'x', it must be the command's number"):
        read_command(COMMAND.with_headers(saga_attempt="x"))
