"""`make bench-traces`: the same orders with traces off, off once more, at 1 % and at 100 %, in short slices in turn.

Each manner has a worker and participants of its own, all of them at work all the time, on the servers of `saga up`. A
round is one slice of each; what slows the machine for a while hits the slices of a round alike, so ratios are taken
within a round, to the mean of the two slices without traces; the ratios of these two show what chance does.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from benchmarks.__main__ import OURS, RESULTS
from benchmarks.servers import FOLDER, PROJECT, fresh_servers, note
from benchmarks.traces.figures import OFF, RATIOS, summary, table
from benchmarks.traces.shops import Shop
from orchestrator.settings import load_settings
from workers.stopping import leave

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.traces.figures import Slice
    from orchestrator.settings import Settings

WARM_UP = 40
"""Orders of each manner before the first round."""


async def measure(settings: Settings, rounds: int, orders: int) -> dict[str, Any]:
    """The slices of each round, what they tell, and everything that was not as it should be."""
    run, made, shops = f"b{secrets.token_hex(3)}", list[dict[str, "Slice"]](), list[Shop]()
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            for number, manner in enumerate(RATIOS):
                opened = Shop.open(manner, settings, Path(folder) / f"{run}{number}")
                shops.append(await stack.enter_async_context(opened))
            for shop in shops:
                await shop.take(WARM_UP)
            for number in range(rounds):
                # Each comes at every place of a round as often as the others.
                first = number % len(shops)
                taken = {shop.manner: await shop.take(orders) for shop in shops[first:] + shops[:first]}
                made.append(taken)
                note.print(f"{number + 1}/{rounds} {_told(taken)}", highlight=False)
    return {
        "manners": summary(made),
        "late": sum(shop.late for shop in shops),
        "faults": [fault for shop in shops for fault in shop.faults],
        "rounds": [{name: asdict(one) for name, one in taken.items()} for taken in made],
    }


def _told(taken: Mapping[str, Slice]) -> str:
    off = taken[OFF].total_ms
    return ", ".join(f"{name}: {taken[name].total_ms:.1f} ms ({taken[name].total_ms / off:.2f})" for name in RATIOS)


def main() -> int:
    """Measure, store, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.traces", description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--orders", type=int, default=60, help="orders of one slice")
    given = parser.parse_args()
    began = datetime.now(UTC)
    with fresh_servers():
        measured = uvloop.run(measure(load_settings(FOLDER), given.rounds, given.orders))
    stored = {"at": began.isoformat(), "store": OURS, "orders": given.orders, **measured}
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{began:%Y%m%dT%H%M%SZ}-traces.json"
    file.write_text(json.dumps(stored, indent=1) + "\n")
    sys.stdout.write(
        f"{table(measured['manners'])}\n\n{measured['late']} orders were late\n{file.relative_to(PROJECT)}\n"
    )
    for fault in measured["faults"][:20]:
        note.print(f"fault: {fault}", markup=False)
    return 1 if measured["faults"] else 0


if __name__ == "__main__":
    leave(main())
