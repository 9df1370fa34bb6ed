import os

import pytest

from deploy.local.errors import BootstrapError
from deploy.local.programs import output_of, run, version_in


def test_both_channels_are_output() -> None:
    assert output_of(["sh", "-c", "echo a; echo b >&2"]) == "a\nb\n"


@pytest.mark.parametrize("command", [["sh", "-c", "echo a; exit 1"], ["/no/such/program"], ["sleep", "30"]])
def test_a_program_that_does_not_do_its_work_says_nothing(command) -> None:
    assert output_of(command, limit=0.5) is None


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("temporal version 1.8.2 (Server 1.31.2, UI 2.50.1)", (1, 31, 2)),
        ("temporal version 1.0 (Server 1.29)", (1, 29)),
        ("nothing", ()),
        (None, ()),
    ],
)
def test_a_version_is_found_behind_its_word(text, version) -> None:
    assert version_in(text, "Server ") == version


def test_each_line_is_handed_over() -> None:
    lines: list[str] = []
    run(["sh", "-c", "echo a; echo $B >&2"], on_line=lines.append, variables={**os.environ, "B": "b"})
    assert lines == ["a", "b"]


def test_a_failure_has_the_last_lines_and_the_status() -> None:
    with pytest.raises(BootstrapError, match=r"failed with status 3(?s:.*)no disk"):
        run(["sh", "-c", "echo no disk; exit 3"], on_line=lambda _: None, variables=dict(os.environ))
