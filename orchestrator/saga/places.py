"""Where something is written, as `order_fulfilment/saga.py:41`: short, and the same on every machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

UNKNOWN = "?"


def caller_place(depth: int = 1) -> str:
    """Where the caller of the function that asks was called; `depth` counts further functions in between."""
    frame = sys._getframe(depth + 1)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - a stack trace would cost 100 times more
    return place(frame.f_code.co_filename, frame.f_lineno)


def place(file: str, line: int) -> str:
    """The last folder, the file, the line."""
    return f"{'/'.join(Path(file).parts[-2:])}:{line}"


def place_of_function(function: Callable[..., Any]) -> str:
    """Where a function begins, its decorators included; `?` if it is not written in Python."""
    code = getattr(function, "__code__", None)
    return place(code.co_filename, code.co_firstlineno) if code else UNKNOWN


def place_of_class(cls: type) -> str:
    """The file of a class; finding its line would mean reading the source."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return "/".join(Path(file).parts[-2:]) if file else cls.__module__
