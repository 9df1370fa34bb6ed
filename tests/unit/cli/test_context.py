"""Finding sagas by `module:ATTRIBUTE`: what is wrong is named, with its remedy."""

import json
import sys

import pytest
from rich.text import Text

from orchestrator.cli import tables
from orchestrator.cli.context import load, load_sagas, plain_console, print_document, saga_named
from orchestrator.errors import OrchestratorError, SagaDefinitionError

SHOP = """
from orchestrator import Event, Saga, event, publish

class Placed(Event):
    id: str

@event
def told(placed: Placed) -> Placed:
    return placed

def ship(name, version):
    return Saga(name, publish(told), starts_on=Placed, key="id", version=version)

SHIP = ship("ship", 1)
SAGAS = (ship("ship", 9), ship("ship", 10), ship("send", 1))
NONE = ()
MIXED = (SHIP, 5)
NUMBER = 5
"""


@pytest.fixture(autouse=True)
def shop(tmp_path, monkeypatch):
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "wrong.py").write_text(SHOP + "\nSaga('Wrong', starts_on=Placed, key='id', version=1)\n")
    (tmp_path / "broken.py").write_text("1 / 0")
    (tmp_path / "misspelt.py").write_text(
        SHOP.rpartition("\nSHIP")[0] + "\nfrom orchestrator import step\nstep(told, udno=1)\n"
    )
    (tmp_path / "foreign.py").write_text("import json\njson.loads(5)")
    (tmp_path / "unclosed.py").write_text("(")
    (tmp_path / "needy.py").write_text("import not_there_at_all")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in ("shop", "wrong", "broken", "misspelt", "foreign", "unclosed", "needy"):
        sys.modules.pop(name, None)


def test_one_saga_or_several_are_found_in_the_current_folder() -> None:
    assert [saga.version for saga in load_sagas("shop:SHIP")] == [1]
    assert [saga.version for saga in load_sagas("shop:SAGAS")] == [9, 10, 1]


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("shop", r"'shop' names no attribute: write module:ATTRIBUTE"),
        ("shop:SAGA", r"module 'shop' has no 'SAGA': did you mean shop:SAGAS\?"),
        ("shop:xyz", r"module 'shop' has no 'xyz': define xyz in .*shop\.py"),
        ("shopp:SAGAS", r"there is no module 'shopp', asked for by 'shopp:SAGAS': run saga where"),
        ("needy:SAGAS", r"'needy' imports 'not_there_at_all', which is not installed"),
        ("broken:SAGAS", r"'broken' cannot be imported: ZeroDivisionError: division by zero     [^/]*/broken\.py:1$"),
        ("misspelt:SAGAS", r"step\(\) got an unexpected keyword argument 'udno'     [^/]*/misspelt\.py:15$"),
        ("foreign:SAGAS", r"'foreign' cannot be imported: TypeError: .*     [^/]*/foreign\.py:2$"),
        ("unclosed:SAGAS", r"SyntaxError: '\(' was never closed \(unclosed\.py, line 1\)$"),
        ("shop:NONE", r"shop:NONE holds nothing: write NONE = \(my_saga, \.\.\.\), a tuple of sagas"),
        ("shop:MIXED", r"shop:MIXED holds a int"),
        ("shop:NUMBER", r"shop:NUMBER is a int"),
    ],
)
def test_what_is_not_there_is_named_with_its_remedy(reference, text) -> None:
    with pytest.raises(OrchestratorError, match=text):
        load_sagas(reference)


def test_a_wrong_definition_comes_through_whole() -> None:
    with pytest.raises(SagaDefinitionError) as raised:
        load("wrong:SAGAS")
    assert [problem[:4] for problem in raised.value.problems] == ["S026", "S013"]


def test_a_name_means_its_newest_version() -> None:
    sagas = load_sagas("shop:SAGAS")
    assert saga_named(sagas, "ship").version == 10
    with pytest.raises(OrchestratorError, match="there is no saga 'shipp': take one of send, ship"):
        saga_named(sagas, "shipp")


def test_a_document_is_all_that_is_printed(capsys) -> None:
    print_document({"a": 1})
    assert capsys.readouterr().out == '{\n  "a": 1\n}\n'


HOSTILE = "a\x1b[2J\x1b]0;title\x07 b\x9b31m \x00\x7f \N{RIGHT-TO-LEFT OVERRIDE}drow"


@pytest.mark.parametrize("in_a_table", [False, True])
def test_what_came_by_message_gives_no_orders_to_a_terminal(in_a_table) -> None:
    shown = tables.plain("said")
    shown.add_row(Text(HOSTILE))
    console = plain_console()
    with console.capture() as taken:
        console.print(shown if in_a_table else HOSTILE)
    assert not set(taken.get()) & set("\x1b\x07\x9b\x00\x7f\N{RIGHT-TO-LEFT OVERRIDE}")
    assert "a\N{SYMBOL FOR ESCAPE}[2J" in taken.get()


def test_a_document_gives_no_orders_to_a_terminal_and_says_the_same(capsys) -> None:
    print_document({"said": HOSTILE, "name": "\N{LATIN SMALL LETTER U WITH DIAERESIS}"})
    told = capsys.readouterr().out
    assert not set(told) & set("\x1b\x07\x9b\x00\x7f")
    assert json.loads(told) == {"said": HOSTILE, "name": "\N{LATIN SMALL LETTER U WITH DIAERESIS}"}
