import io

import pytest
from rich.console import Console

from deploy.local.progress import doing, say


def console(**more):
    return Console(file=io.StringIO(), width=200, **more)


def test_without_a_terminal_a_line_says_the_begin_and_one_the_end() -> None:
    screen = console()
    with doing(screen, "Building") as tell:
        tell("1 of 2")
    first, last = printed(screen).splitlines()
    assert first == "Building ..."
    assert last.startswith("Building: done in ")


def test_without_a_terminal_a_long_work_is_told_now_and_then(monkeypatch) -> None:
    monkeypatch.setattr("deploy.local.progress.QUIET_PERIOD", 0.0)
    screen = console()
    with doing(screen, "Building") as tell:
        tell("1 of 2")
    assert "Building: 1 of 2" in printed(screen).splitlines()


def test_on_a_terminal_the_detail_is_shown_while_it_lasts() -> None:
    screen = console(force_terminal=True)
    with doing(screen, "Building") as tell:
        tell("1 of 2")
    assert "Building: 1 of 2" in printed(screen)


def test_a_failure_is_not_called_done() -> None:
    screen = console()
    with pytest.raises(ValueError, match="no"), doing(screen, "Building"):
        raise ValueError("no")
    assert "done" not in printed(screen)


def test_brackets_are_no_markup() -> None:
    screen = console()
    say(screen, "[bold] 127.0.0.1")
    assert printed(screen) == "[bold] 127.0.0.1\n"


def printed(console):
    return console.file.getvalue()
