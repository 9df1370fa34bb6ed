"""The limits of size and the mirror rule.

Size, for every .py of the working tree outside tests/: a file has at most 300 lines; a function at most 30 without its
docstring and 45 with it, at most 5 positional parameters (self and cls aside; more are keyword-only), and statements
nested at most 3 deep.

Work at once: `orchestrator.together`, not `asyncio.gather`, which leaves behind what it began when it fails, and cancels
what it waits for a second time. A database: `writing_to` or `reading_from`, which close it whoever is cancelled meanwhile.

Mirror: tests/unit/<path>/test_<name>.py tests orchestrator/<path>/<name>.py, or workers/, sagas/, deploy/ where <path>
begins with that word. Several files may share a module: test_<name>_<aspect>.py. A package is tested as test_<name>.py
beside it, and deploy/compose.yaml as if it were a module.
"""

import ast
import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
FILE_LINES = 300
FUNCTION_LINES = 30
FUNCTION_LINES_WITH_DOCSTRING = 45
POSITIONAL = 5
NESTING = 3
OTHER_ROOTS = ("workers", "sagas", "deploy", "benchmarks")
COMPOUND = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def python_files() -> list[Path]:
    """What git knows or would know, without what is ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.py"]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted(Path(line) for line in set(listed) if (PROJECT / line).is_file())


def sources() -> list[Path]:
    return [path for path in python_files() if path.parts[0] != "tests"]


def functions(text: str) -> Iterator[Function]:
    return (node for node in ast.walk(ast.parse(text)) if isinstance(node, Function))


def faults(text: str) -> list[str]:
    """Everything in a file's text that is over a limit."""
    found = [] if len(text.splitlines()) <= FILE_LINES else [f"the file has {len(text.splitlines())} lines"]
    for function in functions(text):
        found += [f"{function.name} (line {function.lineno}) {fault}" for fault in function_faults(function)]
    return found


def function_faults(function: Function) -> Iterator[str]:
    lines = (function.end_lineno or 0) - function.lineno + 1
    if lines > FUNCTION_LINES_WITH_DOCSTRING:
        yield f"has {lines} lines with its docstring"
    if lines - docstring_lines(function) > FUNCTION_LINES:
        yield f"has {lines - docstring_lines(function)} lines without its docstring"
    parameters = [*function.args.posonlyargs, *function.args.args]
    if parameters and parameters[0].arg in ("self", "cls"):
        parameters = parameters[1:]
    if len(parameters) > POSITIONAL:
        yield f"has {len(parameters)} positional parameters"
    if nesting(function.body) > NESTING:
        yield f"is nested {nesting(function.body)} deep"


def docstring_lines(function: Function) -> int:
    first = function.body[0]
    if ast.get_docstring(function) is None or first.end_lineno is None:
        return 0
    return first.end_lineno - first.lineno + 1


def nesting(body: list[ast.stmt]) -> int:
    """How deep compound statements stand in each other; `elif` is no deeper than its `if`, a function begins anew."""
    return max((1 + inner_nesting(statement) for statement in body if isinstance(statement, COMPOUND)), default=0)


def inner_nesting(statement: ast.stmt) -> int:
    branches: list[list[ast.stmt]] = [getattr(statement, name, []) for name in ("body", "finalbody")]
    branches += [part.body for part in getattr(statement, "handlers", [])]
    branches += [part.body for part in getattr(statement, "cases", [])]
    deepest = max(map(nesting, branches))
    rest: list[ast.stmt] = getattr(statement, "orelse", [])
    if isinstance(statement, ast.If) and len(rest) == 1 and isinstance(rest[0], ast.If):
        return max(deepest, nesting(rest) - 1)
    return max(deepest, nesting(rest))


@pytest.mark.parametrize("path", sources(), ids=str)
def test_a_source_file_keeps_the_limits_of_size(path: Path) -> None:
    assert faults((PROJECT / path).read_text()) == []


def modules_meant(test: Path) -> Iterator[Path]:
    """Where the module may lie that a unit test mirrors."""
    path = test.relative_to("tests/unit")
    folder = path.parent if path.parts[0] in OTHER_ROOTS else Path("orchestrator") / path.parent
    words = test.stem.removeprefix("test_").split("_")
    for name in itertools.accumulate(words, "{}_{}".format):
        # A module of one underscore, such as __main__, is tested by its bare name.
        yield from (folder / f"{name}.py", folder / f"__{name}__.py", folder / name / "__init__.py")
        yield folder / f"{name}.yaml"


def unit_tests() -> list[Path]:
    return [path for path in python_files() if path.is_relative_to("tests/unit") and path.stem.startswith("test_")]


@pytest.mark.parametrize("test", unit_tests(), ids=str)
def test_a_unit_test_mirrors_a_module(test: Path) -> None:
    meant = list(modules_meant(test))
    assert any((PROJECT / module).is_file() for module in meant), f"none of these exists: {[str(m) for m in meant]}"


LEAVES_BEHIND = ("gather", "dispose")
CLOSES = Path("orchestrator/adapters/sql/databases.py")


def left_behind(text: str) -> list[str]:
    """Methods that are called and leave work or connections behind when somebody is cancelled there."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    called = [call.func.attr for call in calls if isinstance(call.func, ast.Attribute)]
    return [name for name in called if name in LEAVES_BEHIND]


@pytest.mark.parametrize("path", [path for path in sources() if path.parts[0] in ("orchestrator", "workers")], ids=str)
def test_nothing_is_left_behind(path: Path) -> None:
    assert left_behind((PROJECT / path).read_text()) == (["dispose"] if path == CLOSES else [])


def test_what_is_left_behind_is_seen() -> None:
    assert left_behind("await asyncio.gather(one(), two())\nawait engine.dispose()\nengine.begin()") == [
        "gather",
        "dispose",
    ]


def test_the_limits_are_seen() -> None:
    deep = "def f(a, b, c, d, e, g):\n if a:\n  for b in c:\n   with d:\n    try:\n     pass\n    finally:\n     pass\n"
    assert faults(deep) == ["f (line 1) has 6 positional parameters", "f (line 1) is nested 4 deep"]
    assert faults("def f():\n" + "    x = 1\n" * 30) == ["f (line 1) has 31 lines without its docstring"]
    assert faults('def f():\n    """One.\n' + "\n" * 42 + '    """\n' + "    x = 1\n") == [
        "f (line 1) has 46 lines with its docstring"
    ]
    assert faults("x = 1\n" * 301) == ["the file has 301 lines"]


def test_what_is_within_the_limits_is_left_alone() -> None:
    chain = "def f(self, a, b, c, d, e, *, g):\n if a:\n  pass\n" + " elif b:\n  pass\n" * 5
    assert faults(chain) == []
