"""The table of codecs: what is sent how, and what is taken."""

import logging
from dataclasses import replace

import pytest

from orchestrator import Event, upcasts
from orchestrator.contracts.codecs.table import AS_THEY_CAME, JSON, JSON_ONLY, NAMES, Codecs
from orchestrator.contracts.foreign import Foreign
from orchestrator.errors import MalformedMessageError, MessageTooLargeError, WrongContentTypeError
from orchestrator.messages import Envelope


class Plain(Event, type="plain"):
    id: str


class Flown(Event, type="flown", codec="avro", version=2):
    id: str
    miles: int = 0


@upcasts(Flown, from_version=1)
def nothing(body):
    return body


class Built(Event, type="built", codec="protobuf"):
    id: str
    parts: tuple[str, ...] = ()


CODECS = Codecs([Plain, Flown, Built])
LIMIT = 1000
BODIES = {"plain": b'{"id":"a"}', "flown": b'{"id":"a","miles":3}', "built": b'{"id":"a","parts":["b"]}'}


def envelope(message_type: str, version: int = 1) -> Envelope:
    return Envelope(id="1", source="s", type=message_type, body=BODIES[message_type], version=version)


@pytest.mark.parametrize(
    ("sent", "content_type"),
    [
        (envelope("plain"), JSON),
        (envelope("flown", 2), "application/avro"),
        (envelope("built"), "application/protobuf"),
        (replace(envelope("plain"), type="unknown"), JSON),
    ],
)
def test_a_message_is_sent_as_its_type_is_declared_and_comes_back(sent, content_type) -> None:
    body, said = CODECS.written(sent)
    assert said == content_type
    assert CODECS.read(sent.type, said, body, limit=LIMIT) == sent.body


def test_json_is_not_touched() -> None:
    sent = envelope("plain")
    assert CODECS.written(sent)[0] is sent.body
    assert JSON_ONLY.written(envelope("flown", 2)) == (BODIES["flown"], JSON)


def test_an_older_version_goes_as_json() -> None:
    assert CODECS.written(envelope("flown", 1)) == (BODIES["flown"], JSON)


def test_a_value_that_does_not_fit_goes_as_json_and_that_is_told(caplog) -> None:
    big = replace(envelope("flown", 2), body=b'{"id":"a","miles":9223372036854775808}')
    with caplog.at_level(logging.WARNING):
        assert CODECS.written(big) == (big.body, JSON)
    assert "flown 1 is sent as JSON: flown has a value that does not fit Avro" in caplog.text


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "Application/JSON; charset=utf-8", "text/plain", "application/x+json"]
)
@pytest.mark.parametrize("message_type", ["plain", "flown", "built", "unknown"])
def test_json_is_taken_for_every_type(content_type, message_type) -> None:
    assert CODECS.read(message_type, content_type, b"{}", limit=LIMIT) == b"{}"


@pytest.mark.parametrize("content_type", [*NAMES, "application/AVRO; x=y"])
def test_content_types_have_several_names(content_type) -> None:
    name = NAMES.get(content_type, "avro")
    sent = envelope("flown", 2) if name == "avro" else envelope("built")
    body, _ = CODECS.written(sent)
    assert CODECS.read(sent.type, content_type, body, limit=LIMIT) == sent.body


@pytest.mark.parametrize(
    ("message_type", "content_type", "told"),
    [
        ("plain", "application/avro", "'plain' came as 'application/avro': send it as application/json$"),
        ("flown", "application/protobuf", "send it as application/json or application/avro"),
        ("built", "application/xml", "send it as application/json or application/protobuf"),
        ("unknown", "application/protobuf", "send it as application/json$"),
    ],
)
def test_another_content_type_is_refused_with_what_is_taken(message_type, content_type, told) -> None:
    with pytest.raises(WrongContentTypeError, match=told) as raised:
        CODECS.read(message_type, content_type, b"x", limit=LIMIT)
    assert raised.value.reason == "wrong-content-type"


def test_what_is_not_what_it_says_is_malformed_and_what_grows_too_much_is_too_large() -> None:
    with pytest.raises(MalformedMessageError):
        CODECS.read("flown", "application/avro", b'{"id":"a"}', limit=LIMIT)
    body, said = CODECS.written(
        replace(envelope("built"), body=b'{"id":"a","parts":%s}' % str([""] * 65).replace("'", '"').encode())
    )
    assert len(body) < 200
    with pytest.raises(MessageTooLargeError, match="the body, written as JSON, has"):
        CODECS.read("built", said, body, limit=200)


def test_whoever_asks_for_the_type_alone_takes_all_bodies_and_knows_the_names() -> None:
    unread = Codecs([Flown], foreign=Foreign({"order.placed": "Shop.OrderPlaced"})).unread()
    assert unread.read("flown", "application/xml", b"<a/>", limit=0) == b"<a/>"
    types = []
    for name in ("Shop.OrderPlaced", "Shop.Unknown"):
        taken = unread.foreign.read("", {"NServiceBus.EnclosedMessageTypes": name}, b"")
        assert taken is not None
        types.append(taken.attributes["type"])
    assert types == ["order.placed", "Shop.Unknown"]


def test_whoever_only_keeps_messages_takes_all_as_they_came() -> None:
    assert AS_THEY_CAME.read("unknown", "application/avro", b"\xff", limit=0) == b"\xff"
