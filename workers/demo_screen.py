"""What the demo shows: a live table while it runs, the balanced books at its end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from workers.demo import Progress
    from workers.demo_accounting import Accounting

WORDS = ("Running", "Compensating", "Completed", "Compensated", "Aborted", "Stuck", "Parked", "Terminated")


def live_table(progress: Progress) -> Table:
    """Counts by status, rate, and the last executions that changed."""
    counted = Counter(progress.words.values())
    ended = sum(counted[word] for word in ("Completed", "Compensated", "Aborted"))
    rate = ended / progress.seconds if progress.seconds > 0 else 0.0
    table = Table(title=f"{ended} of {progress.orders} sagas ended, {rate:.1f} a second", title_justify="left")
    table.add_column("status")
    table.add_column("sagas", justify="right")
    table.add_row("published", str(progress.published))
    for word in WORDS:
        table.add_row(word, str(counted[word]))
    table.add_section()
    for name, word in list(progress.words.items())[-3:]:
        table.add_row(name, word)
    return table


def final_table(made: Accounting) -> Table:
    """The accounting, from the broker's confirms, Temporal's statuses and the participants' books."""
    verdict = ("the books balance", "green") if made.balances else ("the books do not balance", "red")
    table = Table(title=Text.assemble(verdict, f", {made.seconds:.1f} s"), title_justify="left")
    table.add_column("what")
    table.add_column("count", justify="right")
    for name, value in made.document().items():
        if name != "seconds":
            table.add_row(name.replace("_", " "), str(value))
    table.add_row("pieces of stock out", str(made.stock_out))
    table.add_row("money in, cents", str(made.money_in_cents))
    for sentence in made.disagreements[:10]:
        table.add_row("disagreement", sentence)
    return table
