"""Signals as the engine keeps them: what older records do not say."""

from orchestrator.engine.signals import ReceivedEvent


def test_an_event_that_was_stored_before_there_were_versions_is_of_the_first() -> None:
    event = ReceivedEvent(identity="i", body_hash="h", type="order.placed", payload={})
    assert (event.version, event.source, event.sequence, event.message_id) == (1, "", "", "")
