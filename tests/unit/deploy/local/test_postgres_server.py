import os
import pwd
import tempfile
from pathlib import Path

import pytest

from deploy.local.errors import BootstrapError
from deploy.local.postgres_server import _as_its_user, _make_folder, data_folder

SOMEBODY = pwd.struct_passwd(("postgres", "x", 4711, 4712, "", "/", "/bin/sh"))


@pytest.fixture
def project():
    """A checkout that everybody can enter; pytest's own folders are closed."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name) / "checkout" / ".local" / "postgres"
        folder.mkdir(parents=True)
        for one in (folder, *folder.parents[:3]):
            one.chmod(0o755)
        yield Path(name) / "checkout"


def test_the_data_lies_in_the_checkout_if_the_servers_user_can_get_there(project, monkeypatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert data_folder(project) == project / ".local" / "postgres" / "cluster"


def test_roots_data_lies_elsewhere_if_others_cannot_enter(project, monkeypatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    project.chmod(0o700)
    found = data_folder(project)
    assert str(found.parent) == "/var/tmp"
    assert found.name.startswith("saga-")
    (project / "other" / ".local" / "postgres").mkdir(parents=True)
    assert found != data_folder(project / "other")


def test_who_is_not_root_keeps_it_in_the_checkout(project, monkeypatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    project.chmod(0o700)
    assert data_folder(project) == project / ".local" / "postgres" / "cluster"
    assert _as_its_user() == []


def test_roots_server_runs_as_another_user_in_the_same_process(monkeypatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("pwd.getpwnam", lambda _: SOMEBODY)
    program, *options = _as_its_user()
    assert program.endswith("/setpriv")
    assert options == ["--reuid=4711", "--regid=4712", "--clear-groups", "--"]


def test_without_that_user_root_is_told(monkeypatch) -> None:
    def nobody(name):
        raise KeyError(name)

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("pwd.getpwnam", nobody)
    with pytest.raises(BootstrapError, match="no user postgres"):
        _as_its_user()


def test_a_folder_of_ours_is_closed_to_others_and_found_again(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("pwd.getpwnam", lambda _: pwd.getpwuid(os.geteuid()))
    for _ in range(2):
        _make_folder(tmp_path / "cluster")
    assert (tmp_path / "cluster").stat().st_mode & 0o777 == 0o700


def test_a_link_that_somebody_put_there_is_not_followed(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("pwd.getpwnam", lambda _: pwd.getpwuid(os.geteuid()))
    (tmp_path / "theirs").mkdir()
    (tmp_path / "cluster").symlink_to(tmp_path / "theirs")
    with pytest.raises(BootstrapError, match="somebody else's"):
        _make_folder(tmp_path / "cluster")
