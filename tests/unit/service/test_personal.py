"""What people set for themselves: only what makes sense, and only their own."""

import pytest

from orchestrator.errors import InvalidRequestError
from orchestrator.service.access import Caller, Role
from orchestrator.service.personal import MAX_QUERY, MOST_VIEWS, Personal, Preferences, View, zones
from tests.access_kit import MemoryPersonal

ANN, EVE = (Caller(actor=name, role=Role.VIEWER) for name in ("ann", "eve"))


async def test_until_they_choose_people_read_utc_in_the_colours_of_their_system() -> None:
    personal = Personal(MemoryPersonal())
    assert await personal.preferences(ANN) == Preferences(time_zone="UTC", theme="system")
    wanted = Preferences(time_zone="Asia/Kathmandu", theme="dark")
    assert await personal.prefer(ANN, wanted) == wanted
    assert await personal.preferences(ANN) == wanted
    assert await personal.preferences(EVE) == Preferences()


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "utc"])
async def test_only_zones_that_are_known_are_taken(zone) -> None:
    with pytest.raises(InvalidRequestError, match="IANA"):
        await Personal(MemoryPersonal()).prefer(ANN, Preferences(time_zone=zone))


def test_a_zone_that_this_machine_does_not_know_any_more_is_read_as_utc() -> None:
    assert str(Preferences(time_zone="Mars/Olympus").zone) == "UTC"
    assert str(Preferences(time_zone="Europe/Berlin").zone) == "Europe/Berlin"
    assert zones()[0] == "UTC"


async def test_views_are_kept_under_a_name() -> None:
    personal = Personal(MemoryPersonal())
    assert await personal.keep_view(ANN, View("  mine ", "saga=trip")) == View("mine", "saga=trip")
    assert await personal.views(ANN) == (View("mine", "saga=trip"),)
    await personal.forget_view(ANN, "mine")
    await personal.forget_view(ANN, "mine")
    assert await personal.views(ANN) == ()


@pytest.mark.parametrize(
    ("view", "what"),
    [
        (View("", ""), "name"),
        (View("x" * 61, ""), "name"),
        (View("a\nb", ""), "name"),
        (View("a", "q" * 9_999), "query"),
    ],
)
async def test_a_view_that_is_none_is_refused(view, what) -> None:
    assert len("q" * 9_999) > MAX_QUERY
    with pytest.raises(InvalidRequestError) as refused:
        await Personal(MemoryPersonal()).keep_view(ANN, view)
    assert refused.value.problems[0][0] == f"/{what}"


async def test_nobody_keeps_more_views_than_a_page_can_show() -> None:
    personal = Personal(MemoryPersonal())
    for number in range(MOST_VIEWS):
        await personal.keep_view(ANN, View(f"v{number}", ""))
    with pytest.raises(InvalidRequestError, match="remove one first"):
        await personal.keep_view(ANN, View("one more", ""))
    await personal.keep_view(EVE, View("one more", ""))
