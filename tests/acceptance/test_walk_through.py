"""The README's walk-through, command by command on real servers: what it shows is what a reader sees."""

import contextlib
import io
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from deploy.local import demo_of
from orchestrator.cli.exits import OK, status_of
from tests.cli_kit import Ended
from workers.__main__ import app

pytestmark = [
    pytest.mark.servers,
    pytest.mark.usefixtures("environment", "demo_turn"),
    pytest.mark.timeout(600),
]
PROJECT = Path(__file__).resolve().parents[2]
SECTION = (PROJECT / "README.md").read_text().partition("## When a person is needed")[2].partition("\n## ")[0]
ID = re.compile(r"fulfil-order:r[0-9a-f]+-\d{5}")
WIDTH = "100"
"""Of the terminal that the README shows, in characters."""


@dataclass(frozen=True)
class Session:
    """One command of the README and what it prints there."""

    command: str
    output: str


def sessions() -> list[Session]:
    found: list[Session] = []
    for block in re.findall(r"```console\n(.*?)```", SECTION, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.replace("\\\n", " ").partition("\n")
            found.append(Session(command, output))
    return found


def saga(*arguments: str) -> Ended:
    """A command as the console script runs it, in this process: starting another one for each takes seconds."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = status_of(lambda: app(list(arguments)))
    return Ended(status, out.getvalue(), err.getvalue())


@pytest.fixture(autouse=True)
def terminal(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", WIDTH)


@pytest.fixture(scope="module")
def demo(demo_turn):
    """A demo with orders that wait for a person: its exit status and output. What it leaves running ends with this."""
    command = [sys.executable, "-m", "workers", "demo", "--orders", "12", "--stuck", "2", "--parked", "2"]
    yield subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    demo_of(PROJECT).stop()


def listed(run: str, status: str) -> list[str]:
    items = saga("list", "--status", status, "--json").document["items"]
    return sorted(item["id"] for item in items if f":{run}-" in item["id"])


def rewritten(demo: str) -> dict[str, str]:
    """The README's executions and those of this run in their place."""
    first = ID.search(demo)
    assert first is not None
    run = first[0].partition(":")[2].partition("-")[0]
    rows = [line.split() for line in sessions()[0].output.splitlines() if ID.match(line)]
    pairs: dict[str, str] = {}
    for status in ("stuck", "parked"):
        theirs = sorted(row[0] for row in rows if row[1] == status)
        pairs |= dict(zip(theirs, listed(run, status), strict=True))
    shown = next(one.command for one in sessions() if one.command.startswith("saga compensate"))
    told = re.search(rf"compensate ({ID.pattern})", demo)
    assert told is not None
    return {**pairs, ID.findall(shown)[0]: told[1]}


def plain(text: str) -> list[str]:
    """Lines without what differs from run to run; steps that are undone at the same time come in any order."""
    text = re.sub(r"\b[0-9a-f]{32}\b", "HEX", ID.sub("ID", text))
    return sorted(" ".join(line.split()) for line in text.splitlines() if line.strip())


def test_the_demo_ends_well_and_says_what_to_type_next(demo) -> None:
    assert demo.returncode == 0, demo.stdout
    assert "the books balance" in demo.stdout
    assert "2 stuck, 2 parked" in demo.stdout
    (address,) = re.findall(r"(http://127.0.0.1:\d+/)executions\?view=all in a browser", demo.stdout)
    assert f"in a few seconds: {address}" in demo.stdout
    answer = httpx.get(address, follow_redirects=False)
    assert answer.headers["location"] == "/sign-in?back=%2F", "the console is there, and asks who one is"


def test_every_command_of_the_readme_does_what_the_readme_shows(demo) -> None:
    pairs, plan = rewritten(demo.stdout), ""
    for session in sessions():
        command = ID.sub(lambda found: pairs[found[0]], session.command)
        command = re.sub(r"--plan \S+", f"--plan {plan}", command)
        ended = saga(*shlex.split(command)[1:])
        assert (ended.status, ended.err) == (OK, ""), command
        if command == "saga list":
            assert_listed(session.output, ended.out, pairs)
        else:
            assert plain(ended.out) == plain(session.output), command
        found = re.search(r"^plan (\S+)", ended.out, re.MULTILINE)
        plan = found[1] if found else plan
    assert_claims(pairs)


def assert_listed(readme: str, output: str, pairs: dict[str, str]) -> None:
    theirs = sorted(
        (pairs[row[0]], *row[1:3]) for line in readme.splitlines() if (row := line.split()) and row[0] in pairs
    )
    ours = sorted(tuple(row[:3]) for line in output.splitlines() if (row := line.split()) and row[0] in pairs.values())
    assert ours == theirs
    assert "as of 20" in output


def assert_claims(pairs: dict[str, str]) -> None:
    """What the README says beside what it shows."""
    stuck, parked = (pairs[next(name for name in pairs if name.endswith(end))] for end in STUCK_AND_PARKED)
    for execution, word in ((stuck, "Compensated"), (parked, "Completed")):
        saga("watch", execution)
        assert saga("show", execution, "--json").document["word"] == word
    assert saga("audit", "verify", "--json").document == {"ok": True, "faults": []}
    results = [item["result"] for item in saga("audit", "--of", stuck, "--json").document["items"]]
    assert results == ["verified", "accepted"]


STUCK_AND_PARKED = [
    ID.findall(one.command)[0].rpartition("-")[2] for one in sessions() if one.command.startswith("saga show")
][:2]
