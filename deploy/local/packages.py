"""Debian packages: installed when we may, their services kept off."""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from deploy.local.programs import run
from deploy.local.progress import Tell, doing, say

POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = """#!/bin/sh
# Temporary, by saga-orchestrator: no packaged service starts while we install. Safe to remove.
exit 101
"""


def may_install() -> bool:
    """Whether packages can be installed here: by root, with apt-get."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(package: str, name: str, console: Console) -> None:
    """Install a package, saying so first. `name` is what it is called in sentences.

    Raises:
        BootstrapError: apt-get failed; has its last lines.
    """
    say(console, f"{name} is not installed: installing the package {package} with apt-get (its service stays off).")
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "--quiet", "--yes"]
    with doing(console, f"Installing {package}") as tell, _no_service_starts():
        run([*apt, "update"], on_line=_short(tell), variables=variables)
        run([*apt, "install", "--no-install-recommends", package], on_line=_short(tell), variables=variables)


def _short(tell: Tell) -> Tell:
    return lambda line: tell(line[:70])


@contextmanager
def _no_service_starts() -> Generator[None]:
    """Keep packages from starting their services, by Debian's own means. A policy that is there already stays."""
    is_ours = not POLICY.exists() or POLICY.read_text(errors="replace") == POLICY_TEXT
    if is_ours:
        POLICY.write_text(POLICY_TEXT)
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if is_ours:
            POLICY.unlink(missing_ok=True)
