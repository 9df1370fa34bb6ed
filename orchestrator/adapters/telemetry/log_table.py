"""The log's vocabulary, read from the sources: the table of docs/logs.md is made by it, and a test holds it to that.

Beside it stands a rule: a line that speaks of an execution says which one in a field of its own, not in words only.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

About: TypeAlias = Literal["always", "if known", "in hand", ""]
PROJECT = Path(__file__).resolve().parents[3]
PACKAGES = ("orchestrator", "workers")
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}
IN_HAND = (
    "orchestrator/adapters/rabbitmq/participants.py",
    "orchestrator/adapters/rabbitmq/replies.py",
    "orchestrator/adapters/temporal/performing.py",
    "orchestrator/contracts/codecs/table.py",
    "orchestrator/participant/patience.py",
    "workers/relay.py",
)
"""What speaks while `service.about.about` tells which execution, step and attempt are in hand."""
OF_EXECUTIONS = re.compile(r"\b(execution|executions|execution_id|workflow_id|reply|step|attempt|headers)\b")
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that our code may write.

    Attributes:
        module: where, as a path. `template`: its event. `puts_in`: the source of what is put into it.
        about: whether it has the ids of an execution.
    """

    module: str
    number: int
    level: str
    template: str
    puts_in: tuple[str, ...]
    about: About

    @property
    def is_of_an_execution(self) -> bool:
        """Whether it speaks of one, by what is put into it."""
        return any(OF_EXECUTIONS.search(one) for one in self.puts_in)


def lines(project: Path = PROJECT) -> list[Line]:
    """All of them."""
    files = [file for package in PACKAGES for file in sorted((project / package).rglob("*.py"))]
    return [line for file in files for line in lines_in(file.read_text(), file.relative_to(project).as_posix())]


def lines_in(source: str, module: str) -> Iterator[Line]:
    """Those of one file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
            by = node.func.value
            if isinstance(by, ast.Name) and by.id == "log":
                yield _line(node, LEVELS[node.func.attr], module)


def _line(call: ast.Call, level: str, module: str) -> Line:
    extra = next((ast.unparse(one.value) for one in call.keywords if one.arg == "extra"), "")
    said, *puts_in = call.args
    about = _about(module, extra)
    return Line(module, call.lineno, level, _template(said), tuple(ast.unparse(one) for one in puts_in), about)


def _template(said: ast.expr) -> str:
    match said:
        case ast.Constant(value=str() as text):
            return text
        case ast.IfExp(body=body, orelse=other):
            return f"{_template(body)}, or {_template(other)}"
        case _:
            return ast.unparse(said)


def _about(module: str, extra: str) -> About:
    if "ids(" in extra or "execution_id" in extra:
        return "if known" if " if " in extra else "always"
    return "in hand" if module in IN_HAND else ""


def document(before: str) -> str:
    """The whole file, its table made anew."""
    top, rest = before.split(BEGIN, 1)
    return f"{top}{BEGIN}\n{table()}{END}{rest.split(END, 1)[1]}"


def table() -> str:
    """Every line that may be logged, as Markdown."""
    rows = sorted({(line.level, line.template, line.about, _logger(line.module)) for line in lines()})
    head = "| level | event | about an execution | told by |\n|---|---|---|---|\n"
    cells = [f"| {level} | {_cell(event)} | {about or '-'} | `{logger}` |\n" for level, event, about, logger in rows]
    return head + "".join(cells)


def _logger(module: str) -> str:
    return module.removesuffix(".py").replace("/", ".")


def _cell(event: str) -> str:
    return f"`{event}`".replace("|", "\\|")


def main() -> None:
    """Make the table of docs/logs.md below the current folder anew."""
    file = Path("docs/logs.md")
    file.write_text(document(file.read_text()))


if __name__ == "__main__":
    main()
