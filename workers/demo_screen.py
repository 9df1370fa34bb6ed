"""What the demo shows: a live table while it runs, the balanced books at its end."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.demo import Progress
    from workers.demo_accounting import Accounting

WORDS = ("Running", "Compensating", "Completed", "Compensated", "Aborted", "Stuck", "Parked", "Terminated")


def live_table(progress: Progress) -> Table:
    """Counts by status, rate, and the last executions that changed."""
    counted = Counter(progress.words.values())
    ended = sum(counted[word] for word in ("Completed", "Compensated", "Aborted"))
    rate = ended / progress.seconds if progress.seconds > 0 else 0.0
    table = Table(title=f"{ended} of {progress.orders} sagas ended, {rate:.1f} a second", title_justify="left")
    table.add_column("status", min_width=len("fulfil-order:r6b073f4644fe-00001"))
    table.add_column("sagas", justify="right", min_width=max(map(len, WORDS)))
    table.add_row("published", str(progress.published))
    for word in WORDS:
        table.add_row(word, str(counted[word]))
    table.add_section()
    for name, word in list(progress.words.items())[-3:]:
        table.add_row(name, word)
    return table


WAITING = """
Some orders wait for a person, as they were to: {stuck} stuck, {parked} parked.
Look at them, and decide:

"""
WATCHING = """
Look at them:

"""
IN_BROWSER = """\
  {address}executions?view=all in a browser, or

"""
LEFT = """\
The demo's worker, participants and console go on in the background for that,
until `{saga} down`.
"""
STAYING = """\
The demo's worker, participants and console go on until you press Ctrl-C.
"""
STUCK_STEPS = """\
  {saga} show {name}
  {saga} resolve {name} charge_payment \\
      --how mark_done --evidence "paid back by bank transfer 4711" \\
      --reason "the customer's account is closed" --wait

"""
PARKED_STEPS = """\
  {saga} show {name}
  {saga} retry {name} order_fulfilled \\
      --input '{{"shipment_created": {{"shipment_id": "C-4711"}}}}' \\
      --reason "the carrier gave the number by telephone" --wait

"""
COMPLETED_STEPS = """\
An order that has ended can be undone too, even behind the point of no return;
first the plan, then its confirmation:

  {saga} compensate {name} \\
      --override --dry-run
  {saga} compensate {name} \\
      --override --plan HASH --reason "the customer sent it back" --wait

"""


def next_steps(words: Mapping[str, str], address: str = "", *, stays: bool = False) -> Text:
    """Where to look, and what to type about the first execution of each kind that a person can do something about.

    Args:
        words: status word by execution.
        address: of the console; empty = there is none.
        stays: everything ends with this process.
    """
    counted = Counter(words.values())
    stuck, parked = counted["Stuck"], counted["Parked"]
    text = (WAITING if stuck or parked else WATCHING) + (IN_BROWSER if address else "") + "  {saga} list\n\n"
    told = text.format(saga=_program(), address=address, stuck=stuck, parked=parked)
    told += _commands(words) + (STAYING if stays else LEFT).format(saga=_program())
    return Text(told)


def _commands(words: Mapping[str, str]) -> str:
    first = {word: name for name, word in sorted(words.items(), reverse=True)}
    known = (("Stuck", STUCK_STEPS), ("Parked", PARKED_STEPS), ("Completed", COMPLETED_STEPS))
    return "".join(text.format(saga=_program(), name=first[word]) for word, text in known if word in first)


def _program() -> str:
    """How this program is called from the current folder."""
    given = Path(sys.argv[0])
    if given.name != "saga":
        return "python -m workers"
    return "saga" if shutil.which("saga") == str(given) else os.path.relpath(given)


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
