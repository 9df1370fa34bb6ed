from io import StringIO

import pytest
from rich.console import Console

from workers import demo_screen
from workers.demo import Progress
from workers.demo_screen import live_table, next_steps

RUN = "fulfil-order:r6b073f4644fe-0000"
WORDS = {
    "fulfil-order:3": "Stuck",
    "fulfil-order:2": "Stuck",
    "fulfil-order:9": "Parked",
    "fulfil-order:1": "Completed",
}


def test_what_to_type_names_one_order_of_each_kind() -> None:
    told = next_steps(WORDS).plain
    assert "2 stuck, 1 parked" in told
    assert "show fulfil-order:2" in told
    assert "resolve fulfil-order:2 charge_payment" in told
    assert "retry fulfil-order:9 order_fulfilled" in told
    assert "compensate fulfil-order:1 --override --dry-run" in " ".join(told.replace("\\\n", "").split())


def test_what_is_not_there_is_not_spoken_of() -> None:
    told = next_steps({"fulfil-order:9": "Parked"}).plain
    assert "resolve" not in told
    assert "compensate" not in told


def test_where_to_look_is_said_and_how_long_it_is_there() -> None:
    address = "http://127.0.0.1:8080/"
    assert f"{address}executions?view=all in a browser" in next_steps(WORDS, address).plain
    assert "down`" in next_steps(WORDS, address).plain
    staying = next_steps({"fulfil-order:1": "Completed"}, address, stays=True).plain
    assert "Ctrl-C" in staying
    assert "wait for a person" not in staying
    assert "in a browser" not in next_steps(WORDS).plain


@pytest.mark.parametrize("stays", [False, True])
def test_what_to_type_fits_a_terminal_of_80_columns(monkeypatch, stays) -> None:
    monkeypatch.setattr(demo_screen, "_program", lambda: ".venv/bin/saga")
    words = {f"{RUN}{number}": word for number, word in enumerate(WORDS.values())}
    told = next_steps(words, "http://127.0.0.1:8080/", stays=stays).plain
    assert [line for line in told.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("words", [{}, {f"{RUN}1": "Compensating"}])
def test_the_live_table_is_as_wide_from_the_first_order_to_the_last(words) -> None:
    console = Console(file=StringIO(), width=80)
    console.print(live_table(Progress(200, words=words)))
    title, rule, *_ = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert title.rstrip() == "0 of 200 sagas ended, 0.0 a second"
    assert len(rule) == 51
