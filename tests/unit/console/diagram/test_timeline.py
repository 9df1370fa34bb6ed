"""Attempts on a line of time: a row for each step, long idle gaps folded, everything said in words."""

from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from orchestrator.console.diagram.timeline import FOLDED, LEAST, WIDTH, Bar, fold, timeline_of
from orchestrator.service.attempts import Attempt
from orchestrator.service.records import moment
from orchestrator.service.waits import Wait

SVG = "{http://www.w3.org/2000/svg}"
NOW = moment(100_000)


def attempt(step: str, began: int | None, ended: int | None, **more) -> Attempt:
    begins, ends = (None if second is None else moment(second * 1_000) for second in (began, ended))
    return Attempt(step=step, direction="do", attempt=1, began=begins, ended=ends, **more)


def bar(start: float, end: float) -> Bar:
    return Bar(row=0, start=start, end=end, look="done", direction="do", label="")


def items(text: str) -> dict[str, ET.Element]:
    return {item.attrib["aria-label"]: item for item in ET.fromstring(text).iter(f"{SVG}g")}


def test_each_attempt_says_how_it_ended_and_how_long_it_took() -> None:
    drawn = items(
        timeline_of(
            [
                attempt("reserve", 1, 2, end="ok"),
                attempt("charge", 2, 4, end="rejected", reason="no money"),
                attempt("ship", 4, None),
                attempt("label", None, 3, end="unknown"),
            ],
            now=moment(5_000),
        )
    )
    assert {label: item.attrib["class"] for label, item in drawn.items()} == {
        "reserve, do 1: done, 1 s": "attempt do is-done",
        "charge, do 1: refused, 2 s, no money": "attempt do is-refused",
        "ship, do 1: under way, 1 s": "attempt do is-active",
        "label, do 1: no verdict": "attempt do is-doubtful",
    }


def test_without_attempts_there_is_no_picture() -> None:
    assert timeline_of([], now=NOW) == ""


def test_a_long_gap_is_folded_and_says_its_length() -> None:
    drawn = items(timeline_of([attempt("a", 0, 1, end="ok"), attempt("b", 91, 92, end="ok")], now=NOW))
    assert "nothing for 1.5 min" in drawn


def test_a_folded_gap_has_a_fixed_width_and_the_rest_shares_the_room() -> None:
    first, gap, second = fold([bar(0, 1), bar(100, 103)])
    assert (gap.is_gap, gap.width) == (True, FOLDED)
    assert first.width * 3 == pytest.approx(second.width)
    assert first.width + gap.width + second.width == pytest.approx(WIDTH)


def test_a_short_gap_keeps_its_length() -> None:
    assert [one.is_gap for one in fold([bar(0, 10), bar(12, 20)])] == [False, False, False]
    assert [one.is_gap for one in fold([bar(0, 0.1), bar(0.9, 1)])] == [False, False, False]


def test_many_gaps_leave_room_for_what_happened() -> None:
    stretches = fold([bar(start, start + 1) for start in range(0, 100_000, 2_000)])
    assert sum(one.width for one in stretches if not one.is_gap) == pytest.approx(WIDTH / 4)
    assert sum(one.width for one in stretches) == pytest.approx(WIDTH)


def wait(began: int | None, ended: int | None, until: int | None = None) -> Wait:
    begins, ends, at = (None if second is None else moment(second * 1_000) for second in (began, ended, until))
    return Wait(step="approved", kind="event", reason="waits for the event ok", began=begins, ended=ends, until=at)


def test_a_wait_is_hatched_and_says_what_for_how_long_and_until_when() -> None:
    made = attempt("reserve", 0, 1, end="ok")
    drawn = items(timeline_of([made], waits=[wait(1, 4), wait(1, None, 3_601)], now=moment(61_000)))
    over = drawn["approved waits for the event ok, 3 s"]
    open_one = drawn["approved waits for the event ok, 1 min by now, until 1970-01-01 01:00:01 UTC"]
    assert (over.attrib["class"], open_one.attrib["class"]) == ("wait is-left", "wait is-active")
    assert {one.attrib["fill"] for part in (over, open_one) for one in part.iter(f"{SVG}rect")} == {"url(#waiting)"}
    assert "wait" not in drawn["reserve, do 1: done, 1 s"].attrib["class"]


def test_a_long_wait_is_folded_as_nothing_happens_in_it() -> None:
    made = [attempt("reserve", 0, 1, end="ok"), attempt("ship", 3_601, 3_602, end="ok")]
    drawn = items(timeline_of(made, waits=[wait(1, 3_601)], now=NOW))
    assert "nothing for 1 h" in drawn
    (bar_of_it,) = drawn["approved waits for the event ok, 1 h"].iter(f"{SVG}rect")
    assert float(bar_of_it.attrib["width"]) == pytest.approx(FOLDED)


def test_what_only_waits_has_a_picture_over_the_whole_width() -> None:
    (bar_of_it,) = items(timeline_of([], waits=[wait(0, None)], now=moment(7_200_000)))[
        "approved waits for the event ok, 2 h by now"
    ].iter(f"{SVG}rect")
    assert float(bar_of_it.attrib["width"]) == pytest.approx(WIDTH)


def test_a_wait_whose_begin_nobody_knows_is_a_tick() -> None:
    (bar_of_it,) = items(timeline_of([attempt("a", 0, 1, end="ok")], waits=[wait(None, None)], now=NOW))[
        "approved waits for the event ok"
    ].iter(f"{SVG}rect")
    assert float(bar_of_it.attrib["width"]) == LEAST


def test_hostile_reasons_are_text() -> None:
    told = [attempt("<b>", 1, 2, end="rejected", reason='"><img onerror=x>')]
    text = timeline_of(told, now=NOW)
    assert "<img" not in text
    assert '<b>, do 1: refused, 1 s, "><img onerror=x>' in items(text)


def test_everything_at_one_moment_is_drawn_as_ticks() -> None:
    told = [attempt("a", None, 1, end="ok"), attempt("b", None, 1, end="ok")]
    assert len(items(timeline_of(told, now=NOW))) == 2


def test_a_picture_passes_a_strict_policy() -> None:
    text = timeline_of([attempt("a", 1, 2, end="ok"), attempt("b", None, 99, end="not_begun")], now=NOW + timedelta(1))
    assert " style=" not in text
    assert {element.tag.removeprefix(SVG) for element in ET.fromstring(text).iter()} <= {
        *("defs", "pattern", "svg"),
        "g",
        "title",
        "rect",
        "text",
    }
