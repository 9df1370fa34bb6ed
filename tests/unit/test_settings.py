"""A wrong setting is named, with its value and what is allowed; secrets are not shown."""

from dataclasses import fields
from datetime import timedelta
from typing import get_args

import pytest

from deploy.local.environment import Environment
from orchestrator.errors import SettingsError
from orchestrator.service.records import IN_FLIGHT, Status
from orchestrator.settings import Settings, find_environment, load_settings, project_folder
from orchestrator.settings.fields import ENDED


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch, tmp_path):
    import os

    for name in [name for name in os.environ if name.startswith("SAGA_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


HOST_PORT = "write host:port"
SECONDS = "write seconds, more than 0 and at most"
SQL_URLS = "must begin with sqlite:/// or postgresql://"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SAGA_PREFETCH", "0", "greater than or equal to 1"),
        ("SAGA_PREFETCH", "many", "valid integer"),
        ("SAGA_NAME_PREFIX", "No Spaces", "pattern"),
        ("SAGA_RESEND_FIRST", "-3", SECONDS),
        ("SAGA_HEALTH_PORT", "99999", "less than or equal to 65535"),
        ("SAGA_LEDGER_KEEP_BY_STATUS", "completed", "write status=seconds"),
        ("SAGA_LEDGER_KEEP_BY_STATUS", "completed=1,completed=2", "each status once"),
        ("SAGA_LEDGER_KEEP_BY_STATUS", "stuck=9", "only what has ended is forgotten"),
        ("SAGA_LEDGER_KEEP_BY_STATUS", "completed=-1", SECONDS),
        ("SAGA_TEMPORAL_ADDRESS", "127.0.0.1", HOST_PORT),
        ("SAGA_TEMPORAL_ADDRESS", "=", HOST_PORT),
        ("SAGA_TEMPORAL_ADDRESS", "=abc:def", HOST_PORT),
        ("SAGA_TEMPORAL_ADDRESS", "::1:7233", HOST_PORT),
        ("SAGA_TEMPORAL_ADDRESS", "127.0.0.1:0", HOST_PORT),
        ("SAGA_TEMPORAL_ADDRESS", "127.0.0.1:70000", HOST_PORT),
        ("SAGA_TASK_TIMEOUT", "inf", SECONDS),
        ("SAGA_TASK_TIMEOUT", "nan", SECONDS),
        ("SAGA_TASK_TIMEOUT", "1e300", SECONDS),
        ("SAGA_TASK_TIMEOUT", "soon", "valid timedelta"),
        ("SAGA_LEDGER_KEEP", "P4000D", SECONDS),
        ("SAGA_TEMPORAL_TLS_CA_FILE", "/nope/ca.pem", "there is no such file"),
        ("SAGA_TEMPORAL_NAMESPACE", " ", "it is empty"),
        ("SAGA_INBOX_KEEP", "2592000", "may lie in parking for SAGA_PARKED_KEEP, 2592000 s"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(monkeypatch, name, value, told) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert name in str(raised.value)
    assert repr(value) in str(raised.value)
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SAGA_DATABASE_URL", "foo", SQL_URLS),
        ("SAGA_DATABASE_URL", "mysql://u:hunter2@h/d", SQL_URLS),
        ("SAGA_DATABASE_URL", "sqlite://", "sqlite:///file"),
        ("SAGA_DATABASE_URL", "sqlite://hunter2/x.db", "sqlite:///file"),
        ("SAGA_LEDGER_URL", "postgresql://", "host:5432/database"),
        ("SAGA_LEDGER_URL", "postgresql://u:hunter2@h", "host:5432/database"),
        ("SAGA_LEDGER_URL", "postgresql://u:hunter2@h:abc/d", "port cannot be read"),
        ("SAGA_RABBITMQ_URL", "amqp://u:hunter2@127.0.0.1:abc/", "port cannot be read"),
        ("SAGA_RABBITMQ_URL", "amqp://", "names no host"),
        ("SAGA_RABBITMQ_MANAGEMENT_URL", "foo", "write http://host:15672"),
        ("SAGA_RABBITMQ_MANAGEMENT_URL", "", "it is empty"),
        ("SAGA_RABBITMQ_MANAGEMENT_URL", "ftp://hunter2@localhost", "write http://host:15672"),
        ("SAGA_RABBITMQ_MANAGEMENT_URL", "http://u:hunter2@10.0.0.1:15672", "leaves this machine: use https://"),
        ("SAGA_TEMPORAL_API_KEY", "", "it is empty"),
        ("SAGA_PAYLOAD_KEYS", "hunter2", "id:base64"),
    ],
)
def test_a_wrong_secret_is_named_and_not_shown(monkeypatch, name, value, told) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as raised:
        load_settings()
    assert told in str(raised.value)
    assert "a value that is not shown" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_a_file_that_may_not_be_read_is_refused(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    (tmp_path / "ca.pem").touch()
    monkeypatch.setenv("SAGA_TEMPORAL_TLS_CA_FILE", str(tmp_path / "ca.pem"))
    with pytest.raises(SettingsError, match="may not read that file"):
        load_settings()


def test_all_that_is_wrong_is_told_at_once_each_with_its_source(monkeypatch, tmp_path) -> None:
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "environment").write_text("SAGA_PREFETCH=0\nSAGA_TASK_QUEUE=real\n")
    monkeypatch.setenv("SAGA_TASK_TIMEOUT", "1")
    monkeypatch.setenv("SAGA_RABBITMQ_URL", "amqp://10.1.1.1/")
    monkeypatch.setenv("SAGA_TEMPORAL_ADDRESS", "10.2.2.2:7233")
    with pytest.raises(SettingsError, match="5 settings cannot be used") as raised:
        load_settings(given={"database_url": "foo"})
    assert {wrong.setting: wrong.source for wrong in raised.value.wrong} == {
        "SAGA_TEMPORAL_ADDRESS": "the environment",
        "SAGA_RUN_BUDGET": "the default",
        "SAGA_RABBITMQ_URL": "the environment",
        "SAGA_PREFETCH": str(tmp_path / ".local" / "environment"),
        "SAGA_DATABASE_URL": "the command line",
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [(b"SAGA_PREFETCH=3\nhunter2\n= hunter2\n", "in line 2, 3"), (b"\xff\xfe", "it is not UTF-8")],
)
def test_an_environment_file_with_something_else_in_it_is_named_and_not_shown(tmp_path, text, told) -> None:
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "environment").write_bytes(text)
    with pytest.raises(SettingsError, match=told) as raised:
        load_settings()
    assert str(tmp_path / ".local" / "environment") in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_a_name_that_looks_like_a_slip_is_warned_of(monkeypatch, caplog) -> None:
    monkeypatch.setenv("SAGA_PREFECH", "3")
    monkeypatch.setenv("SAGA_SOMEBODY_ELSES", "3")
    for field in fields(Environment):
        if field.name not in Settings.model_fields:
            monkeypatch.setenv(f"SAGA_{field.name.upper()}", "x")
    load_settings()
    assert [record.getMessage() for record in caplog.records] == [
        "SAGA_PREFECH is no setting and has no effect: did you mean SAGA_PREFETCH?"
    ]


