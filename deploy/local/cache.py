"""The folder that all checkouts of one person share: `${XDG_CACHE_HOME:-~/.cache}/saga-orchestrator`."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    """The folder, made if it is missing."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # A relative value is to be ignored, says the XDG specification.
    folder = (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "saga-orchestrator"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def only_one(file: Path) -> Generator[None]:
    """Hold a lock file: of several commands that come here at once, one goes on and the others wait."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
