"""A wrong setting is named, with its value and what is allowed; secrets are not shown."""

from datetime import timedelta

import pytest

from orchestrator.errors import SettingsError
from orchestrator.settings import Settings, find_environment, load_settings


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch, tmp_path):
    import os

    for name in [name for name in os.environ if name.startswith("SAGA_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SAGA_PREFETCH", "0", "greater than or equal to 1"),
        ("SAGA_PREFETCH", "many", "valid integer"),
        ("SAGA_NAME_PREFIX", "No Spaces", "pattern"),
        ("SAGA_RESEND_FIRST", "-3", "greater than"),
        ("SAGA_HEALTH_PORT", "99999", "less than or equal to 65535"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(monkeypatch, name, value, told) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert name in str(raised.value)
    assert repr(value) in str(raised.value)
    assert told in str(raised.value)


def test_a_secret_is_not_shown(monkeypatch) -> None:
    monkeypatch.setenv("SAGA_RABBITMQ_URL", "http://user:hunter2@localhost")
    with pytest.raises(SettingsError, match="SAGA_RABBITMQ_URL") as raised:
        load_settings()
    assert "hunter2" not in str(raised.value)
    assert "amqps://" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("SAGA_RABBITMQ_URL", "amqp://u:p@broker.example/"), ("SAGA_TEMPORAL_ADDRESS", "temporal.example:7233")],
)
def test_plaintext_leaves_the_machine_only_when_allowed(monkeypatch, name, value) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        load_settings()
    monkeypatch.setenv("SAGA_ALLOW_PLAINTEXT", "1")
    load_settings()


def test_a_run_must_fit_into_its_workflow_task(monkeypatch) -> None:
    monkeypatch.setenv("SAGA_RUN_BUDGET", "5")
    with pytest.raises(SettingsError, match="SAGA_RUN_BUDGET is 5 s and SAGA_TASK_TIMEOUT 3 s"):
        load_settings()


def test_lengths_of_time_are_seconds(monkeypatch) -> None:
    monkeypatch.setenv("SAGA_RESEND_FIRST", "2.5")
    assert load_settings().resend_first == timedelta(seconds=2.5)


def test_the_nearest_environment_file_counts_and_a_real_variable_wins(monkeypatch, tmp_path) -> None:
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "environment").write_text("SAGA_TASK_QUEUE=from-file\nSAGA_NAME_PREFIX=file\n")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.setenv("SAGA_NAME_PREFIX", "real")
    found = load_settings(below)
    assert find_environment(below) == tmp_path / ".local" / "environment"
    assert (found.task_queue, found.name_prefix) == ("from-file", "real")
