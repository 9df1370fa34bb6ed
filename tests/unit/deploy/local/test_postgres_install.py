import io

import pytest
from rich.console import Console

from deploy.local.errors import BootstrapError
from deploy.local.postgres_install import PROGRAMS, major_of, postgres_programs

APT = """#!/bin/sh
echo "$@" >> {folder}/asked
case "$*" in *install*) cp -r {folder}/packaged {folder}/lib ;; esac
"""


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


def put(folder, version):
    """Programs that know their version."""
    folder.mkdir(parents=True)
    for name in PROGRAMS:
        (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version} (Debian {version}-0)'\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine without PostgreSQL whose user is root."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("deploy.local.postgres_install.PLACES", tmp_path / "lib")
    monkeypatch.setattr("deploy.local.packages.POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    put(tmp_path / "packaged" / "15" / "bin", "15.18")
    (tmp_path / "apt-get").write_text(APT.format(folder=tmp_path))
    (tmp_path / "apt-get").chmod(0o755)
    return tmp_path


def test_the_newest_version_that_is_there_is_taken(machine, console) -> None:
    put(machine / "lib" / "9.6" / "bin", "9.6.24")
    put(machine / "lib" / "17" / "bin", "17.2")
    put(machine / "lib" / "15" / "bin", "15.18")
    assert postgres_programs(console) == machine / "lib" / "17" / "bin"
    assert major_of(machine / "lib" / "17" / "bin") == 17
    assert not (machine / "asked").exists()


def test_a_version_that_is_too_old_is_none(machine, console) -> None:
    put(machine / "lib" / "9.6" / "bin", "9.6.24")
    (machine / "apt-get").write_text("#!/bin/sh\n")
    with pytest.raises(BootstrapError, match="in no known folder"):
        postgres_programs(console)


def test_root_installs_the_package(machine, console) -> None:
    assert postgres_programs(console) == machine / "lib" / "15" / "bin"
    assert (machine / "asked").read_text().splitlines()[-1].endswith("install --no-install-recommends postgresql")


def test_others_than_root_are_told_what_to_do(machine, console, monkeypatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(BootstrapError, match="apt-get install postgresql"):
        postgres_programs(console)
    assert not (machine / "asked").exists()
