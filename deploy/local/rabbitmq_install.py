"""RabbitMQ's own scripts: found, or installed by apt when we may."""

import shutil
from pathlib import Path

from rich.console import Console

from deploy.local.errors import BootstrapError
from deploy.local.packages import install, may_install

PLACES = ("/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/usr/local/lib/rabbitmq/bin")
MISSING = """RabbitMQ is not installed, and only root may install it. Do one of these and try again:
  - install the package rabbitmq-server: sudo apt-get install rabbitmq-server
  - run both servers in containers: {compose}
  - take a RabbitMQ that runs elsewhere: set SAGA_RABBITMQ_URL and SAGA_RABBITMQ_MANAGEMENT_URL"""
COMPOSE_FILE = Path(__file__).resolve().parents[1] / "compose.yaml"
"""Part of the sources; an installed package does not have it."""


def rabbitmq_scripts(console: Console) -> Path:
    """The folder of `rabbitmq-server`: not the wrapper on PATH, which insists on the user rabbitmq and its folders.

    Raises:
        BootstrapError: RabbitMQ is not there and cannot be installed; says how to get it.
    """
    found = _found()
    if found is None:
        if not may_install():
            raise BootstrapError(MISSING.format(compose=_compose()))
        install("rabbitmq-server", "RabbitMQ", console)
        found = _found()
    if found is None:
        raise BootstrapError("the package rabbitmq-server is installed, but its scripts are in no known folder")
    return found


def _compose() -> str:
    if COMPOSE_FILE.is_file():
        return f"docker compose -f {COMPOSE_FILE} up (what to set then is written in it)"
    return "by deploy/compose.yaml of the project's sources"


def _found() -> Path | None:
    on_path = shutil.which("rabbitmq-server")
    places = [Path(place) for place in PLACES]
    if on_path:
        places.insert(0, Path(on_path).resolve().parent)
    # Only the folder of the real scripts has all of them; the wrapper's has no rabbitmq-env.
    return next((place for place in places if _is_scripts(place)), None)


def _is_scripts(folder: Path) -> bool:
    return all((folder / name).exists() for name in ("rabbitmq-server", "rabbitmq-env", "rabbitmq-defaults"))
