"""Run a program to its end and understand what it says."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from deploy.local.errors import BootstrapError

LAST_LINES = 15


def output_of(command: list[str], *, limit: float = 20.0, variables: dict[str, str] | None = None) -> str | None:
    """What a program prints, on both channels; None if it does not run, fails, or takes more than `limit` seconds."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
            stdin=subprocess.DEVNULL,
            env=variables,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout + done.stderr if done.returncode == 0 else None


def version_in(text: str | None, pattern: str) -> tuple[int, ...]:
    """The numbers of a version such as 1.31.2 that follows `pattern` in the text; empty if there is none."""
    found = re.search(pattern + r"(\d+(?:\.\d+)*)", text or "")
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def run(
    command: list[str],
    *,
    on_line: Callable[[str], None],
    variables: dict[str, str],
    folder: Path | None = None,
) -> None:
    """Run a program that takes long, handing over each line that it prints.

    Raises:
        BootstrapError: it failed; has its last lines.
    """
    lines: list[str] = []
    with subprocess.Popen(
        command,
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            lines = [*lines[-LAST_LINES:], line.rstrip()]
            on_line(line.rstrip())
    if process.returncode:
        told = "\n  ".join(lines)
        raise BootstrapError(f"`{' '.join(command)}` failed with status {process.returncode}:\n  {told}")
