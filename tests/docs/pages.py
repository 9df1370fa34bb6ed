"""The blocks of a page: what kind each is, and so how it is proved.

Read by markdown-it-py. The libraries that test documents (pytest-examples, mktestdocs, sybil, markdown-exec) run Python
blocks, some shell ones too; none starts processes that stay, holds an output to the command before it, or refuses a block
that nobody would look at. That is most of what our pages need, so the runner is ours, on a well-kept parser.

A block is proved by its language, unless a comment before it says otherwise:

| block | proved by |
|---|---|
| `python` | it is run, in one module a page |
| any with `title="FILE"` | it is written to the page's folder, which the blocks behind it use; Python must compile |
| `sh` | it is run by bash in the page's folder, and must end with 0; what it exports, and where it goes, stays |
| `text` behind one that was run | it is what that one printed, but for what differs from run to run |
| `json`, `toml`, `yaml` | it is read as such |
| `env` | each line sets a setting that there is, to an allowed value |
| `<!-- starts -->` | a process that stays: it is started, and stopped at the page's end or when the same is started again |
| `<!-- soon -->` | it is run until it ends with 0, for what takes a moment |
| `<!-- fails -->` | it is run, and must not end with 0 |
| `<!-- typed: WHY -->` | each line is a command of `saga` with options that there are, or a target of `make` |
| `console`, which is always shown | what stands behind `$ ` is held to the program as `typed` is, and no more |
| `<!-- shown: WHY -->` | not proved; test_pages.py has how many of them a page may have |
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

PROJECT = Path(__file__).resolve().parents[2]
DOCS = PROJECT / "docs"
LANGUAGES = {"python", "sh", "console", "text", "json", "toml", "yaml", "env"}
MARKS = {"starts", "soon", "fails", "typed", "shown"}
NEED_A_REASON = {"typed", "shown"}
_MARK = re.compile(r"<!-- (\w+)(?:: (.+?))? -->", re.DOTALL)
_TITLE = re.compile(r'\btitle="([^"]+)"')
_SERVERS = "<!-- servers -->"
_ELSEWHERE = re.compile(r"<!-- proved by: (\S+) -->")


class UnprovedBlockError(Exception):
    """A block of which nobody could tell how it is proved."""


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        line: where it begins in its page, from 1 on.
        mark: what the comment before it says, empty if there is none. `why`: its reason.
        title: the file that it is, empty if it is none.
    """

    page: Path
    line: int
    language: str
    text: str
    title: str = ""
    mark: str = ""
    why: str = ""

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def pages() -> list[Path]:
    """Every page there is."""
    return sorted(DOCS.rglob("*.md"))


def needs_servers(page: Path) -> bool:
    """Whether its blocks are run on the real servers."""
    return _SERVERS in page.read_text()


def proved_elsewhere(page: Path) -> str:
    """The test by which all of its blocks are proved, empty if it is proved here."""
    found = _ELSEWHERE.search(page.read_text())
    return found[1] if found else ""


def blocks_of(page: Path) -> list[Block]:
    """The page's blocks, in order.

    Raises:
        UnprovedBlockError: there is one that nobody could prove.
    """
    return [_checked(block) for block in _read(page)]


def _read(page: Path) -> Iterator[Block]:
    before: Token | None = None
    for token in MarkdownIt().parse(page.read_text()):
        if token.type == "code_block":
            raise UnprovedBlockError(f"{page.name}: a block by indentation has no language:\n{token.content}")
        if token.type == "fence":
            mark, why = _mark(before)
            language, _, rest = token.info.strip().partition(" ")
            title = _TITLE.search(rest)
            line = (token.map or [0])[0] + 1
            yield Block(page, line, language, token.content, title[1] if title else "", mark, why)
        before = token


def _mark(token: Token | None) -> tuple[str, str]:
    found = _MARK.fullmatch(token.content.strip()) if token is not None and token.type == "html_block" else None
    return (found[1], found[2] or "") if found else ("", "")


def _checked(block: Block) -> Block:
    if block.language not in LANGUAGES:
        raise UnprovedBlockError(f"{block}: {block.language!r} is none of {sorted(LANGUAGES)}")
    if block.mark and block.mark not in MARKS:
        raise UnprovedBlockError(f"{block}: {block.mark!r} is none of {sorted(MARKS)}")
    if block.language == "console" and block.mark != "shown":
        raise UnprovedBlockError(f"{block}: write sh, and the output as text behind it")
    if block.mark in NEED_A_REASON and not block.why:
        raise UnprovedBlockError(f"{block}: say why it is {block.mark} only, as <!-- {block.mark}: WHY -->")
    return block
