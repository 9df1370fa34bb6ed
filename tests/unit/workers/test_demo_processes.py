"""The demo's processes have the demo's settings, wherever they run."""

from datetime import timedelta

import pytest
from pydantic import SecretStr

from orchestrator.settings import Settings
from workers.demo import MAX_PREFIX, own_names
from workers.demo_processes import PACKAGES, environment_of


def made(**values) -> Settings:
    """Settings of these values; the others come from the environment, or are the defaults."""
    return Settings(**values)


def test_what_a_process_reads_from_its_environment_is_what_the_demo_has(monkeypatch, tmp_path) -> None:
    authority = tmp_path / "ca.pem"
    authority.touch()
    settings = made(
        rabbitmq_url=SecretStr("amqp://me:secret@127.0.0.1:5672/here"),
        rabbitmq_management_url=SecretStr("http://127.0.0.1:15672"),
        temporal_tls_ca_file=authority,
        allow_plaintext=True,
        missing_patience=timedelta(seconds=1.5),
        prefetch=7,
    )
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)
    assert made() == settings


def test_they_run_where_our_packages_are() -> None:
    assert (PACKAGES / "workers" / "demo_processes.py").is_file()
    assert (PACKAGES / "sagas" / "__init__.py").is_file()


@pytest.mark.parametrize("prefix", ["saga", "a" * MAX_PREFIX])
def test_the_demo_works_under_names_of_its_own(prefix) -> None:
    own = own_names(made(name_prefix=prefix, task_queue="shop"))
    assert own.name_prefix != prefix
    assert own.name_prefix.endswith("-demo")
    assert own.task_queue == f"{own.name_prefix}.shop", "two demos under two prefixes share no worker"
    assert made(name_prefix=own.name_prefix, task_queue=own.task_queue).name_prefix == own.name_prefix


@pytest.mark.parametrize(("asked", "taken"), [({}, 4), ({"tasks_at_once": 20}, 20)])
def test_the_demos_worker_takes_few_tasks_at_once_unless_it_is_told(asked, taken) -> None:
    assert own_names(made(**asked)).tasks_at_once == taken
