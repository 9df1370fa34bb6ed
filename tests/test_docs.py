"""What is written down is true: pictures and examples are today's, and nothing that people meet is left out."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.main import get_command

import orchestrator.errors
from orchestrator.adapters.telemetry import log_table
from orchestrator.console.api.description import written
from orchestrator.console.diagram.svg import svg_of
from orchestrator.contracts.foreign import MAPPING
from orchestrator.errors import OrchestratorError
from orchestrator.service import metrics_table
from orchestrator.settings.table import document
from sagas.order_fulfilment import fulfil_order
from workers.__main__ import app

PROJECT = Path(__file__).resolve().parents[1]
README = (PROJECT / "README.md").read_text()
OPERATING = (PROJECT / "docs" / "operating.md").read_text()
PROGRAM: Any = get_command(app)


def test_the_picture_in_the_readme_is_todays() -> None:
    """Made by `saga draw fulfil-order --svg > docs/images/fulfil-order.svg`."""
    picture = "docs/images/fulfil-order.svg"
    assert f"]({picture})" in README
    assert (PROJECT / picture).read_text(encoding="utf-8") == svg_of(fulfil_order.plan, with_styles=True)


def test_the_saga_in_the_readme_is_the_one_that_runs() -> None:
    source = (PROJECT / "sagas" / "order_fulfilment" / "saga.py").read_text()
    assert source[source.index("fulfil_order = Saga(") :] in README


def test_the_test_in_the_readme_is_run_with_the_others() -> None:
    example = README[README.index("def test_a_declined_card") :].partition("```")[0]
    source = (PROJECT / "tests" / "unit" / "sagas" / "order_fulfilment" / "test_saga.py").read_text()
    for line in example.strip().splitlines():
        assert line.strip() in source, line


def test_the_table_of_settings_is_todays() -> None:
    assert (PROJECT / "docs" / "settings.md").read_text() == document(), "run make docs"


def test_the_table_of_metrics_is_todays() -> None:
    assert (PROJECT / "docs" / "metrics.md").read_text() == metrics_table.document(), "run make docs"


def test_the_words_of_the_log_are_fresh() -> None:
    told = (PROJECT / "docs" / "logs.md").read_text()
    assert told == log_table.document(told), "run make docs"


RELIABILITY = (PROJECT / "docs" / "reliability.md").read_text()


def test_each_test_that_shows_a_promise_is_there() -> None:
    named = re.findall(r"`(?:tests/)?([\w/]*test_\w+\.py)`", RELIABILITY)
    assert len(named) > 20
    for name in named:
        assert any((PROJECT / "tests" / folder / name).is_file() for folder in ("", "faults")), name


def test_each_test_that_shows_a_rule_is_there() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", RELIABILITY)
    assert {"6", "8", "9", "14"} <= set(re.findall(r"^\| (\d+): ", RELIABILITY, re.MULTILINE))
    assert len(named) > 7
    for file, name in named:
        folder = PROJECT / "tests" / ("" if "/" in file else "faults")
        assert f"def {name}(" in (folder / file).read_text(), name


def test_each_row_of_the_fault_matrix_that_is_promised_has_its_test() -> None:
    promised = re.findall(r"`(test_\w+\.py)`, ((?:\d+(?:, | to | and )?)+)", RELIABILITY)
    assert len(promised) > 10
    for name, rows in promised:
        source = (PROJECT / "tests" / "faults" / name).read_text()
        for row in re.findall(r"\d+", rows):
            assert re.search(rf'test_{row}_|"{row} |"{row}"', source), f"{name}: {row}"


def test_the_description_of_the_api_is_todays() -> None:
    assert (PROJECT / "docs" / "openapi.json").read_text(encoding="utf-8") == written(), "run make docs"


@pytest.mark.parametrize("name", sorted(PROGRAM.list_commands(None)))
def test_every_command_is_in_the_readme(name) -> None:
    assert re.search(rf"(saga|make) {name}\b", README), name


def _typed(text: str) -> list[list[str]]:
    """The commands of a document's blocks, in words; a backslash goes on in the next line."""
    blocks = re.findall(r"```\n(.*?)```", text.replace("\\\n", " "), flags=re.DOTALL)
    lines = (line.partition("#")[0] for block in blocks for line in block.splitlines())
    return [part.split() for line in lines for part in line.split(";") if part.strip().startswith("saga ")]


@pytest.mark.parametrize("words", _typed(OPERATING), ids=" ".join)
def test_what_operators_are_told_to_type_is_there(words) -> None:
    command = PROGRAM.get_command(None, words[1])
    assert command is not None, words
    for word in words[2:]:
        command = getattr(command, "commands", {}).get(word, command)
    known = {option for each in command.params for option in each.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_what_the_readme_imports_is_there() -> None:
    lines = re.findall(r"^from \S+ import .+$", README, flags=re.MULTILINE)
    assert any("saga_plugin" in line for line in lines)
    for line in lines:
        exec(line, {})


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (PROJECT / target).exists(), target


def test_every_error_is_in_the_tree_at_the_top_of_its_module() -> None:
    drawn = re.findall(r"[├└]── (\w+)", orchestrator.errors.__doc__ or "")
    found = [
        name
        for name, value in vars(orchestrator.errors).items()
        if isinstance(value, type) and issubclass(value, OrchestratorError) and value is not OrchestratorError
    ]
    assert sorted(drawn) == sorted(found)


def test_no_error_hides_in_another_module() -> None:
    defined = re.compile(r"class (\w+Error)\(")
    hidden = [
        (file.name, name)
        for file in (PROJECT / "orchestrator").rglob("*.py")
        if file.parent.name != "errors"
        for name in defined.findall(file.read_text())
    ]
    assert hidden == []


@pytest.mark.parametrize("page", ["contracts.md"])
def test_the_code_of_a_page_runs(page, monkeypatch) -> None:
    module = ModuleType("page_example")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    blocks = re.findall(r"```python\n(.*?)```", (PROJECT / "docs" / page).read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, page, "exec"), vars(module))


def test_every_link_of_a_page_leads_somewhere() -> None:
    for page in (PROJECT / "docs").glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), (page.name, target)


def test_the_table_of_foreign_envelopes_is_the_one_that_is_used() -> None:
    page = (PROJECT / "docs" / "contracts.md").read_text()
    for row in MAPPING:
        theirs = f"{row.masstransit}[]" if row.ours == "type" else row.masstransit
        assert re.search(rf"\| `{re.escape(theirs)}`[^|]*\| `{re.escape(row.nservicebus)}` \|", page), row
