import io
from pathlib import Path

import pytest
from rich.console import Console

from deploy.local.temporal_binary import temporal_binary
from deploy.local.temporal_build import binary_name


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache and a PATH of the test's own, and an SDK that has nothing to download."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("sys.executable", "/bin/false")
    return tmp_path / "cache" / "saga-orchestrator"


def install(path: Path, server):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho 'temporal version 1.0.0 (Server {server}, UI 2.0.0)'\n")
    path.chmod(0o755)
    return path


def install_go(folder):
    """A Go whose build is a server."""
    go = folder / "go"
    go.write_text(
        '#!/bin/sh\n[ "$1" = version ] && echo "go version go1.99 linux/amd64"\n'
        'if [ "$1" = build ]; then while [ "$1" != -o ]; do shift; done\n'
        'printf "#!/bin/sh\\necho Server 1.31.2\\n" > "$2"; chmod +x "$2"; fi\n'
    )
    go.chmod(0o755)


def test_one_on_path_that_is_new_enough_is_taken(tmp_path, console) -> None:
    path = install(tmp_path / "temporal", "1.29.0")
    found = temporal_binary(console)
    assert (found.path, found.server) == (path, (1, 29, 0))
    assert str(found) == f"Temporal server 1.29.0, found on PATH: {path}"


def test_one_on_path_that_is_too_old_is_told_and_passed_over(tmp_path, console, cache) -> None:
    install(tmp_path / "temporal", "1.28.9")
    built = install(cache / binary_name(), "1.31.2")
    assert temporal_binary(console).path == built
    assert "is not taken: its server is 1.28.9, wanted is 1.29" in console.file.getvalue()


def test_one_that_does_not_say_its_version_is_passed_over(tmp_path, console, cache) -> None:
    (tmp_path / "temporal").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "temporal").chmod(0o755)
    built = install(cache / binary_name(), "1.31.2")
    assert temporal_binary(console).path == built
    assert "its server is unknown" in console.file.getvalue()


def test_one_built_before_is_taken_at_once(console, cache) -> None:
    built = install(cache / binary_name(), "1.31.2")
    found = temporal_binary(console)
    assert (found.path, found.origin) == (built, "built before")
    assert console.file.getvalue() == ""


def test_one_downloaded_before_is_taken(console, cache) -> None:
    downloaded = install(cache / "sdk" / "temporal-sdk-python-1.35.0", "1.30.1")
    assert temporal_binary(console).path == downloaded


def test_without_any_and_without_a_download_it_is_built(tmp_path, console, cache) -> None:
    install_go(tmp_path)
    found = temporal_binary(console)
    assert (found.path, found.server, found.origin) == (cache / binary_name(), (1, 31, 2), "built from source")
    assert "The SDK's download is not to be had here; going on with a build." in console.file.getvalue()


def test_what_the_sdk_downloads_is_taken(tmp_path, console, cache, monkeypatch) -> None:
    sdk = tmp_path / "python"
    sdk.write_text(
        "#!/bin/sh\n# -m deploy.local.sdk_download FOLDER\n"
        'printf "#!/bin/sh\\necho Server 1.30.0\\n" > "$3/temporal-sdk-python-9"; chmod +x "$3/temporal-sdk-python-9"\n'
    )
    sdk.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(sdk))
    assert temporal_binary(console).path == cache / "sdk" / "temporal-sdk-python-9"


def test_a_download_that_stands_still_is_given_up(tmp_path, console, monkeypatch) -> None:
    sdk = tmp_path / "python"
    sdk.write_text("#!/bin/sh\nexec sleep 60\n")
    sdk.chmod(0o755)
    install_go(tmp_path)
    monkeypatch.setattr("sys.executable", str(sdk))
    monkeypatch.setattr("deploy.local.temporal_binary.SILENCE", 0.5)
    assert temporal_binary(console).origin == "built from source"
