import pytest

from deploy.local.__main__ import main


@pytest.mark.parametrize("arguments", [[], ["sideways"], ["up", "a", "b"]])
def test_what_is_not_understood_is_answered_with_the_usage(arguments, capsys) -> None:
    assert main(arguments) == 2
    assert "up|postgres|down" in capsys.readouterr().err


def test_down_stops_nothing_where_nothing_runs(tmp_path, capsys) -> None:
    assert main(["down", str(tmp_path)]) == 0
    assert "RabbitMQ does not run" in capsys.readouterr().err


def test_a_failure_is_told_without_a_traceback(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("SAGA_TEMPORAL_ADDRESS", "elsewhere:1")
    monkeypatch.delenv("SAGA_RABBITMQ_URL", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("deploy.local.rabbitmq_install.PLACES", ())
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert main(["up", str(tmp_path)]) == 1
    assert "RabbitMQ is not installed" in capsys.readouterr().err
