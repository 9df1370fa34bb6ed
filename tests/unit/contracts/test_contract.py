"""A contract's schema is what a body must fit to be taken."""

from datetime import date

from jsonschema import Draft202012Validator
from pydantic import Field

from orchestrator import Event, upcasts
from orchestrator.contracts.asyncapi import asyncapi
from orchestrator.contracts.contract import Contract
from orchestrator.contracts.json_schema import bundle


class Renamed(Event, type="thing.renamed"):
    new_name: str = Field(alias="newName")
    note: str = ""


def test_fields_have_the_names_under_which_they_travel_and_defaults_are_not_required() -> None:
    schema = Contract(type="thing.renamed", kind="event", model=Renamed).schema
    assert sorted(schema["properties"]) == ["newName", "note"]
    assert schema["required"] == ["newName"]


class Moved(Event, type="thing.moved", version=3, oldest=2, sunset=date(2030, 1, 31)):
    place: str


@upcasts(Moved, from_version=2, sunset=date(2029, 1, 1))
def in_one(body):
    return {"place": f"{body['x']}/{body['y']}"}


MOVED = Contract(type="thing.moved", kind="event", model=Moved, versions=Moved.message_versions)
TOLD = {
    "x-version": 3,
    "x-oldest-version": 2,
    "x-sunset": "2030-01-31",
    "x-sunsets": {"2": "2029-01-01", "3": "2030-01-31"},
}


def test_documents_tell_its_versions_and_that_it_is_deprecated_and_until_when() -> None:
    document = bundle([MOVED])
    Draft202012Validator.check_schema(document)
    schema = document["$defs"]["thing.moved"]
    assert {name: schema[name] for name in TOLD} == TOLD
    assert schema["deprecated"] is True
    components = asyncapi([MOVED], title="t", version="1", prefix="saga")["components"]
    assert components["schemas"]["thing.moved"]["deprecated"] is True
    message = components["messages"]["thing.moved"]
    assert {name: message[name] for name in TOLD} == TOLD


def test_nothing_is_told_of_a_type_with_one_version() -> None:
    assert Contract(type="thing.renamed", kind="event", model=Renamed).told == {}
