"""Blocks that show what a run said once: whoever makes such a run in a test holds them to what is printed today."""

import re

from tests.docs.pages import DOCS, blocks_of
from tests.docs.running import same

CASE = "fulfil-order:A17"
"""Under this name pages show an execution."""
LEFT_OUT = "..."
OF_A_RUN = ((r"\d{4}-\d\d-\d\d\b", "DAY"), (r"\b\d+\b", "N"))
"""Beside what is never compared: how many there were, which version of a definition, on which day."""


def hold(page: str, command: str, printed: str, *names: tuple[str, str]) -> None:
    """Hold the block of a page that shows this command to what one of its kind printed in a run.

    Args:
        page: the file.
        command: how the line behind `$ ` begins.
        printed: what the run's command said.
        names: what the run calls otherwise than the page: its name, and the page's.

    Raises:
        AssertionError: a line of the block would not be printed any more; or no block shows the command.
    """
    (text,) = [block.text for block in blocks_of(DOCS / page) if block.text.startswith(f"$ {command}")]
    lines = [line for line in _plain(text.partition("\n")[2]) if line != LEFT_OUT]
    assert len(lines) > 1
    for theirs, ours in names:
        printed = printed.replace(theirs, ours)
    there = _plain(printed)
    assert [line for line in lines if line not in there] == [], "\n".join(there)


def _plain(text: str) -> list[str]:
    told = "\n".join(same(text))
    for pattern, instead in OF_A_RUN:
        told = re.sub(pattern, instead, told)
    return told.splitlines()
