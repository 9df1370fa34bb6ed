import io
import os

import pytest
from rich.console import Console

from deploy.local.errors import BootstrapError
from deploy.local.temporal_build import MODULE, binary_name, build

GO = """#!/bin/sh
case "$1" in
  version) echo "go version go%s linux/amd64" ;;
  list) echo "go: downloading something v1.0.0" >&2; echo one; echo two ;;
  build) echo one >&2; echo two >&2
    while [ "$1" != -o ]; do shift; done
    %s
    echo "$CGO_ENABLED $GOTOOLCHAIN" > "$2" ;;
esac
"""


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


def install_go(folder, monkeypatch, version="1.26.4", then=":"):
    go = folder / "go"
    go.write_text(GO % (version, then))
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_the_name_changes_with_what_is_pinned_only() -> None:
    assert binary_name() == binary_name()
    assert len(binary_name()) == len("temporal-") + 16


def test_the_module_pins_the_server_and_what_builds_it() -> None:
    assert "github.com/temporalio/cli v1.8.2" in (MODULE / "go.mod").read_text()
    assert "--hash=sha256:" in (MODULE / "go-toolchain.lock").read_text()


def test_go_on_path_builds_without_c_and_without_another_compiler(tmp_path, monkeypatch, console) -> None:
    install_go(tmp_path, monkeypatch)
    build(console, tmp_path / "temporal")
    assert (tmp_path / "temporal").read_text() == "0 local\n"
    assert "about 5 minutes" in console.file.getvalue()


def test_progress_is_counted_in_packages(tmp_path, monkeypatch, console) -> None:
    monkeypatch.setattr("deploy.local.progress.QUIET_PERIOD", 0.0)
    install_go(tmp_path, monkeypatch)
    build(console, tmp_path / "temporal")
    assert "Building Temporal: 2 of 2 packages" in console.file.getvalue()


def test_a_build_that_fails_leaves_nothing_and_says_why(tmp_path, monkeypatch, console) -> None:
    install_go(tmp_path, monkeypatch, then='touch "$2"; echo no space left >&2; exit 1')
    with pytest.raises(BootstrapError, match="no space left"):
        build(console, tmp_path / "temporal")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["go"]


def test_an_older_go_is_not_taken(tmp_path, monkeypatch, console) -> None:
    install_go(tmp_path, monkeypatch, version="1.26.3")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # Nothing is installed from outside in a unit test: the interpreter that would make the venv refuses.
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(BootstrapError, match="venv"):
        build(console, tmp_path / "temporal")
    assert not (tmp_path / "cache" / "saga-orchestrator" / "go").exists()
