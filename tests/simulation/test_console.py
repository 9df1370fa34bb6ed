import pytest

from orchestrator.testing.simulation.console import main
from orchestrator.testing.simulation.loop import MOST_STEPS, Loop
from orchestrator.testing.simulation.world import World
from tests.mutants.interpreter import an_abort_is_not_recorded_before_its_undos

SHOWN_BY = "4344"
"""A seed that shows this fault."""


def test_a_seed_is_one_schedule_and_the_last_line_says_what_came_of_it(capsys) -> None:
    assert main(["--seed", "7"]) == 0
    first = capsys.readouterr().out.splitlines()[-1]
    assert main(["--seed", "7"]) == 0
    second = capsys.readouterr().out.splitlines()[-1]
    assert first.startswith("seed=7 transitions=")
    assert " runs=1 seconds=" in first
    assert first.endswith("violations=0")
    assert first.split(" seconds=")[0] == second.split(" seconds=")[0]


def test_what_is_broken_is_told_with_the_faults_that_broke_it(capsys, monkeypatch) -> None:
    an_abort_is_not_recorded_before_its_undos(monkeypatch)
    assert main(["--seed", SHOWN_BY]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"seed {SHOWN_BY}"
    assert any(line.startswith("faults ") and "none" not in line for line in told)
    assert any(line.startswith("VIOLATION ") for line in told)
    assert not told[-1].endswith("violations=0")


def test_further_seeds_that_fail_are_told_in_a_line_each(capsys, monkeypatch) -> None:
    monkeypatch.setattr(World, "_is_at_rest", lambda self: False)
    assert main(["--seed", "1", "--runs", "2"]) == 1
    assert "seed 2: 900 s after the last fault" in capsys.readouterr().out


def test_an_error_that_nobody_expected_is_told_with_its_seed_and_its_schedule(capsys, monkeypatch) -> None:
    monkeypatch.setattr(World, "_judge", lambda self: 1 // 0)
    assert main(["--seed", "7"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "seed 7"
    assert any(line.startswith("VIOLATION ") for line in told)
    assert any("ZeroDivisionError" in line for line in told)
    assert told[-1].startswith("seed=7 transitions=")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--seed", "seven"], "argument --seed: 'seven' is not a whole number from 0 on"),
        (["--seed", "-1"], "argument --seed"),
        (["--runs", "0"], "argument --runs: '0' is not a whole number from 1 on"),
        (["--faults", "none"], "unrecognized arguments: --faults none"),
    ],
    ids=str,
)
def test_wrong_arguments_are_told_in_words(asked, told, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(asked)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_what_goes_round_without_end_is_stopped() -> None:
    loop = Loop()  # type: ignore[abstract]

    def again() -> None:
        loop.call_soon(again)

    loop.call_soon(again)
    loop.run(until=1.0)
    assert loop.steps == MOST_STEPS
