"""What is written down is true: pictures and examples are today's, and nothing that people meet is left out."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import orchestrator.errors
from orchestrator.adapters.telemetry import log_table
from orchestrator.console.api.description import description, written
from orchestrator.console.api.meanings import MEANINGS
from orchestrator.console.api.problems import failure_of
from orchestrator.console.diagram.svg import svg_of
from orchestrator.contracts import protocol
from orchestrator.contracts.foreign import MAPPING
from orchestrator.errors import (
    ConflictError,
    InvalidRequestError,
    OrchestratorError,
    PlanMovedError,
    Rejected,
    SelectionMovedError,
    TooManyRequestsError,
    TooManyTriesError,
)
from orchestrator.participant.patience import FAULT
from orchestrator.service import metrics_table
from orchestrator.service.compensation import UndoPlan
from orchestrator.settings.table import document
from sagas.order_fulfilment import fulfil_order
from workers.__main__ import app
from workers.reference import api, commands, errors

PROJECT = Path(__file__).resolve().parents[1]
README = (PROJECT / "README.md").read_text()
PROGRAM: Any = get_command(app)
PLAN = UndoPlan(
    execution_id="a:1", from_step=None, revision=1, needs_override=False, steps=(), cannot_undo=(), hash="hash"
)


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


def test_the_reference_of_commands_is_todays() -> None:
    assert (PROJECT / "docs" / "commands.md").read_text(encoding="utf-8") == commands.document(), "run make docs"


def test_the_reference_of_errors_is_todays() -> None:
    assert (PROJECT / "docs" / "errors.md").read_text(encoding="utf-8") == errors.document(), "run make docs"


def test_every_reason_for_which_an_execution_or_the_relay_parks_is_explained() -> None:
    sources = [file.read_text() for file in (PROJECT / "orchestrator").rglob("*.py") if "testing" not in file.parts]
    written = {
        reason
        for text in sources
        for reason, behind in re.findall(r'[Pp]ark\((?:\w+, )*"([a-z]+(?:-[a-z]+)*)"([^\n]*)', text)
        if "endless=True" not in behind  # it waits as long as it takes
    }
    assert "second-start" in written
    assert written == set(errors.PARKED)


def test_what_the_kit_of_participants_refuses_by_itself_is_explained() -> None:
    codes = {protocol.CONFLICT, protocol.EXPIRED, protocol.UNDONE, FAULT, Rejected("no").code}
    assert codes == set(errors.REFUSED)


@pytest.mark.parametrize(
    "error",
    [
        PlanMovedError(PLAN, revision=1),
        SelectionMovedError("token", count=1),
        ConflictError("moved", revision=1),
        InvalidRequestError([("/reason", "is empty")]),
        TooManyTriesError(1),
        TooManyRequestsError(1, 1),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_code_of_a_problem_with_more_fields_is_the_one_that_is_told(error) -> None:
    assert errors.SAID_WITH_MORE[type(error)] == failure_of(error).code


def test_the_description_of_the_api_is_todays() -> None:
    assert (PROJECT / "docs" / "openapi.json").read_text(encoding="utf-8") == written(), "run make docs"


API_PAGE = (PROJECT / "docs" / "api.md").read_text(encoding="utf-8")


def test_the_reference_of_the_api_is_todays() -> None:
    assert api.document() == API_PAGE, "run make docs"


def test_the_reference_of_the_api_has_every_request_and_every_document() -> None:
    requests = {f"{method.upper()} `{path}`" for path, item in description()["paths"].items() for method in item}
    documents = set(description()["components"]["schemas"])
    assert len(requests) > 40
    assert set(re.findall(r"^### (.+)$", API_PAGE, re.MULTILINE)) == requests | documents


def test_each_link_within_the_reference_of_the_api_leads_to_what_it_names() -> None:
    headings = [heading.lower() for heading in re.findall(r"^#+ (.+)$", API_PAGE, re.MULTILINE)]
    assert len(headings) == len(set(headings)), "two headings would share an address"
    linked = re.findall(r"\[(\w+)\]\(#(\w+)\)", API_PAGE)
    assert len(linked) > 100
    for name, place in linked:
        assert place == name.lower()
        assert place in headings, name


def test_every_parameter_of_the_api_has_a_meaning() -> None:
    parameters = [
        one
        for item in description()["paths"].values()
        for request in item.values()
        for one in request.get("parameters", ())
    ]
    assert [one["name"] for one in parameters if not one.get("description")] == []
    assert MEANINGS.items() <= {((one["in"], one["name"]), one["description"]) for one in parameters}


@pytest.mark.parametrize("name", sorted(PROGRAM.list_commands(None)))
def test_every_command_is_in_the_readme(name) -> None:
    assert re.search(rf"(saga|make) {name}\b", README), name


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


def test_the_table_of_foreign_envelopes_is_the_one_that_is_used() -> None:
    page = (PROJECT / "docs" / "contracts.md").read_text()
    for row in MAPPING:
        theirs = f"{row.masstransit}[]" if row.ours == "type" else row.masstransit
        assert re.search(rf"\| `{re.escape(theirs)}`[^|]*\| `{re.escape(row.nservicebus)}` \|", page), row
