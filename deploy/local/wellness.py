"""Whether a server that was started earlier still does its work."""

import time
from collections.abc import Callable

from rich.console import Console

from deploy.local.processes import PAUSE, Server
from deploy.local.progress import doing, say

PATIENCE = 20.0
"""Seconds that a server which runs but does not answer has to come back."""


def is_well(server: Server, answers: Callable[[], bool], console: Console) -> bool:
    """Whether the server runs and answers. One that hangs is given time, then stopped, to be started anew."""
    if server.is_running():
        if answers():
            return True
        with doing(console, f"{server.name} runs but does not answer: waiting for it"):
            if _comes_back(server, answers):
                return True
    elif server.was_left():
        say(console, f"{server.name} has ended by itself; what it printed last is kept in {server.log_before}")
    server.stop()
    return False


def _comes_back(server: Server, answers: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while server.is_running() and time.monotonic() < end:
        if answers():
            return True
        time.sleep(PAUSE)
    return False
