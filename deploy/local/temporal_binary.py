"""The program `temporal`: found on PATH, downloaded by the SDK, or built from the pinned Go module."""

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from deploy.local.cache import cache_folder, only_one
from deploy.local.programs import output_of, version_in
from deploy.local.progress import Tell, doing, say
from deploy.local.temporal_build import binary_name, build

LEAST_SERVER = (1, 29)
SILENCE = 20.0
"""Seconds without a byte after which a download is given up."""


@dataclass(frozen=True, slots=True)
class TemporalBinary:
    """A program that can be the server, the version of the server in it, and how we came by it."""

    path: Path
    server: tuple[int, ...]
    origin: str

    def __str__(self) -> str:
        """Which server this is, for people."""
        return f"Temporal server {'.'.join(map(str, self.server))}, {self.origin}: {self.path}"


def temporal_binary(console: Console) -> TemporalBinary:
    """The first that will do: on PATH, kept from before, the SDK's own download, a build of about 5 minutes.

    Raises:
        BootstrapError: the build failed.
    """
    found = _on_path(console)
    if found:
        return found
    with only_one(cache_folder() / "temporal.lock"):
        return _kept() or _downloaded(console) or _built(console)


def _on_path(console: Console) -> TemporalBinary | None:
    path = shutil.which("temporal")
    if path is None:
        return None
    server = _server_version(Path(path))
    if server >= LEAST_SERVER:
        return TemporalBinary(Path(path), server, "found on PATH")
    least = ".".join(map(str, LEAST_SERVER))
    say(console, f"{path} is not taken: its server is {'.'.join(map(str, server)) or 'unknown'}, wanted is {least}")
    return None


def _kept() -> TemporalBinary | None:
    places = [(cache_folder() / binary_name(), "built before")]
    places += [(path, "downloaded before by the SDK") for path in sorted(_download_folder().glob("temporal-*"))]
    for path, origin in places:
        server = _server_version(path) if path.is_file() else ()
        if server >= LEAST_SERVER:
            return TemporalBinary(path, server, origin)
    return None


def _downloaded(console: Console) -> TemporalBinary | None:
    with doing(console, "Asking the Temporal SDK for its development server") as tell:
        _download(tell)
    found = _kept()
    if found is None:
        say(console, "The SDK's download is not to be had here; going on with a build.")
    return found


def _download(tell: Tell) -> None:
    """Let the SDK download, unless no byte comes for a while. Whether it succeeded is seen by what lies there."""
    folder = _download_folder()
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "deploy.local.sdk_download", str(folder)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet) as process:
        size, since = 0, time.monotonic()
        while process.poll() is None:
            now = sum(path.stat().st_size for path in folder.iterdir())
            size, since = (size, since) if now == size else (now, time.monotonic())
            tell(f"{size / 1e6:.0f} MB")
            if time.monotonic() - since > SILENCE:
                process.kill()
            time.sleep(0.2)


def _built(console: Console) -> TemporalBinary:
    path = cache_folder() / binary_name()
    build(console, path)
    return TemporalBinary(path, _server_version(path), "built from source")


def _download_folder() -> Path:
    return cache_folder() / "sdk"


def _server_version(path: Path) -> tuple[int, ...]:
    return version_in(output_of([str(path), "--version"]), r"[Ss]erver ")
