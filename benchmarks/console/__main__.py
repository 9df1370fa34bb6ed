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
from benchmarks.console.figures import figures
from benchmarks.ledger.filling import fill
from benchmarks.servers import fresh_servers


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
    made = figures(costs, found)
    sys.stdout.write(f"{'; '.join(text for text, _ in made)}\n")
    return 1 if any(is_missed for _, is_missed in made) else 0


if __name__ == "__main__":
    sys.exit(main())
