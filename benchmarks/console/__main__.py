"""`make bench-console`: what pages cost with a full ledger, and open pages of a real console under load.

Exits with 1 if a figure was reached in no round; last line = all figures.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from benchmarks.console import live, pages
from benchmarks.console.pages import Cost
from benchmarks.ledger.filling import fill
from benchmarks.servers import fresh_servers

GOALS = {"change_shown_s": 1.0, "fifty_pages_percent": 10.0}
"""At most so many seconds, 95 of 100 times; at most so much of a core."""


def told(costs: list[Cost], found: dict[str, list[float]]) -> str:
    """All figures in one line; what was reached in no round says so."""
    texts = [str(cost) for cost in costs]
    for name, goal in GOALS.items():
        best = min(found[name])
        texts.append(f"{name} {best:.2f}, at most {goal:g}{': missed' if best > goal else ''}")
    return "; ".join(texts)


def main() -> int:
    """Measure, tell, judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.console", description=__doc__)
    parser.add_argument("--executions", type=int, default=100_000, help="in the ledger")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, fresh_servers() as servers:
        folder = Path(name)
        url = f"sqlite:///{folder / 'ledger.db'}"
        asyncio.run(fill(url, given.executions))
        costs = asyncio.run(pages.measure(url))
        found = asyncio.run(live.measure(url, servers.variables, folder))
    line = told(costs, found)
    sys.stdout.write(f"{line}\n")
    return 1 if "missed" in line else 0


if __name__ == "__main__":
    sys.exit(main())
