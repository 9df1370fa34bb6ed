"""Chromium for the tests in a browser: found, or installed by apt when we may."""

import os
import shutil
from pathlib import Path

from rich.console import Console

from deploy.local.errors import BootstrapError
from deploy.local.packages import install, may_install

MISSING = """Chromium is not installed, and only root may install it. Do one of these and try again:
  - install the package chromium: sudo apt-get install chromium
  - name a Chromium that is there: set CHROMIUM to the path of its program"""


def chromium(console: Console) -> Path:
    """The program: what the variable CHROMIUM names, else what PATH has, else Debian's package.

    Raises:
        BootstrapError: it is not there and cannot be installed; says how to get it.
    """
    named = os.environ.get("CHROMIUM")
    if named:
        if shutil.which(named) is None:
            raise BootstrapError(f"CHROMIUM names no program: {named}")
        return Path(named)
    found = shutil.which("chromium")
    if found is None:
        if not may_install():
            raise BootstrapError(MISSING)
        install("chromium", "Chromium", console)
        found = shutil.which("chromium")
    if found is None:
        raise BootstrapError("the package chromium is installed, but PATH has no program of this name")
    return Path(found)
