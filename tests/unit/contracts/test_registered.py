"""Contracts as a registry keeps them, and what can be said of two of them without it."""

import json

import pytest

from orchestrator import Event
from orchestrator.contracts.contract import Contract
from orchestrator.contracts.registered import Registered, compared, registered, unasked


class Plain(Event, type="plain"):
    id: str


class Flown(Event, type="flown", codec="avro"):
    id: str


class Built(Event, type="built", codec="protobuf"):
    id: str


def of(model: type[Event]) -> Registered:
    return registered(Contract(type=model.message_type, kind="event", model=model, codec=model.message_codec))


def test_each_is_registered_as_it_travels() -> None:
    assert [of(model).kind for model in (Plain, Flown, Built)] == ["JSON", "AVRO", "PROTOBUF"]
    assert json.loads(of(Plain).text)["required"] == ["id"]
    assert json.loads(of(Flown).text)["namespace"] == "flown"
    assert "package built;" in of(Built).text


def test_another_kind_breaks_both_ways() -> None:
    found = compared("plain", of(Plain), of(Flown), "full")
    assert [(one.way, one.verdict) for one in found] == [("backward", "breaks"), ("forward", "breaks")]


def test_json_is_compared_by_the_rules_of_tolerant_readers() -> None:
    class Later(Event, type="plain"):
        id: str
        more: str = ""

    class Other(Event, type="plain"):
        id: int

    assert compared("plain", of(Plain), of(Later), "full") == ()
    assert {one.way for one in compared("plain", of(Plain), of(Other), "full")} == {"backward", "forward"}
    assert compared("flown", of(Flown), Registered("AVRO", "{}"), "full") == ()


@pytest.mark.parametrize(
    ("level", "mode", "ways"),
    [
        ("FULL", "full", []),
        ("FULL_TRANSITIVE", "full", []),
        ("BACKWARD", "backward", []),
        ("BACKWARD", "full", ["forward"]),
        ("FORWARD_TRANSITIVE", "backward", ["backward"]),
        ("NONE", "full", ["backward", "forward"]),
    ],
)
def test_what_the_registry_does_not_look_at_a_person_must(level, mode, ways) -> None:
    found = list(unasked("plain", level, mode))
    assert [one.way for one in found] == ways
    assert all(one.verdict == "unknown" and level in one.text for one in found)
