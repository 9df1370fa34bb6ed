"""The log's vocabulary is read from the sources, and who speaks of an execution names it in a field."""

import pytest

from orchestrator.adapters.telemetry.log_table import IN_HAND, PROJECT, Line, lines, lines_in, table
from orchestrator.adapters.telemetry.logs import WORDS

SPOKEN = lines()


@pytest.mark.parametrize("line", SPOKEN, ids=lambda line: f"{line.module}:{line.number}")
def test_a_line_that_speaks_of_an_execution_has_its_ids(line) -> None:
    assert line.about or not line.is_of_an_execution, "give it extra=ids(execution_id, correlation_id)"


@pytest.mark.parametrize("line", SPOKEN, ids=lambda line: f"{line.module}:{line.number}")
def test_a_line_begins_with_words_that_stay(line) -> None:
    """What is put in comes by arguments: else its template were another one each time."""
    assert not line.template.startswith("f'")
    assert line.template


def one(source: str, module: str = "workers/some.py") -> Line:
    [found] = lines_in(source, module)
    return found


def test_a_line_that_names_an_execution_in_its_words_only_is_seen() -> None:
    bad = one('log.warning("cannot tell %s", target.execution_id)')
    assert (bad.is_of_an_execution, bad.about) == (True, "")
    good = one('log.warning("cannot tell %s", target.execution_id, extra=ids(target.execution_id))')
    assert good.about == "always"
    assert one('log.error("parked", extra=ids(x) if x else {})').about == "if known"
    assert one('log.error("%s", reply.step)', IN_HAND[0]).about == "in hand"
    assert not one('log.exception("a turn of %s failed", name)').is_of_an_execution


def test_levels_and_events_are_told_as_they_are_written() -> None:
    line = one('log.exception("it failed")')
    assert (line.level, line.template, line.puts_in) == ("error", "it failed", ())
    assert one('log.info("away" if why else "back", why)').template == "away, or back"
    assert list(lines_in('print("x"); other.warning("y")', "workers/some.py")) == []


def test_what_has_an_execution_in_hand_says_so_itself_or_is_called_by_who_does() -> None:
    speaking = [module for module in IN_HAND if "about(" in (PROJECT / module).read_text()]
    assert len(speaking) >= 4
    assert {"execution_id", "correlation_id"} <= set(WORDS)


def test_the_table_has_every_line_once() -> None:
    rows = table().splitlines()[2:]
    assert len(rows) == len(set(rows))
    assert any("attempt_failed" in row and "in hand" in row for row in rows)