def test_a_key_and_its_certificate_come_together(monkeypatch, tmp_path) -> None:
    (tmp_path / "cert.pem").touch()
    monkeypatch.setenv("SAGA_TEMPORAL_TLS_CERT_FILE", str(tmp_path / "cert.pem"))
    with pytest.raises(SettingsError, match="SAGA_TEMPORAL_TLS_KEY_FILE is 'not set'.*so this must be too"):
        load_settings()
    monkeypatch.setenv("SAGA_TEMPORAL_TLS_KEY_FILE", str(tmp_path / "cert.pem"))
    assert load_settings().uses_tls
    monkeypatch.delenv("SAGA_TEMPORAL_TLS_CERT_FILE")
    with pytest.raises(SettingsError, match="SAGA_TEMPORAL_TLS_KEY_FILE.*a key alone is used for nothing"):
        load_settings()


def test_a_file_is_found_from_any_folder_later(monkeypatch, tmp_path) -> None:
    (tmp_path / "ca.pem").touch()
    monkeypatch.setenv("SAGA_TEMPORAL_TLS_CA_FILE", "ca.pem")
    assert load_settings().temporal_tls_ca_file == tmp_path / "ca.pem"


def test_an_authority_switches_tls_on(monkeypatch, tmp_path) -> None:
    (tmp_path / "ca.pem").touch()
    assert not load_settings().uses_tls
    monkeypatch.setenv("SAGA_TEMPORAL_TLS_CA_FILE", str(tmp_path / "ca.pem"))
    assert load_settings().uses_tls


def test_the_database_lies_in_the_projects_folder_wherever_one_stands(monkeypatch, tmp_path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert project_folder() == below
    (tmp_path / "pyproject.toml").touch()
    assert load_settings().ledger == f"sqlite:///{tmp_path}/.local/saga.db"
    (tmp_path / "a" / ".local").mkdir()
    (tmp_path / "a" / ".local" / "environment").touch()
    assert load_settings().ledger == f"sqlite:///{tmp_path}/a/.local/saga.db"
    monkeypatch.setenv("SAGA_DATABASE_URL", "sqlite:///mine.db")
    assert load_settings().ledger == "sqlite:///mine.db"


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


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "console.example", "10.1.1.1", "127.0.0.1.evil.example"])
def test_the_console_is_not_started_for_others_without_access_control(monkeypatch, host) -> None:
    monkeypatch.setenv("SAGA_CONSOLE_HOST", host)
    with pytest.raises(SettingsError, match="SAGA_CONSOLE_HOST.*set SAGA_ACCESS_CONTROL=1 too"):
        load_settings()
    monkeypatch.setenv("SAGA_ACCESS_CONTROL", "1")
    assert load_settings().console_host == host


def test_the_console_is_for_this_machine_unless_told_otherwise() -> None:
    made = load_settings()
    assert (made.access_control, made.console_host) == (False, "127.0.0.1")


def test_a_run_must_fit_into_its_workflow_task(monkeypatch) -> None:
    monkeypatch.setenv("SAGA_RUN_BUDGET", "5")
    with pytest.raises(SettingsError, match="SAGA_RUN_BUDGET is '5'.*80% of SAGA_TASK_TIMEOUT, 3 s"):
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


def test_how_long_what_has_ended_is_kept_is_said_by_status(monkeypatch) -> None:
    monkeypatch.setenv("SAGA_LEDGER_KEEP", "50")
    monkeypatch.setenv("SAGA_LEDGER_KEEP_BY_STATUS", "aborted=10, terminated=PT20S")
    settings = load_settings()
    kept = [settings.keeps(status).total_seconds() for status in ("aborted", "terminated", "completed")]
    assert kept == [10, 20, 50]


def test_the_words_of_what_has_ended_are_those_of_lists() -> None:
    assert sorted(ENDED) == sorted(set(get_args(Status)) - set(IN_FLIGHT))
