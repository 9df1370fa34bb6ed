"""Addresses of lists: what an empty field of a form means, and which statuses a view shows."""

import pytest
from pydantic import ValidationError

from orchestrator.console.listing import VIEWS, ListQuery, listed, query_of
from orchestrator.errors import InvalidRequestError
from orchestrator.service.records import IN_FLIGHT


def test_an_empty_field_asks_for_nothing() -> None:
    query = ListQuery.model_validate({"version": "", "changed_after": "", "changed_before": "", "q": ""})
    assert query == ListQuery.model_validate({})


@pytest.mark.parametrize(("zone", "hour"), [("", "10"), ("UTC", "10"), ("Europe/Berlin", "09"), ("Mars/Olympus", "10")])
def test_a_time_without_a_zone_is_in_that_of_its_form_and_else_utc(zone, hour) -> None:
    query = ListQuery.model_validate({"changed_after": "2026-01-01T10:00", "zone": zone})
    assert query.changed_after is not None
    assert query.changed_after.isoformat() == f"2026-01-01T{hour}:00:00+00:00"
    assert "zone" not in listed(query)
    assert query_of(listed(query)).changed_after == query.changed_after


def test_an_address_of_the_list_says_the_same_when_it_is_read_again() -> None:
    said = {"status": ("stuck", "parked"), "q": "a b&c=d", "version": "3", "view": "all"}
    query = ListQuery.model_validate(said)
    assert query_of(listed(query)) == query
    assert listed(ListQuery.model_validate({})) == ""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("saga=trip&colour=red", "colour is nothing that a list can be asked for: there are .*saga.*status"),
        ("status=lost", "status: Input should be 'running'"),
        ("version=x", "version: Input should be a valid integer"),
    ],
)
def test_the_part_of_an_address_that_is_wrong_is_told(said, told) -> None:
    with pytest.raises(InvalidRequestError, match=told):
        query_of(said)


def test_a_status_that_is_asked_for_wins_over_the_view() -> None:
    assert ListQuery.model_validate({}).statuses == VIEWS["open"]
    assert set(IN_FLIGHT) < set(VIEWS["open"])
    assert ListQuery.model_validate({"status": ("completed",)}).statuses == ("completed",)
    assert ListQuery.model_validate({"view": "all"}).statuses == ()


def test_what_is_not_asked_for_is_refused() -> None:
    with pytest.raises(ValidationError):
        ListQuery.model_validate({"colour": "red"})
