"""Says what is being done and for how long: a spinner on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

QUIET_PERIOD = 30.0
"""Seconds between two lines about the same work where there is no terminal."""

Tell = Callable[[str], None]


@contextmanager
def doing(console: Console, what: str) -> Generator[Tell]:
    """Show `what` while the block runs, and how long it took when it is done.

    Yields:
        A function that adds a detail ("412 of 1600 packages") to the line.
    """
    begun = time.monotonic()
    show = _spinner if console.is_terminal else _lines
    with show(console, what) as tell:
        yield tell
    console.print(f"{what}: done in {time.monotonic() - begun:.1f} s", highlight=False, markup=False)


@contextmanager
def _spinner(console: Console, what: str) -> Generator[Tell]:
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda detail: progress.update(task, description=f"{what}: {detail}")


@contextmanager
def _lines(console: Console, what: str) -> Generator[Tell]:
    say(console, f"{what} ...")
    last = time.monotonic()

    def tell(detail: str) -> None:
        nonlocal last
        if time.monotonic() - last >= QUIET_PERIOD:
            last = time.monotonic()
            say(console, f"{what}: {detail}")

    yield tell


def say(console: Console, text: str) -> None:
    """Print one line as it is: paths and addresses are neither coloured nor read as markup."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)
