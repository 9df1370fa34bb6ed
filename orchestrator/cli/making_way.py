"""Making way for packages of the current folder that have the name of one of ours.

The wheel has top-level packages `workers`, `sagas` and `deploy`, and so may a user's project. What a person names on
the command line is looked for in his folder first.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

OURS = ("workers", "sagas", "deploy")
"""Packages beside `orchestrator` in the wheel. They stay importable by name until somebody else's takes it."""


@contextmanager
def way_made(module_name: str) -> Generator[None]:
    """In the block `module_name` is imported from the current folder, if it has such a package, else as ever.

    What of ours is loaded goes on working, but can no more be imported by name: whoever calls this has imported what he
    needs. If the block fails, all is as before.
    """
    top = module_name.partition(".")[0]
    if not is_here(top) or _is_from_here(top):
        yield
        return
    hidden = _take_away(top)
    folder = Path.cwd() / top
    if folder.is_dir() and not (folder / "__init__.py").is_file():
        # A folder that only is one would come after every package with an `__init__.py`, wherever that is.
        sys.modules[top] = plain = ModuleType(top)
        plain.__path__ = [str(folder)]
    try:
        yield
    except BaseException:
        _take_away(top)
        sys.modules.update(hidden)
        raise


def is_here(top: str) -> bool:
    """Whether the current folder has a package or module of one of our names."""
    here = Path.cwd()
    return top in OURS and ((here / top).is_dir() or (here / f"{top}.py").is_file())


def collision(module_name: str) -> str:
    """What to know about a module that cannot be imported and has one of our names; empty if it has none."""
    top = module_name.partition(".")[0]
    if top not in OURS:
        return ""
    where = "the one in this folder is taken" if is_here(top) else "this folder has none"
    return f" ({top!r} is also the name of a package of saga-orchestrator; {where}: if that is wrong, rename yours)"


def _take_away(top: str) -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name == top or name.startswith(f"{top}.")]
    return {name: sys.modules.pop(name) for name in names}


def _is_from_here(top: str) -> bool:
    loaded = sys.modules.get(top)
    places = {Path(place) for place in (*getattr(loaded, "__path__", ()), getattr(loaded, "__file__", None)) if place}
    # Not merely below it: a virtual environment often lies in the project's folder.
    return not places.isdisjoint({Path.cwd() / top, Path.cwd() / f"{top}.py"})
