"""What executions tell people."""

from dataclasses import replace

import pytest

from orchestrator.adapters.temporal.given import Notice
from orchestrator.adapters.temporal.notices import REMEDIES, announcement, refused_event
from tests.temporal_kit import THREAD

NOTICE = Notice(
    execution_id="fetch:1",
    thread=THREAD,
    type="got",
    body={"what": "tea"},
    reason="same-id-other-content: it came before: with other content",
    identity="m7",
    source="/shelf",
    sequence="0003",
)


def test_an_announcement_is_ours_and_the_same_however_often_it_is_made() -> None:
    first, second = announcement(NOTICE), announcement(NOTICE)
    assert first.id == second.id
    assert (first.source, first.type, first.body) == ("saga-orchestrator/fetch", "got", b'{"what":"tea"}')
    assert (first.correlation_id, first.causation_id) == ("thread", "m7")
    assert first.headers == {"saga-id": "fetch:1"}


def test_a_refused_event_keeps_its_senders_id_and_source_and_the_text_says_what_to_do() -> None:
    event, code, text = refused_event(NOTICE)
    assert (event.id, event.source, event.sequence, event.type) == ("m7", "/shelf", "0003", "got")
    assert (event.body, event.causation_id, event.headers) == (b'{"what":"tea"}', "", {"saga-id": "fetch:1"})
    assert code == "same-id-other-content"
    assert text == (
        "execution 'fetch:1' cannot use message 'm7': it came before: with other content:"
        " send it with a new id, or ignore it"
    )


@pytest.mark.parametrize("code", REMEDIES)
def test_every_reason_has_a_remedy(code) -> None:
    _, said, text = refused_event(replace(NOTICE, reason=f"{code}: because"))
    assert said == code
    assert text.endswith(f"because: {REMEDIES[code]}")


def test_a_reason_of_a_person_is_told_as_it_is() -> None:
    assert refused_event(replace(NOTICE, reason="released: by ann: twice"))[2].endswith("by ann: twice")


def test_an_event_of_before_there_was_a_source_comes_from_the_execution() -> None:
    event, _, _ = refused_event(replace(NOTICE, source=""))
    assert event.source == "saga-orchestrator/fetch"
    assert event.id != "m7"
