"""Every block of every page is proved, by its kind: see `pages`."""

import asyncio
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from orchestrator.settings import load_settings
from tests.docs.forgetting import forget_executions
from tests.docs.pages import DOCS, PROJECT, Block, UnprovedBlockError, blocks_of, needs_servers, pages, proved_elsewhere
from tests.docs.running import Run, same, settings_of

pytestmark = pytest.mark.docs
SHOWN = {"events.md": 5, "traces.md": 1}
"""How many blocks of a page nothing proves; each says why. What is more, or less, is looked at here."""


def named(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


def name_of(page: Path) -> str:
    """By which its processes are known on the servers, and its folder on the disk."""
    return f"docs-{page.stem}"


def sagas_of(page: Path) -> list[str]:
    return [name for block in blocks_of(page) for name in re.findall(r'\bSaga\(\s*"([\w-]+)"', block.text)]


def run(page: Path, environment: dict[str, str]) -> None:
    name = name_of(page)
    folder = PROJECT / ".local" / "docs" / name
    under_way = Run(folder, {**settings_of(name, folder), **environment})
    try:
        for block in blocks_of(page):
            under_way.prove(block)
        under_way.compare_pictures()
    finally:
        under_way.end()
    shutil.rmtree(folder)


@pytest.mark.parametrize("page", [page for page in pages() if not needs_servers(page)], ids=named)
def test_the_blocks_of_a_page_are_as_they_say(page) -> None:
    if not proved_elsewhere(page):
        run(page, {"SAGA_TEMPORAL_ADDRESS": "127.0.0.1:1", "SAGA_RABBITMQ_URL": "amqp://nobody@127.0.0.1:1/"})


@pytest.mark.servers
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", [page for page in pages() if needs_servers(page)], ids=named)
async def test_the_blocks_of_a_page_run_on_real_servers(page, environment) -> None:
    settings, sagas = load_settings(PROJECT), sagas_of(page)
    await forget_executions(settings, sagas)
    try:
        await asyncio.to_thread(run, page, {"SAGA_CONSOLE_PORT": "0"})
    finally:
        await forget_executions(settings, sagas)


def test_no_block_is_left_out_but_those_that_say_why() -> None:
    shown = Counter(named(page) for page in pages() for block in blocks_of(page) if block.mark == "shown")
    assert shown == SHOWN


def test_a_page_that_is_proved_elsewhere_says_by_which_test() -> None:
    found = [(page, test) for page in pages() if (test := proved_elsewhere(page))]
    assert found
    for page, test in found:
        assert page.name in (PROJECT / test).read_text(), page


def test_pages_that_run_on_the_same_servers_have_sagas_of_their_own() -> None:
    counted = Counter(name for page in pages() if needs_servers(page) for name in set(sagas_of(page)))
    assert counted
    assert set(counted.values()) == {1}, counted


@pytest.mark.parametrize("page", pages(), ids=named)
def test_the_reader_of_blocks_overlooks_none(page) -> None:
    fences = [line for line in page.read_text().splitlines() if line.lstrip().startswith("```")]
    assert len(fences) == 2 * len(blocks_of(page))
    assert not any(line.startswith(" ") for line in fences), "a block that stands in a list is not read as one"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```\nsaga list\n```\n", "is none of"),
        ("```bash\nsaga list\n```\n", "is none of"),
        ("<!-- skipped: no time -->\n\n```sh\nfalse\n```\n", "is none of"),
        ("<!-- shown -->\n\n```sh\nfalse\n```\n", "say why"),
        ("    saga list\n", "has no language"),
    ],
)
def test_a_block_that_nobody_would_prove_is_refused(text, complaint, tmp_path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# A page\n\n{text}")
    with pytest.raises(UnprovedBlockError, match=complaint):
        blocks_of(page)


def proved(tmp_path: Path, *blocks: Block) -> None:
    under_way = Run(tmp_path / "page", {})
    try:
        for block in blocks:
            under_way.prove(block)
    finally:
        under_way.end()


def block(language: str, text: str, **more: str) -> Block:
    return Block(DOCS / "page.md", 1, language, text, **more)


@pytest.mark.parametrize(
    "wrong",
    [
        block("python", "assert 1 == 2\n"),
        block("python", "def (:\n", title="a.py"),
        block("sh", "exit 3\n"),
        block("sh", "false | true\n"),
        block("sh", "true\n", mark="fails"),
        block("sh", "saga list --no-such-option\n", mark="typed", why="-"),
        block("sh", "saga lst\n", mark="typed", why="-"),
        block("console", "$ saga show --no-such-option\n", mark="shown", why="-"),
        block("sh", "saga worker --sagas no.such:THING\n", mark="starts"),
        block("json", "{'a': 1}\n"),
        block("toml", "a = \n"),
        block("yaml", "a: [\n"),
        block("env", "SAGA_NO_SUCH_SETTING=1\n"),
        block("env", "SAGA_TEMPORAL_TLS=perhaps\n"),
        block("text", "something\n"),
    ],
    ids=lambda wrong: f"{wrong.language} {wrong.mark} {wrong.text}".strip(),
)
def test_a_block_that_is_not_as_it_says_is_found(wrong, tmp_path) -> None:
    with pytest.raises(Exception):  # noqa: B017 - whatever says so
        proved(tmp_path, wrong)


def test_an_output_is_compared_but_for_what_differs_from_run_to_run(tmp_path) -> None:
    command = block("sh", "echo at 2026-11-26 02:36:30 UTC it took 12.5 ms\n")
    proved(tmp_path, command, block("text", "at 2020-01-01 00:00:00 UTC it took 3 s\n"))
    with pytest.raises(AssertionError, match="is not what was printed"):
        proved(tmp_path, command, block("text", "at 2020-01-01 00:00:00 UTC it lasted 3 s\n"))


def test_a_block_finds_what_those_before_it_left(tmp_path) -> None:
    proved(
        tmp_path,
        block("python", "THERE = 1\n", title="shop/sagas.py"),
        block("sh", "export WHERE=shop\ncd $WHERE\n"),
        block("sh", 'test -f sagas.py\ntest "$WHERE" = shop\n'),
    )


def test_lengths_and_ids_are_not_compared() -> None:
    assert same("a 12 s b") == same("a  3.1 ms b")
    assert same("a 12 b") != same("a 13 b")
