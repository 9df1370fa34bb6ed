"""How much one caller may ask for: so many requests a minute, so that no program takes the console from others."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from orchestrator.errors import TooManyRequestsError, TooManyTriesError
from orchestrator.service.throttle import Pace, Throttle

if TYPE_CHECKING:
    from orchestrator.service.access import Caller
    from orchestrator.service.operations import Clock


class Pacing:
    """Counts the requests of each caller, in the memory of this process.

    Args:
        a_minute: so many requests of one caller; 0 = as many as they like.
    """

    def __init__(self, clock: Clock, a_minute: int = 0) -> None:
        self._clock = clock
        self._a_minute = a_minute
        self._throttle = Throttle()

    def take(self, caller: Caller) -> None:
        """Count one.

        Raises:
            TooManyRequestsError: they have had all of this minute; says when there will be one more.
        """
        if self._a_minute == 0:
            return
        try:
            pace = Pace(self._a_minute, timedelta(minutes=1))
            self._throttle.take(self._clock.now(), [(caller.actor, pace)])
        except TooManyTriesError as error:
            raise TooManyRequestsError(error.seconds, self._a_minute) from None
