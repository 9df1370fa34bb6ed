"""SIGTERM and SIGINT: the first asks to finish what is in hand, a second one leaves at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

LEFT_AT_ONCE = 130


def stop_on_signals() -> asyncio.Event:
    """An event that is set by the first SIGTERM or SIGINT; the second one ends the process."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            leave(LEFT_AT_ONCE)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    return stop


def leave(code: int) -> None:
    """End the process now, its output written. The Temporal SDK can abort while an interpreter shuts down."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
