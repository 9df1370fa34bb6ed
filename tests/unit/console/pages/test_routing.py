"""Addresses of lists: what an empty field of a form means, and which statuses a view shows."""

import pytest
from pydantic import ValidationError

from orchestrator.console.pages.routing import VIEWS, ListQuery
from orchestrator.service.records import IN_FLIGHT


def test_an_empty_field_asks_for_nothing() -> None:
    query = ListQuery.model_validate({"version": "", "changed_after": "", "changed_before": "", "q": ""})
    assert query == ListQuery.model_validate({})


def test_a_time_without_a_zone_is_utc() -> None:
    query = ListQuery.model_validate({"changed_after": "2026-01-01T10:00"})
    assert query.changed_after is not None
    assert query.changed_after.isoformat() == "2026-01-01T10:00:00+00:00"


def test_a_status_that_is_asked_for_wins_over_the_view() -> None:
    assert ListQuery.model_validate({}).statuses == VIEWS["open"]
    assert set(IN_FLIGHT) < set(VIEWS["open"])
    assert ListQuery.model_validate({"status": ("completed",)}).statuses == ("completed",)
    assert ListQuery.model_validate({"view": "all"}).statuses == ()


def test_what_is_not_asked_for_is_refused() -> None:
    with pytest.raises(ValidationError):
        ListQuery.model_validate({"colour": "red"})
