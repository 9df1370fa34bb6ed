"""What pages show of times, JSON and bodies."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from orchestrator.console.pages import ROUTERS
from orchestrator.console.pages.rendering import body, document, length_between, tag_of, time_element
from tests.api_kit import ApiBench
from tests.service_kit import NOW


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3_600, "1 h"), (90_061, "1 d 1 h"), (-5, "5 s")],
)
def test_a_length_is_told_in_its_two_largest_units(seconds, text) -> None:
    assert length_between(NOW, NOW + timedelta(seconds=seconds)) == text


def test_a_time_says_how_long_ago_what_the_clock_shows_there_and_utc_beside_it() -> None:
    told = time_element(NOW, NOW + timedelta(minutes=3))
    title = 'datetime="2026-01-01T00:00:00+00:00" title="2026-01-01 00:00:00 UTC"'
    assert told == f"<time {title}><span>3 min ago</span> <small>00:00:00</small></time>"
    there = (NOW + timedelta(minutes=3)).astimezone(ZoneInfo("America/New_York"))
    assert time_element(NOW, there) == f"<time {title}><span>3 min ago</span> <small>19:00:00</small></time>"
    tomorrow = there + timedelta(days=1)
    assert "<small>2025-12-31 19:00</small>" in time_element(NOW, tomorrow)
    assert ">in 1 h<" in time_element(NOW + timedelta(hours=1), NOW)
    assert time_element(None, NOW) == "-"


def test_bodies_are_laid_out_if_they_are_json() -> None:
    assert body(b'{"a":1}') == document({"a": 1}) == '{\n  "a": 1\n}'
    assert body(b"\xff{") == "\ufffd{"


def test_pages_that_differ_only_in_how_long_ago_something_was_have_one_name() -> None:
    early, late = (f"<p>stuck</p>{time_element(NOW, NOW + timedelta(seconds=wait))}" for wait in (1, 50))
    assert early != late
    assert tag_of(early) == tag_of(late)
    assert tag_of(early) != tag_of(early.replace("stuck", "done"))
    assert tag_of("As of 10:00:01 UTC.") == tag_of("As of 10:00:59 UTC.") != tag_of("As of 10:01:00 UTC.")


async def test_who_looks_again_gets_only_what_has_changed() -> None:
    bench = ApiBench(access_control=False, pages=ROUTERS)
    bench.ledger.keep_open(bench.stuck("t1"))
    look = {"HX-Request": "true"}
    async with bench.asking() as api:
        assert "etag" not in (await api.http.get("/executions/trip:t1")).headers, "a page is asked for whole"
        first = await api.http.get("/executions/trip:t1", headers=look)
        seen = {**look, "If-None-Match": first.headers["etag"]}
        again = await api.http.get("/executions/trip:t1", headers=seen)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        assert again.headers["cache-control"] == "no-store"
        await bench.operate("suspend", name="t1")
        assert (await api.http.get("/executions/trip:t1", headers=seen)).status_code == 200
        unknown = await api.http.get("/executions/trip:none", headers=look)
        assert (unknown.status_code, "etag" in unknown.headers) == (404, False)
