import stat

import pytest

from deploy.local.environment import (
    Environment,
    find_environment,
    given_variables,
    read_environment,
    write_environment,
)
from deploy.local.errors import BootstrapError
from orchestrator.settings import load_settings

HERE = Environment(
    temporal_address="127.0.0.1:20001",
    temporal_namespace="default",
    temporal_ui_url="http://127.0.0.1:20002",
    rabbitmq_url="amqp://saga:secret@127.0.0.1:20003/saga",
    rabbitmq_management_url="http://saga:secret@127.0.0.1:20004",
    database_url="sqlite:////a folder/it's #1/saga.db",
    traces="file",
    postgres_url="postgresql://saga:secret@127.0.0.1:5432/saga",
    postgres_folder="/var/tmp/saga-1",
)


@pytest.fixture(autouse=True)
def _nothing_given(monkeypatch):
    for name in given_variables():
        monkeypatch.delenv(name)


def test_what_is_written_is_read_back(tmp_path) -> None:
    assert read_environment(write_environment(tmp_path, HERE)) == HERE


def test_the_settings_read_the_same(tmp_path) -> None:
    write_environment(tmp_path, HERE)
    settings = load_settings(tmp_path)
    assert settings.temporal_address == HERE.temporal_address
    assert settings.rabbitmq_url.get_secret_value() == HERE.rabbitmq_url
    assert settings.database_url.get_secret_value() == HERE.database_url


def test_only_the_owner_may_read_the_passwords(tmp_path) -> None:
    assert stat.S_IMODE(write_environment(tmp_path, HERE).stat().st_mode) == 0o600


def test_it_is_found_from_a_folder_below(tmp_path) -> None:
    file = write_environment(tmp_path, HERE)
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert find_environment(tmp_path / "a" / "b") == file.resolve()


def test_the_nearest_is_found(tmp_path) -> None:
    write_environment(tmp_path, HERE)
    near = write_environment(tmp_path / "inner", HERE)
    assert find_environment(tmp_path / "inner") == near.resolve()


def test_a_line_that_is_no_variable_is_told_with_its_number(tmp_path) -> None:
    file = write_environment(tmp_path, HERE)
    file.write_text("# comment\n\nnonsense\n")
    with pytest.raises(BootstrapError, match="environment:3 is not KEY=VALUE"):
        read_environment(file)


def test_what_the_process_was_given_is_seen(monkeypatch) -> None:
    monkeypatch.setenv("SAGA_RABBITMQ_URL", "amqp://elsewhere/")
    monkeypatch.setenv("SAGA_TEMPORAL_ADDRESS", "")
    monkeypatch.setenv("SAGA_OTHER", "x")
    assert given_variables() == {"SAGA_RABBITMQ_URL": "amqp://elsewhere/"}


def test_what_says_nothing_is_left_out(tmp_path) -> None:
    partly = Environment.of({"SAGA_DATABASE_URL": "sqlite:///x"})
    assert partly.variables() == {"SAGA_DATABASE_URL": "sqlite:///x"}
    assert "RABBITMQ" not in write_environment(tmp_path, partly).read_text()
