"""docs/definition-rules.md lists each rule, and each of its examples breaks the rule it stands under, and no other."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from orchestrator import Saga, SagaDefinitionError
from orchestrator.saga.rules import RULES, Findings, Problem

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "definition-rules.md").read_text()
PREAMBLE, *SECTIONS = re.split(r"^### ", PAGE, flags=re.MULTILINE)
TITLES = dict(section.splitlines()[0].split(" ", 1) for section in SECTIONS)
EXAMPLES = {
    section[:4]: code for section in SECTIONS for code in re.findall(r"```python\n(.*?)```", section, re.DOTALL)
}
CHECKED_ELSEWHERE = {"S022"}


@pytest.fixture
def run_example(monkeypatch):
    module = ModuleType("rules_example")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    made: list[Saga] = []

    def run(example: str) -> Saga | None:
        exec(re.findall(r"```python\n(.*?)```", PREAMBLE, re.DOTALL)[0], vars(module))
        build = vars(module)["saga"]
        vars(module)["saga"] = lambda *parts, **options: made.append(build(*parts, **options))
        exec(example, vars(module))
        return made[0] if made else None

    return run


def test_the_page_lists_every_rule_as_the_code_words_it() -> None:
    assert dict(sorted(TITLES.items())) == RULES


def test_every_rule_has_an_example() -> None:
    assert set(EXAMPLES) == set(RULES) - CHECKED_ELSEWHERE


@pytest.mark.parametrize("code", sorted(code for code in EXAMPLES if code.startswith("S")))
def test_an_example_breaks_its_rule_and_no_other(code, run_example) -> None:
    with pytest.raises(SagaDefinitionError) as raised:
        run_example(EXAMPLES[code])
    assert {problem[:4] for problem in raised.value.problems} == {code}, raised.value


@pytest.mark.parametrize("code", sorted(code for code in EXAMPLES if code.startswith("W")))
def test_an_example_of_a_warning_can_be_used(code, run_example) -> None:
    assert [warning.code for warning in run_example(EXAMPLES[code]).warnings] == [code]


def test_a_problem_reads_as_one_line_and_keeps_its_parts() -> None:
    problem = Problem("S001", "a asks for 'b'", "shop/saga.py:4")
    assert problem == "S001 a asks for 'b'     shop/saga.py:4"
    assert (problem.code, problem.text, problem.place) == ("S001", "a asks for 'b'", "shop/saga.py:4")


def test_a_code_without_a_rule_is_refused() -> None:
    with pytest.raises(AssertionError):
        Problem("S999", "no such rule")


def test_the_same_problem_is_told_once_and_warnings_are_kept_apart() -> None:
    findings = Findings()
    for code in ("S001", "S001", "W001"):
        findings.report(code, "text", "place")
    assert [len(findings.problems), len(findings.warnings)] == [1, 1]
