"""Numbers over time as bars: every one that is not 0 is seen, and the picture says in words what it shows."""

import re

from orchestrator.console.diagram.sparkline import HEIGHT, sparkline


def heights(picture: str) -> list[int]:
    return [int(one) for one in re.findall(r'<rect[^>]* height="(\d+)"', picture)]


def test_the_highest_is_as_high_as_the_picture_and_the_least_is_seen() -> None:
    assert heights(sparkline([1_000, 500, 0, 1], "started")) == [HEIGHT, HEIGHT // 2, 2]


def test_nothing_is_a_line() -> None:
    picture = sparkline([0, 0], "started, 0")
    assert heights(picture) == []
    assert "<line" in picture


def test_it_says_in_words_what_it_shows_and_needs_no_style() -> None:
    picture = sparkline([1], 'started "today" <1>')
    assert 'aria-label="started &quot;today&quot; &lt;1&gt;"' in picture
    assert "style=" not in picture
