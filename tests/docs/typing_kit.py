"""Commands that a page tells people to type, held to the program: the command is there, and so are its options."""

import re
import shlex
from typing import Any

from typer.main import get_command

from tests.docs.pages import PROJECT, Block
from workers.__main__ import app

PROGRAM: Any = get_command(app)
MAKEFILE = (PROJECT / "Makefile").read_text()


def typed(block: Block) -> list[list[str]]:
    """The block's commands, in words; a backslash goes on in the next line, of `console` only what is behind `$ `."""
    text = block.text.replace("\\\n", " ")
    lines = text.splitlines()
    if block.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    words = (_words(line) for line in lines)
    return [command for line in words for command in line if command]


def _words(line: str) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for word in shlex.split(line, comments=True):
        if word.endswith(";"):
            found[-1].append(word[:-1])
            found.append([])
        else:
            found[-1].append(word)
    return found


def check_typed(block: Block) -> None:
    """Hold every command of the block to the program.

    Raises:
        AssertionError: a line is no command of `saga` or target of `make`, or has an option that is not there.
    """
    commands = typed(block)
    assert commands, f"{block}: no command in it"
    for words in commands:
        match words:
            case ["saga", *rest]:
                _check_saga(block, rest)
            case ["make", target, *_]:
                assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), f"{block}: no target {target}"
            case _:
                raise AssertionError(f"{block}: {words[0]!r} is neither saga nor make")


def _check_saga(block: Block, words: list[str]) -> None:
    command = PROGRAM
    for word in words:
        command = _below(command, word)
    assert command is not PROGRAM, f"{block}: no command {words[:1]}"
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    asked = {word for word in words if re.fullmatch(r"--?[a-z][a-z-]*", word)}
    assert asked <= known | {"--help"}, f"{block}: {' '.join(words)}: no {asked - known}"


def _below(command: Any, word: str) -> Any:
    list_commands = getattr(command, "list_commands", None)
    return command.get_command(None, word) or command if list_commands else command
