from orchestrator.testing.simulation.console import main


def test_a_seed_is_one_schedule_and_the_last_line_says_what_came_of_it(capsys) -> None:
    assert main(["--seed", "7"]) == 0
    first = capsys.readouterr().out.splitlines()[-1]
    assert main(["--seed", "7"]) == 0
    second = capsys.readouterr().out.splitlines()[-1]
    assert first.startswith("seed=7 transitions=")
    assert first.endswith("violations=0")
    assert first.split(" seconds=")[0] == second.split(" seconds=")[0]
