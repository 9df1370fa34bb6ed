"""Where in the code an attempt failed: functions and lines, never a message or a value.

A traceback as Python prints it may quote what must be seen by few, and it would travel in histories and the ledger.
What is told here is known to everybody who has the code; it is short, and an attempt that succeeds has none of it.
"""

from __future__ import annotations

from collections import deque
from itertools import dropwhile, islice
from traceback import walk_tb

MOST_ERRORS = 3
"""An error, what it was raised from, and so on: so many of them are told."""
MOST_FRAMES = 5
"""Frames of each, those next to where it was raised."""
MAX_FRAME = 120
"""Longest line, characters."""
OURS = "orchestrator."


def frames_of(error: BaseException) -> tuple[str, ...]:
    """The calls that led to an error, outermost first, then those that led to what it was raised from."""
    told: list[str] = []
    for cause in islice(chain_of(error), MOST_ERRORS):
        if told:
            told.append(f"raised from {type(cause).__name__}"[:MAX_FRAME])
        told += _frames(cause)
    return tuple(told)


def chain_of(error: BaseException) -> list[BaseException]:
    """The error and what led to it."""
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found:
        found.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    return found


def _frames(error: BaseException) -> list[str]:
    """Its frames from the first that is not ours on: how an attempt comes to an author's code tells nobody anything."""
    places = [
        (str(frame.f_globals.get("__name__", "?")), frame.f_code.co_qualname, line)
        for frame, line in walk_tb(error.__traceback__)
    ]
    theirs = list(dropwhile(lambda place: place[0].startswith(OURS), places)) or places
    return [f"{module}.{name}, line {line}"[:MAX_FRAME] for module, name, line in deque(theirs, MOST_FRAMES)]
