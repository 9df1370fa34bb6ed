import io

import pytest
from rich.console import Console

from deploy.local.errors import BootstrapError
from deploy.local.rabbitmq_install import COMPOSE_FILE, rabbitmq_scripts

SCRIPTS = ("rabbitmq-server", "rabbitmq-env", "rabbitmq-defaults")
# Notes what it was asked for; an installation makes the scripts.
APT = """#!/bin/sh
echo "$@" >> {folder}/asked
case "$*" in *install*) mkdir -p {folder}/lib; cd {folder}/lib; touch rabbitmq-server rabbitmq-env rabbitmq-defaults; ;; esac
"""


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine without RabbitMQ whose user is root."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("deploy.local.rabbitmq_install.PLACES", (str(tmp_path / "lib"),))
    monkeypatch.setattr("deploy.local.packages.POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    install_apt(tmp_path)
    return tmp_path


def install_apt(folder):
    apt = folder / "apt-get"
    apt.write_text(APT.format(folder=folder))
    apt.chmod(0o755)


def test_scripts_that_are_there_are_taken(machine, console) -> None:
    (machine / "lib").mkdir()
    for name in SCRIPTS:
        (machine / "lib" / name).touch()
    assert rabbitmq_scripts(console) == machine / "lib"
    assert not (machine / "asked").exists()


def test_the_wrapper_on_path_is_not_taken_for_them(machine, console) -> None:
    (machine / "rabbitmq-server").touch(0o755)
    assert rabbitmq_scripts(console) == machine / "lib"


def test_scripts_on_path_are_taken_through_a_link(machine, console) -> None:
    (machine / "opt").mkdir()
    for name in SCRIPTS:
        (machine / "opt" / name).touch(0o755)
    (machine / "rabbitmq-server").symlink_to(machine / "opt" / "rabbitmq-server")
    assert rabbitmq_scripts(console) == machine / "opt"


def test_root_installs_the_package_and_says_so_first(machine, console) -> None:
    assert rabbitmq_scripts(console) == machine / "lib"
    assert (machine / "asked").read_text().splitlines()[-1].endswith("install --no-install-recommends rabbitmq-server")
    first, *_ = console.file.getvalue().splitlines()
    assert first.startswith("RabbitMQ is not installed: installing the package rabbitmq-server")


def test_others_than_root_are_told_the_package_and_the_containers(machine, console, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(BootstrapError) as told:
        rabbitmq_scripts(console)
    assert "rabbitmq-server" in str(told.value)
    assert f"docker compose -f {COMPOSE_FILE} up" in str(told.value)
    assert COMPOSE_FILE.is_file()
    monkeypatch.setattr("deploy.local.rabbitmq_install.COMPOSE_FILE", tmp_path / "compose.yaml")
    with pytest.raises(BootstrapError, match="by deploy/compose.yaml of the project's sources"):
        rabbitmq_scripts(console)
    assert not (machine / "asked").exists()
