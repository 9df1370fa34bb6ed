"""PostgreSQL's own programs: found, or installed by apt when we may."""

import shutil
from pathlib import Path

from rich.console import Console

from deploy.local.errors import BootstrapError
from deploy.local.packages import install, may_install
from deploy.local.programs import output_of, version_in

PLACES = Path("/usr/lib/postgresql")
PROGRAMS = ("postgres", "initdb", "psql", "createdb")
LEAST = (13,)
MISSING = """PostgreSQL is not installed, and only root may install it. Do one of these and try again:
  - install the package postgresql: sudo apt-get install postgresql
  - set SAGA_POSTGRES_URL to a server of your own; its user must be allowed to make databases"""


def postgres_programs(console: Console) -> Path:
    """The folder of `postgres` and its helpers, the newest version that is there.

    Raises:
        BootstrapError: PostgreSQL is not there and cannot be installed; says how to get it.
    """
    found = _found()
    if found is None:
        if not may_install():
            raise BootstrapError(MISSING)
        install("postgresql", "PostgreSQL", console)
        found = _found()
    if found is None:
        raise BootstrapError("the package postgresql is installed, but its programs are in no known folder")
    return found


def major_of(programs: Path) -> int:
    """The version that decides whether data can be read: 15 of 15.18."""
    return (version_in(output_of([str(programs / "postgres"), "--version"]), r"PostgreSQL\) ") or (0,))[0]


def _found() -> Path | None:
    on_path = shutil.which("postgres")
    places = [Path(on_path).resolve().parent] if on_path else []
    # Debian keeps each major version in a folder of its own, and only psql and its like on PATH.
    places += sorted(PLACES.glob("*/bin"), key=lambda place: version_in(place.parent.name, "^"), reverse=True)
    return next((place for place in places if _will_do(place)), None)


def _will_do(folder: Path) -> bool:
    return all((folder / name).exists() for name in PROGRAMS) and (major_of(folder),) >= LEAST
