import io
import secrets
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from deploy.local.bootstrap import down, up, up_postgres
from deploy.local.environment import FILE, Environment, read_environment, write_environment

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
    assert set(read_environment(tmp_path / FILE).variables()) == {"SAGA_DATABASE_URL", "SAGA_TRACES"}


def test_stopping_what_does_not_run_is_no_failure(tmp_path, console) -> None:
    down(tmp_path, console)
    assert console.file.getvalue().splitlines() == [
        "RabbitMQ does not run",
        "Temporal does not run",
        "PostgreSQL does not run",
    ]


def test_a_postgresql_that_is_given_is_used_and_none_is_started(tmp_path, monkeypatch, console) -> None:
    monkeypatch.setenv("SAGA_POSTGRES_URL", "postgresql://db.example/tests")
    assert up_postgres(tmp_path, console) == "postgresql://db.example/tests"
    assert not (tmp_path / ".local").exists()


def test_starting_the_others_leaves_the_address_of_postgresql(tmp_path, monkeypatch, console) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    ours = {"SAGA_POSTGRES_URL": "postgresql://saga:x@127.0.0.1:1/saga", "SAGA_POSTGRES_FOLDER": "/var/tmp/saga-0"}
    write_environment(tmp_path, Environment.of({**ours, "SAGA_RABBITMQ_URL": "amqp://before/"}))
    up(tmp_path, console)
    left = read_environment(tmp_path / FILE).variables()
    assert {name: left.get(name) for name in ours} == ours
    assert "SAGA_RABBITMQ_URL" not in left


def test_cleaning_removes_the_data_of_postgresql_that_lies_elsewhere(tmp_path) -> None:
    elsewhere = Path("/var/tmp") / f"saga-{secrets.token_hex(8)}"
    elsewhere.mkdir()
    write_environment(tmp_path, Environment.of({"SAGA_POSTGRES_FOLDER": str(elsewhere)}))
    for name in ("orchestrator", "workers", "sagas", "deploy", "benchmarks", "tests"):
        (tmp_path / name).mkdir()
    makefile = Path(__file__).parents[4] / "Makefile"
    subprocess.run(["make", "-f", str(makefile), "clean"], cwd=tmp_path, check=True, capture_output=True)
    assert not elsewhere.exists()
    assert not (tmp_path / ".local").exists()
