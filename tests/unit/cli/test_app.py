"""The program's parts: known by name before they are imported."""

import subprocess
import sys

import pytest
from typer.main import get_command

from orchestrator.cli.app import PANELS, build_app, parts_over
from tests.cli_kit import FakeDesk

HEAVY = ("temporalio", "aio_pika", "sqlalchemy", "alembic", "fastapi", "jwt")


def test_each_part_has_the_commands_that_it_is_listed_with() -> None:
    for part in parts_over(FakeDesk):
        assert set(part.commands()) == set(part.names), part.place


def test_no_command_has_two_parts() -> None:
    names = [name for part in parts_over(FakeDesk) for name in part.names]
    assert len(names) == len(set(names))


def test_a_command_loads_no_libraries_that_it_does_not_need() -> None:
    code = (
        "import sys; from orchestrator.cli.exits import status_of; from workers.__main__ import app;"
        " status_of(lambda: app(['check']));"
        f" print(*[name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "fulfil-order version" in ended.stdout
    assert ended.stderr.split() == []


def test_the_help_lists_the_commands_of_every_part() -> None:
    ended = subprocess.run([sys.executable, "-m", "workers", "--help"], capture_output=True, text=True, check=True)
    for part in parts_over(FakeDesk):
        for name in part.names:
            assert f" {name} " in ended.stdout


def test_every_command_stands_in_one_panel_of_the_help() -> None:
    names = [name for panel in PANELS.values() for name in panel]
    assert sorted(names) == sorted(name for part in parts_over(FakeDesk) for name in part.names)


def test_a_misspelt_command_is_answered_with_the_nearest() -> None:
    ended = subprocess.run([sys.executable, "-m", "workers", "shw"], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "Did you mean 'show'?" in ended.stderr


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("saga li", {"list"}),
        ("saga list --sta", {"--status"}),
        ("saga list --status st", {"stuck"}),
        ("saga list --status stuck --status pa", {"parked", "partially_compensated"}),
        ("saga token create ci --grant payload", {"payload:read"}),
    ],
)
def test_a_shell_completes_commands_options_and_their_words(typed, offered, monkeypatch, capsys) -> None:
    asked = {"_SAGA_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    app = get_command(build_app(FakeDesk))
    with pytest.raises(SystemExit) as ended:
        app(prog_name="saga")
    out, err = capsys.readouterr()
    assert (ended.value.code, set(out.split()), err) == (0, offered, "")
