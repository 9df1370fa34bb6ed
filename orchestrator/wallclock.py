"""The wall clock, at the one place where a simulation may set another.

Each context may have its own, so that two simulated processes may disagree about the time. Lengths of time are never
measured with it, for it may jump; the event loop's clock does not.
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def _of_the_system() -> datetime:
    return datetime.now(UTC)


CLOCK: ContextVar[Callable[[], datetime]] = ContextVar("CLOCK", default=_of_the_system)


def now() -> datetime:
    """The time, in UTC."""
    return CLOCK.get()()
