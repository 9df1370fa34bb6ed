import io

import pytest
from rich.console import Console

from deploy.local.chromium import chromium
from deploy.local.errors import BootstrapError

# Notes what it was asked for; an installation makes the program.
APT = """#!/bin/sh
echo "$@" >> {folder}/asked
case "$*" in *install*) printf '#!/bin/sh\\n' > {folder}/chromium; /bin/chmod +x {folder}/chromium ;; esac
"""


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine without Chromium whose user is root."""
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("deploy.local.packages.POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    program(tmp_path / "apt-get", APT.format(folder=tmp_path))
    return tmp_path


def program(file, text="#!/bin/sh\n"):
    file.write_text(text)
    file.chmod(0o755)


def test_a_program_on_path_is_taken(machine, console) -> None:
    program(machine / "chromium")
    assert chromium(console) == machine / "chromium"
    assert not (machine / "asked").exists()


def test_the_named_program_wins(machine, console, monkeypatch) -> None:
    program(machine / "chromium")
    program(machine / "another")
    monkeypatch.setenv("CHROMIUM", str(machine / "another"))
    assert chromium(console) == machine / "another"


def test_a_name_of_no_program_is_told(machine, console, monkeypatch) -> None:
    monkeypatch.setenv("CHROMIUM", "/no/such/program")
    with pytest.raises(BootstrapError, match="CHROMIUM names no program: /no/such/program"):
        chromium(console)


def test_root_installs_the_package_and_says_so_first(machine, console) -> None:
    assert chromium(console) == machine / "chromium"
    assert (machine / "asked").read_text().splitlines()[-1].endswith("install --no-install-recommends chromium")
    assert console.file.getvalue().startswith("Chromium is not installed: installing the package chromium")


def test_a_package_without_its_program_is_told(machine, console) -> None:
    program(machine / "apt-get")
    with pytest.raises(BootstrapError, match="PATH has no program of this name"):
        chromium(console)


def test_others_than_root_are_told_how_to_get_it(machine, console, monkeypatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(BootstrapError, match="sudo apt-get install chromium"):
        chromium(console)
    assert not (machine / "asked").exists()
