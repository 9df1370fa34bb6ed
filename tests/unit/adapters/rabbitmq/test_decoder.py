from datetime import UTC, datetime
from typing import Any

import pytest
from pamqp import encode, frame
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from orchestrator.adapters.rabbitmq.decoder import UNREADABLE, harden_decoder, short_text, table, timestamp

harden_decoder()


def packed(entries):
    return len(entries).to_bytes(4) + entries


def test_ordinary_values_read_as_before():
    at = datetime(2026, 1, 2, tzinfo=UTC)
    assert timestamp(encode.timestamp(at)) == (8, at)
    assert short_text(encode.short_string("é")) == (3, "é")
    headers: dict[str, Any] = {"a": 1, "b": {"c": ["d", at]}}
    assert table(encode.field_table(headers)) == (len(encode.field_table(headers)), headers)


@pytest.mark.parametrize("raw", [b"\x7f" * 8, b"\xff" * 8, (1_795_517_350_048_000_000).to_bytes(8)])
def test_a_time_that_no_calendar_has_reads_as_absent(raw):
    assert timestamp(raw) == (8, None)
    assert table(packed(b"\x01tT" + raw + b"\x01kb\x07")) == (19, {"t": None, "k": 7})


@pytest.mark.parametrize("entries", [b"\x01\xffb\x01", b"\x01kZ", b"\x01kA\x00\x00\x00\x09b", b"\x09k"])
def test_a_table_that_cannot_be_read_says_so_and_has_its_length(entries):
    assert table(packed(entries)) == (4 + len(entries), {UNREADABLE: True})


def test_an_unreadable_table_inside_another_costs_only_itself():
    inner = packed(b"\x01\xffb\x01")
    assert table(packed(b"\x01iF" + inner + b"\x01kb\x07"))[1] == {"i": {UNREADABLE: True}, "k": 7}


def test_text_that_is_no_utf8_is_replaced():
    assert short_text(b"\x02\xffa") == (3, "\ufffda")
    assert short_text(b"") == (1, "")


@pytest.mark.parametrize(
    ("kind", "raw", "field"), [("timestamp", b"\x7f" * 8, "timestamp"), ("shortstr", b"\x01\xff", "message_id")]
)
def test_a_whole_frame_with_a_poisoned_property_is_read(monkeypatch, kind, raw, field):
    monkeypatch.setitem(encode.METHODS, kind, lambda _: raw)
    properties = (
        Basic.Properties(timestamp=datetime.now(UTC)) if kind == "timestamp" else Basic.Properties(message_id="x")
    )
    sent = frame.marshal(ContentHeader(properties=properties, body_size=2), 1)
    _, _, read = frame.unmarshal(sent)
    assert isinstance(read, ContentHeader)
    assert getattr(read.properties, field) in (None, "\ufffd")


def test_a_header_bomb_is_read():
    bomb: dict[str, Any] = {}
    for _ in range(15_000):
        bomb = {"a": bomb}
    assert table(encode.field_table({"bomb": bomb}))[0] > 100_000
