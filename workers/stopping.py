"""SIGTERM and SIGINT: the first asks to finish what is in hand, a second one leaves at once. And how a process ends."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

log = logging.getLogger(__name__)

LEFT_AT_ONCE = 130
STRAYS_S = 2.0
"""How long tasks that are left over may take to heed their cancellation, seconds."""


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


def run_to_the_end(work: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop) -> None:
    """Run `work` on a fresh loop to its end, and close the loop.

    All that `work` opened is closed by then. A task that it leaves over is cancelled; one that does not heed that is
    named in the log and left behind, where `asyncio.run` would wait for it without end.
    """
    try:
        loop.run_until_complete(_with_strays_cancelled(work))
    finally:
        loop.close()


async def _with_strays_cancelled(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    finally:
        strays = asyncio.all_tasks() - {asyncio.current_task()}
        for task in strays:
            task.cancel()
        if strays:
            _, deaf = await asyncio.wait(strays, timeout=STRAYS_S)
            for task in deaf:
                log.warning("a task does not heed its cancellation and is left behind: %r", task)


def leave(code: int) -> None:
    """End the process now, its output written. The Temporal SDK can abort while an interpreter shuts down."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
