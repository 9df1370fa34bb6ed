"""The command line as a document: docs/commands.md is made by it, and a test holds the file to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.main import get_command

from workers.__main__ import app

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = """# Every command and option

`saga COMMAND --help` says the same. What the commands have in common, exit statuses, and what works while servers are
away: [the command line](command-line.md).

This file is made by `make docs` from the commands themselves.
"""
FILE = Path("docs/commands.md")
HELP = "--help"


def document() -> str:
    """The whole file."""
    program: Any = get_command(app)
    parts: list[str] = []
    panel = ""
    for name in program.list_commands(None):
        command = program.get_command(None, name)
        if command.rich_help_panel != panel:
            panel = command.rich_help_panel
            parts.append(f"\n## {panel}\n")
        parts += _sections(name, command)
    return HEAD + "".join(parts)


def _sections(name: str, command: Any) -> Iterator[str]:
    """A command, and those below it."""
    yield f"\n### saga {name}\n\n{_said(command)}"
    rows = [_row(each) for each in command.params if not each.hidden and HELP not in each.opts]
    if rows:
        yield "\n| argument or option | default | meaning |\n|---|---|---|\n" + "".join(rows)
    for word, below in getattr(command, "commands", {}).items():
        yield from _sections(f"{name} {word}", below)


def _said(command: Any) -> str:
    paragraphs = (" ".join(paragraph.split()) for paragraph in (command.help or "").split("\n\n"))
    return "\n\n".join(paragraphs).strip() + "\n"


def _row(parameter: Any) -> str:
    is_option = parameter.opts[0].startswith("-")
    names = parameter.opts if is_option else [parameter.metavar or parameter.name.upper()]
    said = parameter.help or ""
    several = "; may be given several times" if parameter.multiple and "several times" not in said else ""
    cells = (", ".join(f"`{name}`" for name in names), _default(parameter), said + several)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _default(parameter: Any) -> str:
    if parameter.required:
        return "must be given"
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    if getattr(parameter, "is_flag", False) or parameter.default in (None, ""):
        return ""
    return f"`{parameter.default}`"


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
