"""`make bench` says what is wrong with what it was asked, and with a row that could not be measured."""

import os

import pytest

from benchmarks.__main__ import arguments, is_whole, measure
from benchmarks.cell import Asked


def test_a_row_that_nobody_knows_is_refused_before_anything_is_started(capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        arguments(["--rows", "brief,bref"])
    assert ended.value.code == 2
    assert "there is no row bref; there are hand_normal," in capsys.readouterr().err


def test_a_row_that_could_not_be_measured_says_why() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)bref ended with 1:.*KeyError: 'bref'"):
        measure(Asked("bref", (1,), 1.0, {}), os.environ)


def test_a_trial_does_not_change_the_document() -> None:
    assert is_whole(arguments([]))
    assert not is_whole(arguments(["--seconds", "1"]))
    assert not is_whole(arguments(["--repetitions", "1"]))
    assert not is_whole(arguments(["--rows", "brief,hand_local"]))
