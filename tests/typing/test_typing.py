"""What authors write type-checks, and their mistakes do not: mypy and pyright, both strict, agree with the marks."""

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
BIN = Path(sys.executable).parent
COMMANDS = {
    "mypy": [str(BIN / "mypy"), "--no-error-summary", *(f"tests/typing/{name}_saga.py" for name in ("bad", "good"))],
    "pyright": [str(BIN / "pyright"), "--pythonpath", sys.executable, "--project", "tests/typing"],
}
ERROR = re.compile(r"^.*?(\w+\.py):(\d+)[:\d]*(?: -)? error: ")


@pytest.fixture(params=sorted(COMMANDS))
def errors(request) -> dict[str, set[int]]:
    """Lines with errors, by file."""
    told = subprocess.run(COMMANDS[request.param], cwd=PROJECT, capture_output=True, text=True, check=False)
    found: dict[str, set[int]] = {}
    for match in filter(None, map(ERROR.match, (line.strip() for line in told.stdout.splitlines()))):
        found.setdefault(match[1], set()).add(int(match[2]))
    assert found, told.stdout + told.stderr
    return found


def marked() -> set[int]:
    """Lines that say `# error`."""
    lines = enumerate((HERE / "bad_saga.py").read_text().splitlines(), start=1)
    return {number for number, line in lines if line.endswith("# error")}


@pytest.mark.timeout(300)
def test_a_saga_file_is_clean_and_each_marked_mistake_is_found(errors) -> None:
    assert errors == {"bad_saga.py": marked()}


def test_the_good_saga_can_be_built_too(monkeypatch) -> None:
    module = ModuleType("good_saga")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec((HERE / "good_saga.py").read_text(), vars(module))
    assert vars(module)["book_trip"].warnings == ()
