"""A contract's schema is what a body must fit to be taken."""

from pydantic import Field

from orchestrator import Event
from orchestrator.contracts.contract import Contract


class Renamed(Event, type="thing.renamed"):
    new_name: str = Field(alias="newName")
    note: str = ""


def test_fields_have_the_names_under_which_they_travel_and_defaults_are_not_required() -> None:
    schema = Contract(type="thing.renamed", kind="event", model=Renamed).schema
    assert sorted(schema["properties"]) == ["newName", "note"]
    assert schema["required"] == ["newName"]
