"""RabbitMQ's own scripts: found, or installed by apt when we may."""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from deploy.local.errors import BootstrapError
from deploy.local.programs import run
from deploy.local.progress import Tell, doing, say

PLACES = ("/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/usr/local/lib/rabbitmq/bin")
POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = """#!/bin/sh
# Temporary, by saga-orchestrator: no packaged service starts while we install. Safe to remove.
exit 101
"""
MISSING = """RabbitMQ is not installed, and only root may install it. Do one of these and try again:
  - install the package rabbitmq-server: sudo apt-get install rabbitmq-server
  - run both servers in containers: docker compose -f deploy/compose.yaml up
    and set SAGA_TEMPORAL_ADDRESS, SAGA_RABBITMQ_URL and SAGA_RABBITMQ_MANAGEMENT_URL as it says there"""


def rabbitmq_scripts(console: Console) -> Path:
    """The folder of `rabbitmq-server`: not the wrapper on PATH, which insists on the user rabbitmq and its folders.

    Raises:
        BootstrapError: RabbitMQ is not there and cannot be installed; says how to get it.
    """
    found = _found()
    if found is None:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            raise BootstrapError(MISSING)
        _install(console)
        found = _found()
    if found is None:
        raise BootstrapError("the package rabbitmq-server is installed, but its scripts are in no known folder")
    return found


def _found() -> Path | None:
    on_path = shutil.which("rabbitmq-server")
    places = [Path(place) for place in PLACES]
    if on_path:
        places.insert(0, Path(on_path).resolve().parent)
    # Only the folder of the real scripts has all of them; the wrapper's has no rabbitmq-env.
    return next((place for place in places if _is_scripts(place)), None)


def _is_scripts(folder: Path) -> bool:
    return all((folder / name).exists() for name in ("rabbitmq-server", "rabbitmq-env", "rabbitmq-defaults"))


def _install(console: Console) -> None:
    say(
        console,
        "RabbitMQ is not installed: installing the package rabbitmq-server with apt-get (its service stays off).",
    )
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "--quiet", "--yes"]
    with doing(console, "Installing rabbitmq-server") as tell, _no_service_starts():
        run([*apt, "update"], on_line=_short(tell), variables=variables)
        run([*apt, "install", "--no-install-recommends", "rabbitmq-server"], on_line=_short(tell), variables=variables)


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
