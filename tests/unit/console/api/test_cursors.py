"""Cursors are read by who wrote them, for the list that they are of."""

import pytest

from orchestrator.console.api.cursors import Cursors
from orchestrator.errors import RequestProblemError

OURS = Cursors("a secret of 32 letters, or longer")


def code(of, text, cursors=OURS) -> str:
    with pytest.raises(RequestProblemError) as caught:
        cursors.read(of, text)
    return caught.value.code


def test_a_cursor_says_where_a_page_ended() -> None:
    assert OURS.read("list", OURS.write("list", (17, "trip:ü"))) == [17, "trip:ü"]
    assert (OURS.write("list", None), OURS.read("list", None)) == (None, None)


@pytest.mark.parametrize("letter", ["x", "ü", "漢", "\U0001f40e"])
def test_a_place_of_whatever_letters_fits_into_an_address(letter) -> None:
    place = (10**13, letter * 255, "out")
    written = OURS.write("list", place)
    assert written is not None
    assert len(written) <= 2_000
    assert OURS.read("list", written) == [*place]


def test_a_cursor_of_another_list_or_another_maker_is_refused() -> None:
    cursor = OURS.write("list", (17, "a"))
    assert code("other", cursor) == "cursor-mismatch"
    assert code("list", cursor, Cursors("another secret of 32 letters or so")) == "cursor-invalid"
    assert code("list", cursor, Cursors()) == "cursor-invalid"


@pytest.mark.parametrize("text", ["", "A", "ü", "AAAA", "!" * 40, "A" * 200])
def test_a_text_that_is_no_cursor_is_refused(text) -> None:
    assert code("list", text) == "cursor-invalid"


def test_what_was_changed_is_refused() -> None:
    cursor = OURS.write("list", (17, "a"))
    assert cursor is not None
    changed = [cursor[:n] + ("A" if cursor[n] != "A" else "B") + cursor[n + 1 :] for n in range(len(cursor) - 1)]
    assert {code("list", one) for one in changed} == {"cursor-invalid"}
