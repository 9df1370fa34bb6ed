import io

import pytest
from rich.console import Console

from deploy.local.bootstrap import down, up
from deploy.local.environment import FILE, read_environment

GIVEN = {
    "SAGA_TEMPORAL_ADDRESS": "temporal.example:7233",
    "SAGA_RABBITMQ_URL": "amqps://rabbit.example/",
}


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


def test_servers_that_are_given_are_used_and_none_is_started(tmp_path, monkeypatch, console) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    found = up(tmp_path, console)
    assert found.temporal_address == GIVEN["SAGA_TEMPORAL_ADDRESS"]
    assert found.rabbitmq_url == GIVEN["SAGA_RABBITMQ_URL"]
    for name in GIVEN:
        assert f"{name} is set: that server is used and none is started" in console.file.getvalue()
    assert not (tmp_path / ".local" / "temporal").exists()


def test_what_is_given_is_not_written_down(tmp_path, monkeypatch, console) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    up(tmp_path, console)
    assert set(read_environment(tmp_path / FILE).variables()) == {"SAGA_DATABASE_URL"}


def test_stopping_what_does_not_run_is_no_failure(tmp_path, console) -> None:
    down(tmp_path, console)
    assert console.file.getvalue().splitlines() == ["RabbitMQ does not run", "Temporal does not run"]
