import io

import pytest
from rich.console import Console

from deploy.local.errors import BootstrapError
from deploy.local.packages import POLICY_TEXT, install, may_install

# Notes what it was asked for and which policy was there.
APT = """#!/bin/sh
echo "$@" >> {folder}/asked
cat {folder}/policy-rc.d >> {folder}/policies
case "$*" in *install*) {then} ;; esac
"""


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine whose user is root."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("deploy.local.packages.POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    install_apt(tmp_path)
    return tmp_path


def install_apt(folder, then=":"):
    apt = folder / "apt-get"
    apt.write_text(APT.format(folder=folder, then=then))
    apt.chmod(0o755)


def test_root_with_apt_may_install_and_nobody_else(machine, monkeypatch) -> None:
    assert may_install()
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert not may_install()


def test_it_says_first_what_it_installs(machine, console) -> None:
    install("a-package", "A thing", console)
    assert (machine / "asked").read_text().splitlines()[-1].endswith("install --no-install-recommends a-package")
    assert console.file.getvalue().startswith("A thing is not installed: installing the package a-package with apt-get")


def test_no_service_starts_meanwhile_and_nothing_of_that_remains(machine, console) -> None:
    install("a-package", "A thing", console)
    assert (machine / "policies").read_text() == POLICY_TEXT * 2
    assert not (machine / "policy-rc.d").exists()


def test_a_policy_that_is_there_is_left_alone(machine, console) -> None:
    (machine / "policy-rc.d").write_text("theirs\n")
    install("a-package", "A thing", console)
    assert (machine / "policies").read_text() == "theirs\n" * 2
    assert (machine / "policy-rc.d").read_text() == "theirs\n"


def test_our_own_policy_left_by_a_crash_is_removed(machine, console) -> None:
    (machine / "policy-rc.d").write_text(POLICY_TEXT)
    install("a-package", "A thing", console)
    assert not (machine / "policy-rc.d").exists()


def test_a_failed_installation_says_why_and_leaves_no_policy(machine, console) -> None:
    install_apt(machine, then="echo no such package; exit 100")
    with pytest.raises(BootstrapError, match="no such package"):
        install("a-package", "A thing", console)
    assert not (machine / "policy-rc.d").exists()
